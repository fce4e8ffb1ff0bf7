"""The sale as MySQL sees it, fetched once for all who look: people at the board, and Prometheus.

Answers of several ages. show_board and list_tasks cost the same whatever has been sold and are a second or two old.
show_totals and check_invariants walk over the history; they run on threads that nobody waits for, for a share of the
time, and each says how old it is.
"""

from __future__ import annotations

from api.gateway import BlockingCalls, Row
from api.watch.cached import Cached

LIVE_SECONDS = 1.0
LIVE_PATIENCE = 2.0
"""When show_board takes longer, MySQL counts as away; a scrape must end in time."""
SLOW_PATIENCE = 0.05
TASKS_SECONDS = 2.0
TOTALS_SECONDS = 1.0
TOTALS_SHARE = 0.05
"""Of the time, for show_totals: a walk of 3 s every minute."""
INVARIANTS_SECONDS = 5.0
INVARIANTS_SHARE = 0.02
COUNTED_READ_SECONDS = 300
"""How long the connection of what walks over the history waits, where no request would."""


class Figures:
    """The rows of four procedures; `patient` waits for COUNTED_READ_SECONDS."""

    def __init__(self, gateway: BlockingCalls, patient: BlockingCalls) -> None:
        def cached(calls: BlockingCalls, procedure: str, *limits: float) -> Cached[list[Row]]:
            return Cached(lambda: calls.call(procedure, ()), *limits)

        self.live = cached(gateway, "show_board", LIVE_SECONDS, LIVE_PATIENCE)
        self.tasks = cached(gateway, "list_tasks", TASKS_SECONDS, SLOW_PATIENCE)
        self.totals = cached(patient, "show_totals", TOTALS_SECONDS, SLOW_PATIENCE, TOTALS_SHARE)
        self.violations = cached(patient, "check_invariants", INVARIANTS_SECONDS, SLOW_PATIENCE, INVARIANTS_SHARE)
