"""More clients than the service can serve: each is answered or refused in time, and nothing is left behind."""

import time
from collections.abc import Callable

from tests.faults.test_hostile_sessions import locked
from tests.support.buyer import Buyer
from tests.support.crowd import Crowd, rush
from tests.support.database import Database
from tests.support.fault_lengths import LONG, times
from tests.support.sale import new_product
from tests.support.service import Service

IN_TIME_SECONDS = 5
CLIENTS = times(400, 2000)


def assert_in_time(crowd: Crowd) -> None:
    """Everybody heard something within the time, and who was refused, when to come back."""
    assert crowd.answers.keys() <= {201, 503}
    assert crowd.slowest < IN_TIME_SECONDS
    assert crowd.without_retry_after == 0


def assert_recovers(service: Service, product: int) -> None:
    """Soon after the rush a buyer is served as if nothing had been."""
    deadline = time.monotonic() + IN_TIME_SECONDS
    with Buyer(service.url, timeout=IN_TIME_SECONDS) as buyer:
        while buyer.hold(product).status_code != 201:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        began = time.monotonic()
        assert buyer.hold(product).status_code == 201
        assert time.monotonic() - began < 1


def test_a_rush_of_clients_is_answered_or_refused_in_time(own_service: Service, db: Database) -> None:
    product, workers = new_product(db, 10_000_000, stripes=16), own_service.workers()

    crowd = rush(own_service.port, product, CLIENTS, times(3, 15))

    assert_in_time(crowd)
    assert crowd.answers[201] > 0
    assert_recovers(own_service, product)
    assert own_service.workers() == workers
    kept = db.query("SELECT hold_uuid FROM holds WHERE product_id = %s", product)
    assert set(crowd.holds) <= {row["hold_uuid"] for row in kept}
    assert len(set(crowd.holds)) == len(crowd.holds)


def test_when_every_thread_is_stuck_the_rest_are_refused_in_time(
    own_service: Service, db: Database, connect_as: Callable[..., Database]
) -> None:
    product = new_product(db, 1_000_000, stripes=1)

    with locked(connect_as("admin"), "SELECT 1 FROM products WHERE product_id = %s", product):
        crowd = rush(own_service.port, product, CLIENTS, times(4, 15))

    assert_in_time(crowd)
    assert crowd.answers.keys() == {503}
    assert crowd.answers[503] >= CLIENTS
    assert_recovers(own_service, product)
    if LONG:
        assert crowd.answers[503] >= 2 * CLIENTS, "they were to come back"
