"""The housekeeping stops, or sessions disagree about the time, and the sale neither loses nor sells a unit twice."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.test_mysql_fails import API_SESSIONS, kill
from tests.support.buyer import Buyer, buyers, problem_of
from tests.support.database import Database
from tests.support.fault_lengths import times
from tests.support.ledger import Ledger, assert_kept
from tests.support.running_sale import assert_sold_once, running_sale
from tests.support.sale import hold, new_key, new_product, nobody_sweeps, scheduler_off, stock
from tests.support.service import Service
from tests.support.waiting import wait_until


@pytest.mark.parametrize("without_sweep", [scheduler_off, nobody_sweeps])
def test_a_whole_sale_without_a_sweep_sells_every_unit_that_expired(
    service: Service, db: Database, connect_as: Callable[..., Database], without_sweep: Callable[..., object]
) -> None:
    units = times(12, 120)
    ledger = Ledger()

    def buy(buyer: Buyer) -> str:
        hold_key, order_key, payment_key = new_key(), new_key(), new_key()
        for kind, key in (("hold", hold_key), ("order", order_key), ("payment", payment_key)):
            ledger.intend(kind, key)
        deadline = time.monotonic() + 30
        while (held := buyer.hold(product, key=hold_key)).status_code in (409, 503):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        ledger.acknowledge("hold", hold_key, held.json())
        hold_id = str(held.json()["hold_id"])
        ledger.acknowledge("order", order_key, buyer.order(hold_id, order_key).json())
        ledger.acknowledge("payment", payment_key, buyer.pay(hold_id, key=payment_key).json())
        return hold_id

    with without_sweep(connect_as("admin")), buyers(service.url, 12) as crowd, ThreadPoolExecutor(12) as pool:  # type: ignore[attr-defined]
        product = new_product(db, units, stripes=4, hold_seconds=3)
        runs = db.value("SELECT COALESCE(MAX(run_id), 0) FROM sweep_heartbeat")
        forgotten = []
        for buyer in crowd * (units // 12):
            ledger.intend("hold", key := new_key())
            answer = buyer.hold(product, key=key)
            ledger.acknowledge("hold", key, answer.json())
            forgotten.append(answer.json()["hold_id"])
        sold = [hold_id for _ in range(units // 12) for hold_id in pool.map(buy, crowd)]

        assert len(set(sold)) == units
        assert stock(db, product) == (0, 0, units)
        assert problem_of(crowd[0].hold(product)) == "sold_out"
        assert {problem_of(crowd[0].order(hold_id)) for hold_id in forgotten} == {"hold_expired"}
        assert db.value("SELECT COALESCE(MAX(run_id), 0) FROM sweep_heartbeat") == runs
        assert_kept(db, ledger, product, units)


def test_a_session_that_locks_an_expired_hold_stops_the_sweep_of_that_hold_only(
    service: Service, db: Database, connect_as: Callable[..., Database]
) -> None:
    locked_product, other = new_product(db, 1, hold_seconds=1), new_product(db, 1, hold_seconds=1)
    locked = hold(db, locked_product)
    free = hold(db, other)
    hostile = connect_as("admin")
    hostile.query("START TRANSACTION")
    hostile.query("SELECT 1 FROM holds WHERE hold_id = UUID_TO_BIN(%s) FOR UPDATE", locked)

    def archived(hold_id: str) -> bool:
        return bool(db.value("SELECT COUNT(*) FROM hold_history WHERE hold_uuid = %s", hold_id))

    wait_until(lambda: archived(free))
    assert not archived(locked)
    with Buyer(service.url) as buyer:
        assert buyer.hold(other).status_code == 201
        # A buyer who needs this very unit is told so, and is not kept waiting for it without end.
        assert buyer.hold(locked_product).status_code in (409, 503)
        hostile.query("ROLLBACK")
        wait_until(lambda: archived(locked))
        assert buyer.hold(locked_product).status_code == 201


def test_sessions_whose_clocks_disagree_by_minutes_sell_nothing_twice(
    service: Service, db: Database, connect_as: Callable[..., Database]
) -> None:
    """A third of the API's sessions live five minutes ago, a third five minutes ahead; each clock stands still."""
    admin = connect_as("admin")

    def hang_up() -> None:
        for row in admin.query(API_SESSIONS):
            kill(admin, "KILL", row["id"])

    with running_sale(service.url, db) as sale:
        admin.query(
            "SET GLOBAL init_connect ="
            " 'SET timestamp = UNIX_TIMESTAMP(SYSDATE(6)) + 300 * (CAST(CONNECTION_ID() MOD 3 AS SIGNED) - 1)'"
        )
        try:
            for _ in range(times(3, 20)):
                hang_up()
                sale.goes_on(20)
        finally:
            admin.query("SET GLOBAL init_connect = ''")
            hang_up()

    assert sale.answers.keys() <= {200, 201, 202, 503}
    made = db.query("SELECT created_at FROM orders WHERE product_id = %s", sale.product)
    span = max(row["created_at"] for row in made) - min(row["created_at"] for row in made)
    assert span.total_seconds() > 500, "every session had the same time"
    assert_sold_once(db, sale)


def test_a_traveller_from_tomorrow_takes_back_only_what_is_overdue_there(
    service: Service, db: Database, connect_as: Callable[..., Database]
) -> None:
    """A DBA who forgot `SET timestamp` sweeps with a clock a day ahead: unpaid things end, paid ones stay."""
    product, traveller = new_product(db, 10), connect_as("dba")
    traveller.travel(86_400)
    with Buyer(service.url) as buyer:
        held = buyer.hold(product).json()["hold_id"]
        paid = buyer.hold(product, 2).json()["hold_id"]
        assert buyer.order(paid).status_code == 201
        assert buyer.pay(paid).json()["order_status"] == "paid"
        wait_until(lambda: bool(traveller.one("sweep")["ran"]))

        assert problem_of(buyer.order(held)) == "hold_expired"
        assert stock(db, product) == (8, 0, 2)
        assert buyer.hold(product, 8).status_code == 201
