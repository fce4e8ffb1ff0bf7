"""Everything that a run of the benchmark found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from loadtest.checks import Checks
from loadtest.history import PairedRounds
from loadtest.lines import Figures
from loadtest.measure import Round
from loadtest.telling import Telling
from loadtest.trials import Refusals, Sweeping


@dataclass(frozen=True)
class Schedule:
    """How long and how often, and how far the sweeps go."""

    seconds: float
    rounds: int
    sweep_seconds: float
    sweep_rounds: int
    clients: Sequence[int]
    delays: Sequence[int]
    stripes: Sequence[int]
    history: Sequence[int]
    history_rounds: Sequence[int]
    refused: int
    expired: int
    trial_rounds: int
    told: int


FULL = Schedule(
    seconds=1.0, rounds=5, sweep_seconds=0.7, sweep_rounds=2,
    clients=(1, 4, 16, 32, 64, 128, 256, 512), delays=(0, 1000, 2000, 5000),
    stripes=(1, 2, 4, 8, 16, 32, 64),
    history=(0, 100_000, 1_000_000, 5_000_000), history_rounds=(1, 1, 1, 5),
    refused=10_000, expired=100_000, trial_rounds=3, told=10_000,
)  # fmt: skip
QUICK = Schedule(
    seconds=0.3, rounds=1, sweep_seconds=0.2, sweep_rounds=1,
    clients=(1, 512), delays=(0, 5000), stripes=(2, 64), history=(0, 10_000), history_rounds=(1, 1),
    refused=500, expired=5_000, trial_rounds=1, told=5_000,
)  # fmt: skip


@dataclass(frozen=True)
class Results:
    """What RESULTS.md and the plots are made of. old_crowds: under the old API; empty when it was not measured."""

    machine: Mapping[str, str]
    plan: Schedule
    main: Figures
    clients: Figures
    latency: Figures
    stripes: Figures
    history: Sequence[PairedRounds]
    rushes: Mapping[str, Round]
    crowds: Sequence[Round]
    old_crowds: Sequence[Round]
    refusals: Refusals
    sweeping: Sweeping
    telling: Telling
    workers: Sequence[tuple[float, float]]
    checks: Checks
    minutes: float

    def every_round(self) -> Iterator[Round]:
        """All that were measured against the clock."""
        for figures in (self.main, self.clients, self.latency, self.stripes):
            for rounds in figures.values():
                yield from rounds
        for stage in self.history:
            for figures_of in (stage.without, stage.beside):
                for rounds in figures_of.values():
                    yield from rounds
        for pairs in (self.sweeping, self.telling):
            yield from (*pairs.undisturbed, *pairs.disturbed)
