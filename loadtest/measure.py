"""One round of load: generators in processes of their own, and what the processes under test spent meanwhile."""

import gc
import itertools
import math
import multiprocessing
import os
import signal
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from loadtest.messages import Requests
from loadtest.wire import Generator, Tally, Wire

GENERATORS = 2
WARM_UP_SECONDS = 0.3
"""Before the clock runs: each connection of MySQL parses the procedures it calls once, which costs milliseconds."""
PROC = Path("/proc")
FASTEST = 12_000
"""Requests a second that one generator may send. So many are made before the clock runs; more are made as needed."""
MOST_READY = 30_000


class Round(NamedTuple):
    """What one round measured.

    rate: requests answered a second; of sets, those that were done. p50, p95, p99: milliseconds of a response. *_us:
    microseconds of CPU a request: of mysqld, of all of gunicorn, of the generators; NaN where the system does not
    tell. outcomes: requests by outcome, also those of the warm-up and those after the end, so that they can be compared
    with what was committed. others: the share of the machine's CPU time that went to other processes meanwhile, 0 to 1.
    """

    rate: float
    p50: float
    p95: float
    p99: float
    mysqld_us: float
    api_us: float
    client_us: float
    seconds: float
    outcomes: Counter[int]
    others: float


class _Spent(NamedTuple):
    """CPU seconds used so far, and the time."""

    mysqld: float
    api: float
    machine: float
    now: float


def run_round(
    wire: Wire,
    requests: Requests,
    connections: int,
    seconds: float,
    mysqld: int,
    gunicorn: int,
    seed: int,
    until: int | None = None,
    meanwhile: Callable[[], object] | None = None,
    warm_up: bool = True,
) -> Round:
    """Keep `connections` requests under way for so many seconds, or to the first outcome `until`, or while they last;
    with `meanwhile`, which is called here, as long as that takes.

    mysqld, gunicorn: their pids. Raises RuntimeError when a generator failed.
    """
    context = multiprocessing.get_context("fork")
    pipes: list[Connection] = []
    processes = []
    over = context.Value("b", 0, lock=False)
    try:
        for number in range(GENERATORS):
            ours, theirs = context.Pipe()
            share = len(range(number, connections, GENERATORS))

            beginning = partial(begin, wire, requests, share, seconds, (seed, number))
            arguments = (theirs, beginning, seconds, until, warm_up, lambda: bool(over.value))
            process = context.Process(target=_generate, args=arguments, daemon=True)
            process.start()
            theirs.close()
            processes.append(process)
            pipes.append(ours)
        warm_ups = [_receive(pipe) for pipe in pipes]
        before = _spent(mysqld, gunicorn)
        for pipe in pipes:
            pipe.send("go")
        if meanwhile:
            meanwhile()
            over.value = 1
        results = [_receive(pipe) for pipe in pipes]
        after = _spent(mysqld, gunicorn)
    finally:
        for process in processes:
            process.terminate()
            process.join()
    return _summarise(warm_ups, results, _Spent(*(late - early for late, early in zip(after, before, strict=True))))


def family(pid: int) -> list[int]:
    """A process and its children; nothing where there is no /proc."""
    try:
        children = (PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
    except OSError:
        return []
    return [pid, *map(int, children)]


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system CPU that the processes used so far, in seconds; NaN where there is no /proc."""
    try:
        stats = [(PROC / str(pid) / "stat").read_text().rpartition(")")[2].split() for pid in pids]
    except OSError:
        return math.nan
    return float(sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK"))


def _spent(mysqld: int, gunicorn: int) -> _Spent:
    try:
        user, nice, system, _, _, *interrupts = (PROC / "stat").read_text().splitlines()[0].split()[1:9]
        machine = sum(map(int, (user, nice, system, *interrupts))) / os.sysconf("SC_CLK_TCK")
    except OSError:
        machine = math.nan
    return _Spent(cpu_seconds([mysqld]), cpu_seconds(family(gunicorn)), machine, time.monotonic())


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident memory of a process in MB, and the same with shared pages divided among their users; NaN if untold."""
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return math.nan, math.nan
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}
    return sizes["Rss"], sizes["Pss"]


def median(rounds: Sequence[Round], figure: str) -> float:
    """The median of a figure over rounds."""
    return float(statistics.median(getattr(each, figure) for each in rounds))


def begin(
    wire: Wire, requests: Requests, connections: int, seconds: float, part: tuple[int, int]
) -> tuple[Generator, Iterator[bytes]]:
    """A connected generator and its framed messages, most of them made now: what that costs is nobody's later on."""
    seed, number = part
    messages = map(wire.frame, requests.series(seed, number, GENERATORS))
    count = min(int((seconds + WARM_UP_SECONDS) * FASTEST), MOST_READY) // requests.size
    ready = list(itertools.islice(messages, count))
    return Generator(wire, connections, requests.follow), itertools.chain(ready, messages)


def _generate(
    pipe: Connection,
    beginning: Callable[[], tuple[Generator, Iterator[bytes]]],
    seconds: float,
    until: int | None,
    warm_up: bool,
    ended: Callable[[], bool],
) -> None:
    # Ctrl-C is for the parent, which ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Nothing here makes cycles, and a collection would look through all that the parent had.
    gc.disable()
    try:
        generator, messages = beginning()
        pipe.send(generator.run(messages, WARM_UP_SECONDS) if warm_up else Tally())
        pipe.recv()
        pipe.send(generator.run(messages, seconds, until, ended))
    except Exception as error:
        pipe.send(error)


def _receive(pipe: Connection) -> Tally:
    try:
        answer = pipe.recv()
    except EOFError:
        raise RuntimeError("a load generator died") from None
    if isinstance(answer, Exception):
        raise RuntimeError(f"a load generator failed: {answer!r}") from answer
    assert isinstance(answer, Tally)
    return answer


def _summarise(warm_ups: Sequence[Tally], tallies: Sequence[Tally], spent: _Spent) -> Round:
    responses = max(sum(tally.outcomes.total() for tally in tallies), 1)
    latencies = sorted(itertools.chain.from_iterable(tally.latencies for tally in tallies)) or [math.nan]
    seconds = max(tally.seconds for tally in tallies)
    clients = sum(tally.cpu_seconds for tally in tallies)
    others = spent.machine - spent.mysqld - spent.api - clients
    return Round(
        rate=sum(tally.in_time for tally in tallies) / max(seconds, 1e-6),
        p50=latencies[len(latencies) // 2] * 1e3,
        p95=latencies[len(latencies) * 95 // 100] * 1e3,
        p99=latencies[len(latencies) * 99 // 100] * 1e3,
        mysqld_us=spent.mysqld / responses * 1e6,
        api_us=spent.api / responses * 1e6,
        client_us=clients / responses * 1e6,
        seconds=seconds,
        outcomes=sum((tally.outcomes for tally in [*warm_ups, *tallies]), Counter[int]()),
        others=max(others / (spent.now * (os.cpu_count() or 1)), 0.0),
    )
