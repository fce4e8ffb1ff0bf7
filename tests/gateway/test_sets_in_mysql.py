"""Sets against a real MySQL, with locks, lost connections and kills in the middle: everybody gets an answer, once."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from api.gateway import Gateway, ProcedureError, UnavailableError, make_gateway
from api.gateway.asynchronous import AsyncGateway
from sql.server.private import PrivateServer
from sql.server.urls import parse
from tests.support.database import Database
from tests.support.lossy_proxy import LossyProxy
from tests.support.sale import hold, new_key, new_payment, new_product, order, stock
from tests.support.waiting import lock_waits, wait_until

CROWD = 20
Connect = Callable[..., Database]
Rows = list[dict[str, Any]]
AT_WORK = (
    "SELECT id FROM information_schema.processlist"
    " WHERE user IN ('flashsale_api', 'flashsale_owner') AND command = 'Query'"
)


def at_once(url: str, *requests: tuple[str, tuple[Any, ...]]) -> list[Any]:
    """Ask for all of it in the same turn of the loop; what each was told, in order."""

    async def ask() -> list[Any]:
        gateway = make_gateway(parse(url))
        return await asyncio.gather(*(gateway.call(*each) for each in requests), return_exceptions=True)

    return asyncio.run(ask())


def holds_of(
    product: int, keys: list[str], qty: int = 1, customer: str | None = None
) -> list[tuple[str, tuple[Any, ...]]]:
    """A request for a hold under each key."""
    return [("create_hold", (product, qty, customer, key)) for key in keys]


def keys(count: int = CROWD) -> list[str]:
    """Keys that nobody used."""
    return [new_key() for _ in range(count)]


def events_of(orders: list[str]) -> list[tuple[str, tuple[Any, ...]]]:
    """A payment of each order, as its provider tells of it."""
    return [
        ("receive_payment_webhook", (new_key(), each, new_payment(), "succeeded", 1000, "EUR", None, '{"a": 1}'))
        for each in orders
    ]


@pytest.fixture
def proxy(mysql_server: PrivateServer) -> Iterator[LossyProxy]:
    """What loses answers."""
    with LossyProxy(mysql_server.port) as between:
        yield between


@pytest.fixture
def by_proxy(api_url: str, mysql_server: PrivateServer, proxy: LossyProxy) -> str:
    """The way through it."""
    return api_url.replace(f":{mysql_server.port}/", f":{proxy.port}/")


class Meanwhile:
    """A sale that is under way in a thread while the test does something to it."""

    def __init__(self, url: str, *requests: tuple[str, tuple[Any, ...]]) -> None:
        self._told: list[Any] = []
        self._thread = threading.Thread(target=lambda: self._told.extend(at_once(url, *requests)))
        self._thread.start()

    def told(self) -> list[Any]:
        """What each was told, when all have been."""
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self._told


def test_everybody_of_a_set_gets_their_own_hold(api_url: str, db: Database) -> None:
    product, ours = new_product(db, CROWD + 5), keys()
    told = at_once(api_url, *holds_of(product, ours))
    by_key = {
        row["idempotency_key"]: row["hold_uuid"] for row in db.query("SELECT idempotency_key, hold_uuid FROM holds")
    }
    assert [rows[0]["hold_id"] for rows in told] == [by_key[key] for key in ours]
    assert db.value("SELECT COUNT(DISTINCT created_at) FROM holds WHERE product_id = %s", product) == 1
    assert stock(db, product) == (5, CROWD, 0)


class Nobody:
    """A request that a set leaves alone fails."""

    def call(self, procedure: str, arguments: Any, asked: float) -> Rows:
        """Make a CALL alone."""
        raise AssertionError(f"left alone: {procedure} {arguments}")


def test_a_plain_purchase_needs_no_single_procedure(api_url: str, db: Database) -> None:
    product, at = new_product(db, CROWD, max_per_customer=1), "2026-11-27 12:00:00.500000"

    async def buy() -> None:
        gateway = AsyncGateway(Gateway(parse(api_url)), Nobody())

        async def all_at_once(requests: list[tuple[str, tuple[Any, ...]]]) -> list[str]:
            told = await asyncio.gather(*(gateway.call(*each) for each in requests))
            return [rows[0].get("order_id") or rows[0]["hold_id"] for rows in told]

        held = await all_at_once([("create_hold", (product, 1, f"c{n}", key)) for n, key in enumerate(keys())])
        ordered = await all_at_once([("create_order", (each, new_key(), None, None)) for each in held])
        events = [(new_key(), each, None, "succeeded", 1000, "EUR", at, '{"a": "\\u0000"}') for each in ordered]
        assert await all_at_once([("receive_payment_webhook", each) for each in events]) == held

    asyncio.run(buy())
    assert stock(db, product) == (0, 0, CROWD)
    assert db.value("SELECT COUNT(*) FROM payment_webhooks WHERE occurred_at = %s", at) == CROWD


def test_odd_ones_in_a_set_hear_what_they_would_hear_alone(api_url: str, db: Database) -> None:
    product, known = new_product(db, 100, max_per_hold=3), new_key()
    first = hold(db, product, 2, key=known)
    requests = [
        *holds_of(product, keys(3)), *holds_of(product, [known], qty=2), *holds_of(product, [known], qty=1),
        *holds_of(product, keys(1), qty=4), *holds_of(product, keys(1), qty=0), *holds_of(product, keys(3)),
    ]  # fmt: skip
    told = at_once(api_url, *requests)
    assert (told[3][0]["hold_id"], told[3][0]["replayed"]) == (first, 1)
    refused = [each for each in told if isinstance(each, ProcedureError)]
    assert [each.message.split(":")[0] for each in refused] == [
        "idempotency_key_reused", "quantity_above_limit", "invalid_argument",
    ]  # fmt: skip
    assert stock(db, product) == (92, 8, 0)


def test_the_last_units_go_to_who_came_first_and_all_others_hear_so(api_url: str, db: Database) -> None:
    product = new_product(db, 7)
    told = at_once(api_url, *holds_of(product, keys()))
    assert [isinstance(each, list) for each in told] == [True] * 7 + [False] * (CROWD - 7)
    assert {(each.procedure, each.errno, each.sqlstate) for each in told[7:]} == {("create_hold", 31101, "45409")}
    assert stock(db, product) == (0, 7, 0)


def test_a_set_whose_answer_was_lost_is_made_once(by_proxy: str, proxy: LossyProxy, db: Database) -> None:
    product, ours = new_product(db, 100), keys()
    proxy.lose_the_answer_to("CALL create_holds")
    held = at_once(by_proxy, *holds_of(product, ours))
    assert proxy.lost == 1
    ids = [rows[0]["hold_id"] for rows in held]
    assert len(set(ids)) == CROWD
    assert stock(db, product) == (80, CROWD, 0)

    proxy.lose_the_answer_to("CALL create_orders")
    ordered = at_once(by_proxy, *[("create_order", (each, new_key(), None, None)) for each in ids])
    assert proxy.lost == 2
    assert [rows[0]["order_id"] for rows in ordered] == ids
    assert stock(db, product) == (80, 0, CROWD)

    proxy.lose_the_answer_to("CALL receive_payment_webhooks")
    paid = at_once(by_proxy, *events_of(ids))
    assert proxy.lost == 3
    assert [(rows[0]["order_id"], rows[0]["outcome"], rows[0]["order_status"]) for rows in paid] == [
        (each, "applied", "paid") for each in ids
    ]
    assert (
        db.value("SELECT COUNT(*) FROM payments AS w JOIN orders AS o USING (order_id) WHERE product_id = %s", product)
        == CROWD
    )


def test_a_set_whose_session_is_killed_in_the_middle_is_made_once(
    api_url: str, db: Database, connect_as: Connect
) -> None:
    product, admin, other = new_product(db, 100), connect_as("admin"), connect_as("admin")
    other.query("START TRANSACTION")
    other.query("SELECT 1 FROM products WHERE product_id = %s FOR UPDATE", product)
    sale = Meanwhile(api_url, *holds_of(product, keys()))
    wait_until(lambda: lock_waits(admin) == 1)
    [session] = admin.query(AT_WORK)
    admin.query("KILL CONNECTION %s", session["id"])
    wait_until(lambda: [row["id"] for row in admin.query(AT_WORK)] not in ([], [session["id"]]))
    other.query("ROLLBACK")
    assert len({rows[0]["hold_id"] for rows in sale.told()}) == CROWD
    assert stock(db, product) == (80, CROWD, 0)


@pytest.mark.parametrize("kind", ["orders", "payments"])
def test_a_row_that_somebody_else_has_delays_nobody_else(
    api_url: str, db: Database, connect_as: Connect, kind: str
) -> None:
    product, other = new_product(db, CROWD), connect_as("admin")
    table, column = ("holds", "hold_id") if kind == "orders" else ("orders", "order_id")
    ids = [hold(db, product) if kind == "orders" else order(db, product) for _ in range(CROWD)]
    requests = [("create_order", (each, new_key(), None, None)) for each in ids] if kind == "orders" else events_of(ids)
    other.query("START TRANSACTION")
    other.query(f"SELECT 1 FROM {table} WHERE {column} = UUID_TO_BIN(%s) FOR UPDATE", ids[7])

    async def ask() -> tuple[list[Rows], Rows]:
        gateway = make_gateway(parse(api_url))
        tasks = [asyncio.ensure_future(gateway.call(*each)) for each in requests]
        locked = tasks.pop(7)
        others = await asyncio.gather(*tasks)
        assert not locked.done()
        other.query("ROLLBACK")
        return others, await locked

    others, locked = asyncio.run(ask())
    assert {rows[0]["order_id"] for rows in [*others, locked]} == set(ids)
    assert stock(db, product) == (0, 0, CROWD)


def test_a_key_that_somebody_else_is_just_using_refuses_nobody_else(
    api_url: str, db: Database, connect_as: Connect
) -> None:
    product, ours, other = new_product(db, 100), keys(), connect_as("admin")
    other.query("START TRANSACTION")
    other.query(
        "INSERT INTO holds (hold_id, product_id, qty, unit_price_minor, idempotency_key, created_at, expires_at)"
        " VALUES (UUID_TO_BIN(UUID()), %s, 1, 1000, %s, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 120 SECOND)",
        product, ours[7],
    )  # fmt: skip
    told = at_once(api_url, *holds_of(product, ours))
    # Who found no turn in time, on a busy machine, asks again while the key is still in use.
    for number, rows in enumerate(told):
        if number != 7 and isinstance(rows, UnavailableError):
            [told[number]] = at_once(api_url, *holds_of(product, [ours[number]]))
    other.query("ROLLBACK")
    assert isinstance(told.pop(7), UnavailableError)
    assert len({rows[0]["hold_id"] for rows in told}) == CROWD - 1
    assert stock(db, product) == (100 - CROWD + 1, CROWD - 1, 0)


def test_reads_tell_what_was_true_after_they_were_asked(api_url: str, db: Database) -> None:
    product = new_product(db, 50)

    async def sale() -> None:
        gateway: AsyncGateway = make_gateway(parse(api_url))

        async def look_after_each_hold() -> None:
            for _ in range(5):
                [before] = await gateway.call("get_product", (product,))
                await gateway.call("create_hold", (product, 1, None, new_key()))
                [after] = await gateway.call("get_product", (product,))
                assert after["available"] < before["available"]

        lookers: list[Coroutine[Any, Any, None]] = [look_after_each_hold() for _ in range(10)]
        await asyncio.gather(*lookers)

    asyncio.run(sale())
    assert stock(db, product) == (0, 50, 0)
