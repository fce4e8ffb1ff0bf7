"""The same request many times at once, by HTTP: done once, and everybody gets the same answer."""

from functools import partial

import httpx
import pytest

from tests.support.buyer import Buyer, answers_at_once, buyers, problem_of, statuses
from tests.support.database import Database
from tests.support.sale import new_key, new_product, stock
from tests.support.service import Service


@pytest.fixture
def buyer(service: Service) -> Buyer:
    """Somebody who prepares the race."""
    return Buyer(service.url)


def ids(answers: list[httpx.Response], member: str) -> set[str]:
    """The different values of a member in all answers."""
    return {answer.json()[member] for answer in answers}


def assert_done_once(answers: list[httpx.Response]) -> None:
    """One answer is 201, all others are 200 and say that they are repeats."""
    assert statuses(answers) == {200: len(answers) - 1, 201: 1}
    for answer in answers:
        assert (answer.headers.get("idempotent-replayed") == "true") == (answer.status_code == 200)


@pytest.mark.parametrize(("stripes", "limit"), [(1, None), (16, None), (16, 3)])
def test_a_hold_sent_32_times_is_made_once(service: Service, db: Database, stripes: int, limit: int | None) -> None:
    product, key = new_product(db, 100, stripes=stripes, max_per_customer=limit), new_key()

    with buyers(service.url, 32) as repeats:
        answers = answers_at_once([partial(one.hold, product, 2, key, "ada") for one in repeats])

    assert_done_once(answers)
    assert len(ids(answers, "hold_id")) == 1
    assert stock(db, product) == (98, 2, 0)


def test_the_last_units_sent_for_32_times_are_held_once(service: Service, db: Database) -> None:
    product, key = new_product(db, 2), new_key()

    with buyers(service.url, 32) as repeats:
        answers = answers_at_once([partial(one.hold, product, 2, key) for one in repeats])

    assert_done_once(answers)
    assert stock(db, product) == (0, 2, 0)


def test_one_key_for_two_wishes_at_once_makes_one_hold(service: Service, db: Database) -> None:
    product, key = new_product(db, 100, stripes=16), new_key()

    with buyers(service.url, 32) as repeats:
        answers = answers_at_once(
            [partial(one.hold, product, 1 + number % 2, key) for number, one in enumerate(repeats)]
        )

    assert statuses(answers) == {200: 15, 201: 1, 422: 16}
    assert {problem_of(answer) for answer in answers if answer.status_code == 422} == {"idempotency_key_reused"}
    [held] = {answer.json()["qty"] for answer in answers if answer.status_code < 300}
    assert stock(db, product) == (100 - held, held, 0)


def test_an_order_sent_32_times_is_made_once(service: Service, db: Database, buyer: Buyer) -> None:
    product, key = new_product(db, 5), new_key()
    hold_id = buyer.hold(product, 2).json()["hold_id"]

    with buyers(service.url, 32) as repeats:
        answers = answers_at_once([partial(one.order, hold_id, key) for one in repeats])

    assert_done_once(answers)
    assert ids(answers, "order_id") == {hold_id}
    assert stock(db, product) == (3, 0, 2)


def test_a_hold_ordered_by_32_requests_becomes_one_order(service: Service, db: Database, buyer: Buyer) -> None:
    product = new_product(db, 5)
    hold_id = buyer.hold(product, 2).json()["hold_id"]

    with buyers(service.url, 32) as rivals:
        answers = answers_at_once([partial(one.order, hold_id, new_key()) for one in rivals])

    assert statuses(answers) == {201: 1, 409: 31}
    assert {problem_of(answer) for answer in answers if answer.status_code == 409} == {"hold_already_used"}
    assert stock(db, product) == (3, 0, 2)


def test_a_hold_ordered_and_released_at_once_ends_one_way(service: Service, db: Database, buyer: Buyer) -> None:
    for _ in range(10):
        product = new_product(db, 2)
        hold_id = buyer.hold(product, 2).json()["hold_id"]
        with buyers(service.url, 2) as (orderer, releaser):
            ordered, released = answers_at_once([partial(orderer.order, hold_id), partial(releaser.release, hold_id)])
        outcome = (ordered.status_code, released.status_code)
        assert outcome in ((201, 409), (410, 200))
        assert stock(db, product) == ((0, 0, 2) if outcome == (201, 409) else (2, 0, 0))


def test_a_payment_delivered_50_times_at_once_is_applied_once(service: Service, db: Database, buyer: Buyer) -> None:
    product, key = new_product(db, 5), new_key()
    hold_id = buyer.hold(product, 2).json()["hold_id"]
    buyer.order(hold_id)

    with buyers(service.url, 50) as deliveries:
        answers = answers_at_once([partial(one.pay, hold_id, key=key) for one in deliveries])

    assert statuses(answers) == {200: 50}
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert ids(answers, "outcome") == {"applied"}
    assert sorted(answer.json()["deliveries"] for answer in answers)[-1] == 50
    assert stock(db, product) == (3, 0, 2)
    assert db.query("SELECT outcome, deliveries FROM payment_webhooks WHERE idempotency_key = %s", key) == [
        {"outcome": "applied", "deliveries": 50}
    ]
    assert problem_of(buyer.pay(hold_id, "failed", key=key)) == "idempotency_key_reused"


def test_a_failure_delivered_50_times_at_once_returns_the_units_once(
    service: Service, db: Database, buyer: Buyer
) -> None:
    product, key = new_product(db, 5), new_key()
    hold_id = buyer.hold(product, 2).json()["hold_id"]
    buyer.order(hold_id)

    with buyers(service.url, 50) as deliveries:
        answers = answers_at_once([partial(one.pay, hold_id, "failed", key) for one in deliveries])

    assert statuses(answers) == {200: 50}
    assert stock(db, product) == (5, 0, 0)


def test_a_payment_and_its_order_at_once_always_meet(service: Service, db: Database, buyer: Buyer) -> None:
    product = new_product(db, 60, stripes=4)
    holds = [buyer.hold(product).json()["hold_id"] for _ in range(30)]

    with buyers(service.url, 2) as (orderer, payer):
        for hold_id in holds:
            ordered, paid = answers_at_once([partial(orderer.order, hold_id), partial(payer.pay, hold_id)])
            assert (ordered.status_code, paid.status_code) in ((201, 200), (201, 202))
            assert buyer.get(f"/api/orders/{hold_id}").json()["status"] == "paid"

    assert db.query("SELECT 1 FROM payment_webhooks JOIN orders USING (order_id) WHERE outcome = 'parked'") == []
