"""How far something long is."""

import sys

from .state import Echo


class Progress:
    """A line that updates itself on a terminal, and a plain line at each quarter anywhere else."""

    def __init__(self, label: str, total: int, unit: str, echo: Echo) -> None:
        self._label, self._total, self._unit, self._echo = label, max(total, 1), unit, echo
        self._live = sys.stderr.isatty()
        self._shown = -1

    def update(self, done: int) -> None:
        """Show that `done` of the total is done."""
        percent = min(100, 100 * done // self._total)
        step = percent if self._live else percent // 25 * 25
        if step == self._shown:
            return
        self._shown = step
        line = f"{self._label}: {min(done, self._total)} of {self._total} {self._unit} ({percent} %)"
        if self._live:
            end = "\n" if percent == 100 else ""
            print(f"\r\x1b[K{line}", end=end, file=sys.stderr, flush=True)
        else:
            self._echo(line)
