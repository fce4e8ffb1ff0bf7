"""What the processes count, for Prometheus; in gunicorn every worker in files of its own, which a scrape adds up.

prometheus_client decides between one process and several when it is imported, by PROMETHEUS_MULTIPROC_DIR:
api/server/gunicorn.conf.py calls `api.watch.meter_files.prepare` before that.
"""

from __future__ import annotations

import glob
import os
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from api.watch.logs import Answer

REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CALL_BUCKETS = (0.0005, *REQUEST_BUCKETS)
REQUESTS = "flashsale_http_requests"
RETRY_CAUSES = ("deadlock", "lost_connection", "other_node", "read_only", "replaced_procedure")


class Meters:
    """The counters, histograms and gauges of this process. Each update writes a double or two to a mapped file."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            REQUESTS,
            "Answered requests; problem is the slug, empty for a success",
            ["route", "method", "status", "problem"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            "flashsale_http_request_duration_seconds",
            "From the request's arrival in the application to its answer",
            ["route", "method"],
            buckets=REQUEST_BUCKETS,
            registry=registry,
        )
        self._call_seconds = Histogram(
            "flashsale_call_duration_seconds",
            "A CALL with its retries, as the request waits for it",
            ["procedure"],
            buckets=CALL_BUCKETS,
            registry=registry,
        )
        retries = Counter(
            "flashsale_call_retries", "Attempts of a CALL that had to be repeated", ["cause"], registry=registry
        )
        self._retries = {cause: retries.labels(cause) for cause in RETRY_CAUSES}
        self._connections = Gauge(
            "flashsale_database_connections",
            "Open connections to MySQL",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._workers = Gauge(
            "flashsale_workers", "Worker processes that serve", registry=registry, multiprocess_mode="livesum"
        )
        self._by_answer: dict[tuple[str, str, int, str], tuple[Counter, Histogram]] = {}
        self._by_procedure: dict[str, Histogram] = {}

    def worker_began(self) -> None:
        """This process is a worker that serves from now on."""
        self._workers.set(1)

    def answered(self, answers: Sequence[Answer]) -> None:
        """Requests were answered. All but their seconds come from a small set: each combination stays for ever."""
        alike: dict[tuple[str, str, int, str], list[float]] = {}
        for answer in answers:
            key = (answer.method, answer.route, answer.status, answer.problem)
            alike.setdefault(key, []).append(answer.seconds)
        for key, seconds in alike.items():
            meters = self._by_answer.get(key)
            if meters is None:
                method, route, status, problem = key
                meters = self._by_answer[key] = (
                    self._requests.labels(route, method, str(status), problem),
                    self._request_seconds.labels(route, method),
                )
            meters[0].inc(len(seconds))
            _observe(meters[1], seconds)

    def called(self, procedure: str, seconds: Sequence[float]) -> None:
        """CALLs of a procedure ended, however they did."""
        meter = self._by_procedure.get(procedure)
        if meter is None:
            meter = self._by_procedure[procedure] = self._call_seconds.labels(procedure)
        _observe(meter, seconds)

    def retried(self, cause: str) -> None:
        """A CALL is repeated; cause is one of RETRY_CAUSES."""
        self._retries[cause].inc()

    def connected(self, change: int) -> None:
        """A connection to MySQL was opened (1) or closed (-1)."""
        self._connections.inc(change)

    def answers(self) -> dict[tuple[str, str, str], int]:
        """Answered requests of all workers together, by method, route and problem (empty for a success)."""
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        metrics = _merged(folder, "counter_*") if folder else self._requests.collect()
        counted: dict[tuple[str, str, str], int] = {}
        for metric in metrics:
            for sample in metric.samples:
                if sample.name == f"{REQUESTS}_total":
                    key = (sample.labels["method"], sample.labels["route"], sample.labels["problem"])
                    counted[key] = counted.get(key, 0) + int(sample.value)
        return counted

    def expose(self, others: Iterable[Collector] = ()) -> bytes:
        """Everything in Prometheus's text format: the numbers of all workers together, and those of `others`."""
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        registry = self._registry
        if folder:
            registry = CollectorRegistry()
            registry.register(_OfAllWorkers(folder))
        together = CollectorRegistry()
        for other in others:
            together.register(other)
        return generate_latest(registry) + generate_latest(together)


class _OfAllWorkers(Collector):
    """What all workers counted together."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        return _merged(self._folder)


def _merged(folder: str, names: str = "*") -> Iterable[Metric]:
    """What the workers' files say. The library can't read one that is empty, as a worker is just making it."""

    def is_made(file: str) -> bool:
        try:
            return os.path.getsize(file) > 0
        except FileNotFoundError:  # its worker is gone
            return False

    files = list(filter(is_made, glob.glob(os.path.join(folder, f"{names}.db"))))
    metrics: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
    return metrics


def _observe(histogram: Histogram, seconds: Sequence[float]) -> None:
    """All of them with one write a bucket, for which the library has no method."""
    if len(seconds) == 1:
        histogram.observe(seconds[0])
        return
    histogram._sum.inc(sum(seconds))
    for bucket, count in Tally(bisect_left(histogram._upper_bounds, each) for each in seconds).items():
        histogram._buckets[bucket].inc(count)
