"""Whatever is asked begins in time, or is refused in time: with MySQL stuck nobody waits without end."""

import asyncio
import time
from typing import Any

import pytest

from api.gateway import UnavailableError, waiting
from api.gateway.errors import LockWaitError
from tests.support.fake_calls import Gate, turns, until

IN_TIME = waiting.QUEUE_SECONDS + waiting.LOOK_SECONDS + 1


async def refused(task: "asyncio.Future[Any]") -> float:
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


def test_who_was_left_alone_by_a_set_does_not_let_others_wait_for_longer() -> None:
    async def sale() -> None:
        gate = Gate(connections=4)
        stuck = gate.ask("release_hold", 1)
        left_alone = asyncio.gather(gate.hold("a"), gate.hold("b"))
        [call] = await gate.sets.called(1)
        behind = gate.ask("release_hold", 2)
        call.end(LockWaitError("locked"))
        assert waiting.QUEUE_SECONDS - 0.2 < await refused(behind) < waiting.QUEUE_SECONDS + 0.5
        longer = waiting.AGAIN_SECONDS - waiting.QUEUE_SECONDS
        assert longer - 0.3 < await refused(left_alone) < longer + 0.5
        gate.ones.calls[0].end([])
        await stuck
        assert begun(gate) == 2

    asyncio.run(sale())


def test_each_who_was_left_alone_is_refused_when_their_own_time_is_over() -> None:
    async def sale() -> None:
        gate = Gate(connections=8)
        stuck = gate.hold("stuck")
        await gate.ones.called(1)
        early = asyncio.gather(gate.hold("a"), gate.hold("b"))
        [first] = await gate.sets.called(1)
        await asyncio.sleep(0.7)
        late = asyncio.gather(gate.hold("c"), gate.hold("d"))
        [_, second] = await gate.sets.called(2)
        first.end(LockWaitError("locked"))
        await asyncio.sleep(0.1)
        second.end(LockWaitError("locked"))
        assert await refused(early) < waiting.AGAIN_SECONDS - 0.8 + 0.4
        assert 0.2 < await refused(late) < 1.1
        gate.ones.calls[0].end([])
        await stuck

    asyncio.run(sale())


def test_a_set_whose_requests_were_all_refused_is_in_nobodys_way() -> None:
    async def sale() -> None:
        gate = Gate(connections=4)
        first = asyncio.gather(gate.hold("a", 1), gate.hold("b", 1))
        [under_way] = await gate.sets.called(1)
        given_up = [gate.hold("c", 2), gate.hold("d", 2)]
        for each in given_up:
            await refused(each)
        next_ones = asyncio.gather(gate.hold("e", 3), gate.hold("f", 3))
        await turns()
        under_way.end()
        await first
        [_, served] = await gate.sets.called(2)
        assert served.keys == ["e", "f"]
        served.end()
        await next_ones

    asyncio.run(sale())


def test_who_is_gone_before_their_set_begins_is_not_in_it() -> None:
    async def sale() -> None:
        gate = Gate(connections=4)
        first = asyncio.gather(gate.hold("a", 1), gate.hold("b", 1))
        [under_way] = await gate.sets.called(1)
        gone, *others = [gate.hold(key, 2) for key in "cde"]
        await turns()
        gone.cancel()
        await turns()
        under_way.end()
        await first
        [_, served] = await gate.sets.called(2)
        assert served.keys == ["d", "e"]
        served.end()
        assert [[row["key"] for row in rows] for rows in await asyncio.gather(*others)] == [["d"], ["e"]]

    asyncio.run(sale())


def test_those_who_were_answered_while_somebody_waits_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MOST", 10)

    async def sale() -> None:
        gate = Gate(connections=4)
        stuck = [gate.ask("release_hold", number) for number in range(2)]
        await gate.ones.called(1)
        for number in range(20):
            read = gate.ask("get_product", number)
            [*_, call] = await gate.ones.called(number + 2)
            call.end([])
            await read
            await asyncio.sleep(1.5 * waiting.LOOK_SECONDS if number % 4 == 3 else 0)
        gate.ones.calls[0].end([])
        await stuck[0]
        [*_, last] = await gate.ones.called(22)
        last.end([])
        await stuck[1]

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
        await until(lambda: begun(gate) == 6)
        for call in (*gate.ones.calls, *gate.sets.calls):  # it went alone, unless those before have not come back yet
            call.end()
        await free

    asyncio.run(sale())
