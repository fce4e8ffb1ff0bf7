"""What a run of the benchmark would have found, without the run: every round of every line the same."""

from collections import Counter

from loadtest.checks import Checks
from loadtest.history import PairedRounds
from loadtest.lines import CALL, GET_CALL, HTTP, clients_points, latency_points, main_points, stripes_points
from loadtest.measure import Round
from loadtest.results import FULL, Results
from loadtest.telling import Telling
from loadtest.trials import Refusals, Sweeping


def measured(rate: float) -> Round:
    """A round of that rate."""
    return Round(rate, 1.0, 2.0, 3.0, 100.0, 50.0, 20.0, 1.0, Counter(), 0.01)


def results(*, old: bool) -> Results:
    """A full run, with or without the old API."""
    rounds = [measured(100.0)] * FULL.rounds
    both = {CALL: rounds, GET_CALL: rounds}
    return Results(
        machine=dict.fromkeys(("CPU", "Memory", "System", "Disk", "MySQL", "Durability", "Housekeeping"), "some"),
        plan=FULL,
        main=dict.fromkeys(main_points(old=old), rounds),
        clients=dict.fromkeys(clients_points(FULL.clients), rounds),
        latency=dict.fromkeys(latency_points(FULL.delays), rounds),
        stripes=dict.fromkeys(stripes_points(FULL.stripes), rounds),
        history=[PairedRounds(rows, both, both) for rows in FULL.history],
        rushes=dict.fromkeys((CALL, HTTP), measured(100.0)),
        crowds=rounds,
        old_crowds=rounds if old else [],
        refusals=Refusals(10_000, 57, {}),
        sweeping=Sweeping(100_000, rounds, rounds),
        telling=Telling(10_000, rounds, rounds),
        workers=[(40.0, 25.0)] * 2,
        checks=Checks(),
        minutes=18.0,
    )  # fmt: skip
