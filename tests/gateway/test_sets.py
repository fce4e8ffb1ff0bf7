"""Who comes together travels together, in the order of arrival, and everybody gets an answer of their own."""

import asyncio

import pytest

from api.gateway import ProcedureError, UnavailableError, sets
from api.gateway.errors import LockWaitError
from tests.support.fake_calls import Gate, turns, until

SOLD_OUT = {"answer": "refused", "errno": 31101, "sqlstate": "45409", "message": "sold_out: no units"}
ALONE = {"answer": "alone"}


def test_who_comes_alone_goes_at_once_by_the_single_procedure() -> None:
    async def sale() -> None:
        gate = Gate()
        asked = gate.hold("k1")
        [call] = await gate.ones.called(1)
        assert (call.procedure, call.arguments) == ("create_hold", [1, 1, None, "k1"])
        call.end([{"hold_id": "h"}])
        assert await asked == [{"hold_id": "h"}]
        assert not gate.sets.calls

    asyncio.run(sale())


def test_who_comes_in_the_same_turn_goes_as_a_set_in_the_order_of_arrival() -> None:
    async def sale() -> None:
        gate = Gate()
        asked = [gate.hold(f"k{number}") for number in range(5)]
        [call] = await gate.sets.called(1)
        assert call.procedure == "create_holds"
        assert call.requests == [
            {"product_id": 1, "qty": 1, "customer_id": None, "idempotency_key": f"k{number}"} for number in range(5)
        ]
        call.end()
        assert [rows[0]["key"] for rows in await asyncio.gather(*asked)] == [f"k{number}" for number in range(5)]
        assert not gate.ones.calls

    asyncio.run(sale())


def test_what_waits_while_two_sets_are_under_way_goes_when_one_is_back() -> None:
    async def sale() -> None:
        gate = Gate()
        under_way = await gate.busy()
        asked = [gate.hold(f"k{number}") for number in range(150)]
        await turns()
        assert len(gate.sets.calls) == 2
        gate.sets.calls[0].end()
        sets = await gate.sets.called(3)
        assert sets[2].keys == [f"k{number}" for number in range(100)]
        gate.sets.calls[1].end()
        sets = await gate.sets.called(4)
        assert sets[3].keys == [f"k{number}" for number in range(100, 150)]
        for call in (*under_way, *sets[2:]):
            call.end()
        await asyncio.gather(*asked)

    asyncio.run(sale())


def test_a_second_set_begins_with_enough_requests_and_fewer_go_with_what_comes_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sets, "LATE_SECONDS", 60)  # here the first set is never late, however slow the machine is

    async def sale() -> None:
        gate = Gate()
        asked = [gate.hold(f"a{number}") for number in range(3)]
        await gate.sets.called(1)
        asked += [gate.hold(f"b{number}") for number in range(sets.ENOUGH - 1)]
        await turns()
        assert len(gate.sets.calls) == 1
        asked += [gate.hold("the last of enough")]
        calls = await gate.sets.called(2)
        assert len(calls[1].keys) == sets.ENOUGH
        asked += [gate.hold("one more")]
        await turns()
        assert len(gate.sets.calls) == 2
        for call in calls:
            call.end()
        await until(lambda: len(gate.sets.calls) + len(gate.ones.calls) == 3)
        gate.ones.calls[0].end()
        await asyncio.gather(*asked)

    asyncio.run(sale())


def test_nobody_waits_for_a_first_set_that_takes_long() -> None:
    async def sale() -> None:
        gate = Gate()
        began = asyncio.get_running_loop().time()
        asked = [gate.hold(f"a{number}") for number in range(3)]
        await gate.sets.called(1)
        asked += [gate.hold(f"b{number}") for number in range(2)]
        calls = await gate.sets.called(2)
        assert asyncio.get_running_loop().time() - began > sets.LATE_SECONDS / 2
        assert calls[1].keys == ["b0", "b1"]
        for call in calls:
            call.end()
        await asyncio.gather(*asked)

    asyncio.run(sale())


def test_nobody_waits_for_a_set_that_takes_long_when_another_one_is_back() -> None:
    async def sale() -> None:
        gate = Gate()
        asked = [gate.hold(f"a{number}") for number in range(3)]
        await gate.sets.called(1)
        quick = gate.hold("b")
        (await gate.sets.called(2))[1].end()
        await quick
        asked.append(gate.hold("c"))
        calls = await gate.sets.called(3)
        assert calls[2].keys == ["c"]
        for call in (calls[0], calls[2]):
            call.end()
        await asyncio.gather(*asked)

    asyncio.run(sale())


def test_each_gets_an_answer_of_their_own_and_who_is_left_alone_delays_nobody() -> None:
    async def sale() -> None:
        gate = Gate()
        done, refused, odd = (gate.hold(key) for key in ("done", "refused", "odd"))
        [call] = await gate.sets.called(1)
        call.end([{"answer": "done", "hold_id": "h"}, SOLD_OUT, ALONE])
        assert (await done)[0]["hold_id"] == "h"
        with pytest.raises(ProcedureError) as raised:
            await refused
        assert (raised.value.procedure, raised.value.errno, raised.value.message) == (
            "create_hold", 31101, "sold_out: no units",
        )  # fmt: skip
        [single] = await gate.ones.called(1)
        assert (single.procedure, single.keys) == ("create_hold", ["odd"])

        next_ones = [gate.hold(f"n{number}") for number in range(3)]
        sets = await gate.sets.called(2)
        sets[1].end()
        await asyncio.gather(*next_ones)
        assert not odd.done()
        single.end([{"hold_id": "slow"}])
        assert (await odd)[0]["hold_id"] == "slow"

    asyncio.run(sale())


