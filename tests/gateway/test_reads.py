"""Reads that wait at the same time share a CALL, which begins after all of them were asked for."""

import asyncio

import pytest

from api.gateway import UnavailableError
from api.gateway.reads import MOST_REST_SECONDS
from tests.support.fake_calls import Gate, turns


def test_reads_of_the_same_turn_share_a_call_and_its_rows() -> None:
    async def sale() -> None:
        gate = Gate()
        asked = [gate.ask("get_product", 1) for _ in range(5)]
        [call] = await gate.ones.called(1)
        call.end([{"available": 7}])
        answers = await asyncio.gather(*asked)
        assert answers[0] == [{"available": 7}]
        assert all(answer is answers[0] for answer in answers)

    asyncio.run(sale())


def test_pages_of_another_filter_are_another_read() -> None:
    async def sale() -> None:
        gate = Gate()
        asked = [gate.ask("list_products", state, None, 101) for state in ("open", None, "open")]
        for call in await gate.ones.called(2):
            call.end([{"of": call.arguments[0]}])
        assert [rows[0]["of"] for rows in await asyncio.gather(*asked)] == ["open", None, "open"]

    asyncio.run(sale())


def test_who_comes_while_it_is_read_waits_for_the_next_read() -> None:
    async def sale() -> None:
        gate = Gate()
        first = gate.ask("get_product", 1)
        await gate.ones.called(1)
        later = [gate.ask("get_product", 1) for _ in range(3)]
        await turns()
        assert len(gate.ones.calls) == 1
        gate.ones.calls[0].end([{"available": 1}])
        assert await first == [{"available": 1}]
        await gate.ones.called(2)
        gate.ones.calls[1].end([{"available": 0}])
        assert await asyncio.gather(*later) == [[{"available": 0}]] * 3

    asyncio.run(sale())


def test_a_read_that_took_long_rests_as_long_before_the_next_one() -> None:
    async def sale() -> None:
        gate, loop = Gate(), asyncio.get_running_loop()
        first = gate.ask("get_product", 1)
        await gate.ones.called(1)
        began = loop.time()
        await asyncio.sleep(0.05)
        ended = loop.time()
        gate.ones.calls[0].end([{"available": 1}])
        await first
        second = gate.ask("get_product", 1)
        await gate.ones.called(2)
        assert loop.time() - ended >= 0.9 * min(ended - began, MOST_REST_SECONDS)

        gate.ones.calls[1].end([{"available": 0}])
        assert await second == [{"available": 0}]

    asyncio.run(sale())


def test_other_arguments_are_another_read_and_writes_share_nothing() -> None:
    async def sale() -> None:
        gate = Gate()
        asked = [gate.ask("get_product", 1), gate.ask("get_product", 2)]
        asked += [gate.ask("get_order", "o"), gate.ask("get_order", "o")]
        for call in await gate.ones.called(4):
            call.end([{"of": call.arguments}])
        assert [rows[0]["of"] for rows in await asyncio.gather(*asked)] == [[1], [2], ["o"], ["o"]]

    asyncio.run(sale())


def test_one_who_gives_up_takes_nothing_from_the_others_and_all_hear_of_a_failure() -> None:
    async def sale() -> None:
        gate = Gate()
        gone, *stay = (gate.ask("get_product", 1) for _ in range(3))
        [call] = await gate.ones.called(1)
        gone.cancel()
        await turns()
        call.end(UnavailableError("down"))
        for each in stay:
            with pytest.raises(UnavailableError, match="down"):
                await each

    asyncio.run(sale())
