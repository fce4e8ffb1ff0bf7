"""Whose turn it is when a connection is free: of all procedures that may have it, the one that has waited longest."""

import asyncio
from itertools import count

import pytest

from tests.support.fake_calls import Gate, Rows, turns

READS, SINGLES = 2, 6
"""Connections of a gateway with 16."""


@pytest.mark.parametrize(
    ("crowd", "free", "other"),
    [
        (("get_product",), READS, "health_check"),
        (("get_product", "list_products"), READS, "health_check"),
        (("release_hold", "extend_hold"), SINGLES, "get_order"),
    ],
)
def test_a_crowd_that_never_ends_keeps_nobody_else_out(crowd: tuple[str, ...], free: int, other: str) -> None:
    async def sale() -> None:
        gate, numbers = Gate(), count()
        asked: list[asyncio.Task[Rows]] = []

        def one_more_of_each() -> None:
            asked.extend(gate.ask(procedure, next(numbers)) for procedure in crowd)

        for _ in range(2 * free):
            one_more_of_each()
        await turns()
        asked.append(gate.ask(other, "it"))
        waiting = len(asked)
        for ended in range(waiting - free):
            calls = await gate.ones.called(free + ended)
            calls[ended].end([])
            one_more_of_each()
        assert other in [call.procedure for call in await gate.ones.called(waiting)]

        while not all(each.done() for each in asked):
            for call in list(gate.ones.calls):
                call.end([])
            await asyncio.sleep(0.001)

    asyncio.run(sale())
