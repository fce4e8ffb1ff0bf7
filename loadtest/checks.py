"""What is compared after every round: a figure counts only when nothing was oversold for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Checks:
    """What was compared so far, and what was found wrong."""

    made: int = 0
    faults: list[str] = field(default_factory=list)

    def equal(self, what: str, told: int, found: int) -> None:
        """What clients were told must be what the tables say."""
        self.made += 1
        if told != found:
            self.faults.append(f"{what}: {told} expected, {found} found")

    def none(self, what: str, rows: Sequence[object]) -> None:
        """There must be no rows."""
        self.made += 1
        self.faults += [f"{what}: {row}" for row in rows]
