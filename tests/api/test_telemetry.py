"""What ends in one turn of the event loop is counted and logged together: exactly, whole, and at once."""

from __future__ import annotations

import asyncio
import json
import os
import select
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from falcon.asgi import Response

from api.watch import logs
from api.watch.logs import Answer, make_request_log
from api.watch.meters import REQUEST_BUCKETS, Meters
from api.watch.telemetry import Telemetry
from api.watch.trace import Trace, current
from tests.support.prometheus import Scrape

SECONDS = [0.0, *REQUEST_BUCKETS, 0.003, 0.003, 11.0]
ROUTE = "/api/holds"


def answer(seconds: float = 0.003, status: int = 201, problem: str = "", number: int = 0) -> Answer:
    """A request for a hold that was answered."""
    return Answer(Trace(f"r{number}", 0.0), 1795521600.25, "POST", ROUTE, status, problem, seconds)


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """What is written to stderr, write by write."""
    written: list[bytes] = []
    monkeypatch.setattr(logs, "os", SimpleNamespace(write=lambda fd, text: written.append(text)))
    return written


def exposed(meters: Meters) -> str:
    """The text of a scrape, without when each series began."""
    return "".join(line for line in meters.expose().decode().splitlines(True) if "_created" not in line)


def test_many_answers_are_counted_as_if_each_had_come_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    answers = [answer(seconds) for seconds in SECONDS] + [answer(0.5, 409, "sold_out") for _ in range(3)]
    together, alone = Meters(), Meters()

    together.answered(answers)
    together.called("create_hold", SECONDS)
    for each in answers:
        alone.answered([each])
    for seconds in SECONDS:
        alone.called("create_hold", [seconds])

    assert exposed(together) == exposed(alone)
    assert together.answers() == {("POST", ROUTE, ""): len(SECONDS), ("POST", ROUTE, "sold_out"): 3}


@pytest.mark.parametrize("format_", ["json", "text"])
def test_lines_are_written_whole_and_in_order_and_never_more_than_a_pipe_takes_at_once(
    writes: list[bytes], format_: str
) -> None:
    make_request_log(format_)([answer(number=number) for number in range(100)])

    assert 1 < len(writes) < 10
    assert all(text.endswith(b"\n") and len(text) <= select.PIPE_BUF for text in writes)
    lines = b"".join(writes).decode().splitlines()
    told = [json.loads(line)["request_id"] if format_ == "json" else line.split()[-1] for line in lines]
    assert told == [f"r{number}" for number in range(100)]


def test_a_log_that_nobody_reads_any_more_keeps_nobody_from_buying(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(logs.os, "write", fail)
    make_request_log("json")([answer()])


def test_a_line_names_the_process_that_wrote_it_also_after_a_fork() -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, str(logs._process.id).encode())
        os._exit(0)
    os.waitpid(child, 0)

    assert int(os.read(reader, 32)) == child
    assert logs._process.id == os.getpid()


def test_what_ends_in_one_turn_of_the_loop_is_written_down_right_after_it() -> None:
    logged: list[list[Answer]] = []
    telemetry = Telemetry(Meters(), logged.append, 10.0)

    async def serve(number: int) -> None:
        current.set(Trace(f"r{number}", 0.0))
        telemetry.called("create_hold", 0.001)
        telemetry.end(SimpleNamespace(method="GET", uri_template="/readyz"), Response())  # type: ignore[arg-type]

    async def turns() -> None:
        await asyncio.gather(*(serve(number) for number in range(5)))
        assert [len(answers) for answers in logged] == [5]
        await serve(5)
        await asyncio.sleep(0)
        assert [len(answers) for answers in logged] == [5, 1]

    asyncio.run(turns())
    assert Scrape(telemetry.meters.expose().decode()).value("flashsale_call_duration_seconds_count") == 6


def test_a_call_of_no_request_is_counted_at_once_by_whichever_thread_made_it() -> None:
    telemetry = Telemetry(Meters(), lambda _: None, 10.0)

    telemetry.called("create_holds", 0.001)

    assert "flashsale_call_duration_seconds_count" in exposed(telemetry.meters)


def test_a_thread_that_works_for_a_request_counts_its_call_itself() -> None:
    telemetry = Telemetry(Meters(), lambda _: None, 10.0)
    trace = Trace("r", 0.0)

    async def serve() -> None:
        current.set(trace)
        await asyncio.to_thread(telemetry.called, "get_hold", 0.001)
        telemetry.retried("deadlock", 1213)
        assert "get_hold" in exposed(telemetry.meters)

    asyncio.run(serve())
    assert (trace.procedure, trace.retries, trace.errno) == ("get_hold", 1, 1213)
