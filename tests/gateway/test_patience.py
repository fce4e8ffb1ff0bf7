"""Whatever is asked begins in time, or is refused in time: with MySQL stuck nobody waits without end."""

import asyncio
import time

import pytest

from api.gateway import UnavailableError, waiting
from api.gateway.errors import LockWaitError
from tests.support.fake_calls import Gate, Rows, turns, until

IN_TIME = waiting.QUEUE_SECONDS + waiting.LOOK_SECONDS + 1


async def refused(task: "asyncio.Task[Rows]") -> float:
    """How long it took until it was refused."""
    began = time.monotonic()
    with pytest.raises(UnavailableError):
        await task
    return time.monotonic() - began


def begun(gate: Gate) -> int:
    """How many CALLs have begun."""
    return len(gate.ones.calls) + len(gate.sets.calls)


@pytest.mark.parametrize("procedure", ["get_product", "release_hold"])
def test_what_does_not_begin_in_time_is_refused_and_never_begins(procedure: str) -> None:
    async def sale() -> None:
        gate = Gate(connections=4)
        stuck = [gate.ask(procedure, number) for number in range(4)]
        await gate.ones.called(1)
        late = gate.ask(procedure, 5)
        assert waiting.QUEUE_SECONDS - 0.2 < await refused(late) < IN_TIME
        for call in gate.ones.calls:
            call.end([])
        await asyncio.gather(*stuck, return_exceptions=True)
        await turns()
        assert begun(gate) == 1

    asyncio.run(sale())


def test_a_hold_that_waits_for_sets_that_hang_is_refused_in_time() -> None:
    async def sale() -> None:
        gate = Gate()
        under_way = await gate.busy()
        assert waiting.QUEUE_SECONDS - 0.2 < await refused(gate.hold("late")) < IN_TIME
        for call in under_way:
            call.end()
        await turns()
        assert begun(gate) == len(under_way)

    asyncio.run(sale())


def test_a_set_that_fails_late_is_not_tried_again() -> None:
    async def sale() -> None:
        gate = Gate()
        asked = [gate.hold(f"k{number}") for number in range(3)]
        [call] = await gate.sets.called(1)
        await asyncio.sleep(waiting.AGAIN_SECONDS)
        call.end(LockWaitError("locked"))
        for each in asked:
            assert await refused(each) < 0.5
        assert not gate.ones.calls

    asyncio.run(sale())


def test_when_too_many_wait_the_next_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MOST", 10)

    async def sale() -> None:
        gate = Gate()
        under_way = await gate.busy()
        asked = [gate.hold(f"k{number}") for number in range(10)]
        await turns()
        assert await refused(gate.hold("one too many")) < 0.5
        for call in under_way:
            call.end()
        sets = await gate.sets.called(3)
        sets[2].end()
        await asyncio.gather(*asked)
        assert sets[2].keys == [f"k{number}" for number in range(10)]
        free = gate.hold("there is room again")
        await until(lambda: len(gate.ones.calls) + len(gate.sets.calls) == 6)
        gate.ones.calls[-1].end([])
        await free

    asyncio.run(sale())
