"""MySQL did it, and the connection broke before the API heard: the API asks again by itself and does nothing twice."""

from collections.abc import Iterator

import pytest

from sql.server.private import PrivateServer
from tests.support.buyer import Buyer
from tests.support.database import Database
from tests.support.lossy_proxy import LossyProxy
from tests.support.sale import new_product, stock
from tests.support.service import Service


@pytest.fixture(scope="module")
def proxy(mysql_server: PrivateServer) -> Iterator[LossyProxy]:
    """What loses answers."""
    with LossyProxy(mysql_server.port) as between:
        yield between


@pytest.fixture(scope="module")
def buyer(
    proxy: LossyProxy, mysql_server: PrivateServer, api_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Buyer]:
    """A buyer at a shop that speaks to MySQL through it."""
    url = api_url.replace(f":{mysql_server.port}/", f":{proxy.port}/")
    running = Service(url, tmp_path_factory.mktemp("api-behind-proxy") / "gunicorn.log")
    with Buyer(running.url) as buyer:
        yield buyer
    running.stop()


@pytest.fixture
def product(db: Database, proxy: LossyProxy) -> Iterator[int]:
    """Five units on sale; one answer is lost, no more and no less."""
    before = proxy.lost
    yield new_product(db, 5)
    assert proxy.lost == before + 1


def test_a_hold_whose_answer_was_lost_is_made_once(buyer: Buyer, proxy: LossyProxy, db: Database, product: int) -> None:
    proxy.lose_the_answer_to("CALL create_hold")

    answer = buyer.hold(product, 2)

    assert answer.status_code == 201
    assert "idempotent-replayed" not in answer.headers
    assert stock(db, product) == (3, 2, 0)


def test_an_order_whose_answer_was_lost_is_made_once(
    buyer: Buyer, proxy: LossyProxy, db: Database, product: int
) -> None:
    hold_id = buyer.hold(product, 2).json()["hold_id"]
    proxy.lose_the_answer_to("CALL create_order")

    answer = buyer.order(hold_id)

    assert (answer.status_code, answer.headers["location"]) == (201, f"/api/orders/{hold_id}")
    assert stock(db, product) == (3, 0, 2)


def test_a_payment_whose_answer_was_lost_is_applied_once(
    buyer: Buyer, proxy: LossyProxy, db: Database, product: int
) -> None:
    hold_id = buyer.hold(product, 2).json()["hold_id"]
    buyer.order(hold_id)
    proxy.lose_the_answer_to("CALL receive_payment_webhook")

    answer = buyer.pay(hold_id, "failed")

    assert (answer.status_code, answer.json()["outcome"], answer.json()["order_status"]) == (
        200,
        "applied",
        "cancelled",
    )
    assert stock(db, product) == (5, 0, 0)


def test_a_release_whose_answer_was_lost_returns_the_units_once(
    buyer: Buyer, proxy: LossyProxy, db: Database, product: int
) -> None:
    hold_id = buyer.hold(product, 2).json()["hold_id"]
    proxy.lose_the_answer_to("CALL release_hold")

    answer = buyer.release(hold_id)

    assert (answer.status_code, answer.json()["status"]) == (200, "released")
    assert stock(db, product) == (5, 0, 0)


def test_a_cancellation_whose_answer_was_lost_returns_the_units_once(
    buyer: Buyer, proxy: LossyProxy, db: Database, product: int
) -> None:
    order_id = buyer.order(buyer.hold(product, 2).json()["hold_id"]).json()["order_id"]
    proxy.lose_the_answer_to("CALL cancel_pending_order")

    answer = buyer.request("POST", f"/api/orders/{order_id}/cancellation")

    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert stock(db, product) == (5, 0, 0)


def test_an_order_that_was_handed_over_before_the_answer_was_lost_stays_so(
    buyer: Buyer, proxy: LossyProxy, db: Database, product: int
) -> None:
    order_id = buyer.order(buyer.hold(product, 2).json()["hold_id"]).json()["order_id"]
    buyer.pay(order_id)
    proxy.lose_the_answer_to("CALL fulfil_order")

    answer = buyer.request("POST", f"/api/orders/{order_id}/fulfilment")

    assert (answer.status_code, answer.json()["status"]) == (200, "paid")
    assert answer.json()["fulfilled_at"] == buyer.get(f"/api/orders/{order_id}").json()["fulfilled_at"] is not None
    assert stock(db, product) == (3, 0, 2)


def test_a_look_at_the_shelf_is_repeated_without_a_word(buyer: Buyer, proxy: LossyProxy, product: int) -> None:
    proxy.lose_the_answer_to("CALL get_product")

    assert buyer.get(f"/api/products/{product}").json()["available"] == 5