@pytest.mark.parametrize("failure", [ProcedureError("create_holds", 1366, "HY000", "bad"), LockWaitError("locked")])
def test_a_set_that_fails_for_one_of_them_is_split(failure: Exception) -> None:
    async def sale() -> None:
        gate = Gate()
        asked = [gate.hold(f"k{number}") for number in range(3)]
        (await gate.sets.called(1))[0].end(failure)
        singles = await gate.ones.called(3)
        for single in singles[:2]:
            single.end([{"key": single.keys[0]}])
        singles[2].end(UnavailableError("locked"))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert answers[:2] == [[{"key": "k0"}], [{"key": "k1"}]]
        assert isinstance(answers[2], UnavailableError)

    asyncio.run(sale())


def test_a_set_that_mysql_did_not_answer_is_refused_to_all_of_it() -> None:
    async def sale() -> None:
        gate = Gate()
        asked = [gate.hold(f"k{number}") for number in range(3)]
        (await gate.sets.called(1))[0].end(UnavailableError("lost"))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [str(answer) for answer in answers] == ["lost"] * 3
        assert not gate.ones.calls

    asyncio.run(sale())


def test_products_have_lines_of_their_own() -> None:
    async def sale() -> None:
        gate = Gate()
        await gate.busy()
        others = [gate.hold(f"k{number}", product=2) for number in range(3)]
        sets = await gate.sets.called(3)
        assert {each["product_id"] for each in sets[2].requests} == {2}
        sets[2].end()
        await asyncio.gather(*others)
        for call in (*gate.ones.calls, *sets):
            call.end()

    asyncio.run(sale())


def test_payments_and_orders_do_not_wait_for_holds() -> None:
    async def sale() -> None:
        gate = Gate()
        for product in range(1, 9):
            for number in range(5):
                gate.hold(f"{product}-{number}", product)
        await turns()
        at = "2026-11-27 12:00:00.500000"
        paid = [
            gate.ask("receive_payment_webhook", f"e{n}", "O", None, "succeeded", 5, "EUR", at, "{}") for n in range(3)
        ]
        ordered = [gate.ask("create_order", f"h{number}", f"k{number}", None, None) for number in range(3)]
        names = ("receive_payment_webhooks", "create_orders")
        await until(lambda: {each.procedure for each in gate.sets.calls} >= set(names))
        payments, orders = (next(each for each in gate.sets.calls if each.procedure == name) for name in names)
        assert payments.requests[0] == {
            "idempotency_key": "e0", "order_id": "O", "payment_id": None, "status": "succeeded", "amount": 5,
            "currency": "EUR", "occurred_at": "2026-11-27 12:00:00.500000", "payload": "{}",
        }  # fmt: skip
        assert orders.requests == [
            {"hold_id": f"h{n}", "idempotency_key": f"k{n}", "reference": None, "metadata": None} for n in range(3)
        ]
        payments.end()
        orders.end()
        await asyncio.gather(*paid, *ordered)
        for call in gate.sets.calls:
            call.end()

    asyncio.run(sale())


def test_odd_requests_of_one_kind_leave_connections_for_others() -> None:
    async def sale() -> None:
        gate = Gate()
        odd = [gate.ask("release_hold", f"h{number}") for number in range(50)]
        await gate.ones.called(3)
        order = gate.ask("get_order", "o")
        (await gate.ones.called(4))[3].end([{"order_id": "o"}])
        assert await order == [{"order_id": "o"}]
        for number in range(51):
            await until(lambda number=number: len(gate.ones.calls) > number)  # type: ignore[misc]
            gate.ones.calls[number].end([])
        assert await asyncio.gather(*odd) == [[]] * 50

    asyncio.run(sale())


def test_a_client_that_is_gone_leaves_nothing_behind() -> None:
    async def sale() -> None:
        gate = Gate()
        under_way = await gate.busy()
        waits, stays = gate.hold("gone"), gate.hold("stays")
        await turns()
        waits.cancel()
        await turns()
        gate.sets.calls[0].end()
        sets = await gate.sets.called(3)
        assert sets[2].keys == ["stays"]
        for call in (*under_way, sets[2]):
            call.end()
        await stays
        [line] = gate.gateway._lines.values()
        await until(line.is_idle)

    asyncio.run(sale())


def test_who_asked_for_something_that_nobody_asks_for_again_is_forgotten() -> None:
    async def sale() -> None:
        gate = Gate()
        for product in range(1, 600):
            asked = gate.hold("k", product)
            (await gate.ones.called(product))[-1].end([])
            await asked
        assert len(gate.gateway._lines) <= 256

    asyncio.run(sale())


def test_rows_that_nobody_can_read_are_a_fault_that_everybody_hears_of() -> None:
    async def sale() -> None:
        gate = Gate()
        asked = [gate.hold(f"k{number}") for number in range(3)]
        (await gate.sets.called(1))[0].end([{"answer": "done"}])
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(answer) for answer in answers[1:]] == [ValueError, ValueError]
        again = [gate.hold(f"n{number}") for number in range(3)]
        (await gate.sets.called(2))[1].end()
        await asyncio.gather(*again)

    asyncio.run(sale())
