"""Many more buyers than units, all in the same instant, by HTTP: never one unit too many, and none left over."""

from collections.abc import Callable
from functools import partial

import httpx
import pytest

from tests.conftest import Sessions
from tests.support.buyer import answers_at_once, buyers, problem_of, statuses
from tests.support.database import Database
from tests.support.sale import new_key, new_product, stock
from tests.support.service import Service


@pytest.fixture(autouse=True, scope="module")
def _open_for_business(service: Service, sessions: Sessions) -> None:
    """Every thread of the API has a connection that has parsed the procedures, which takes a busy machine seconds."""
    product = new_product(sessions.open("dba"), 64)
    with buyers(service.url, 64) as crowd:
        answers_at_once([partial(buyer.hold, product) for buyer in crowd])
    sessions.take_back()


def refusals(answers: list[httpx.Response]) -> set[str]:
    """The slugs of all problems among the answers."""
    return {problem_of(answer) for answer in answers if answer.status_code >= 400}


def units(answers: list[httpx.Response]) -> int:
    """The units in all holds among the answers."""
    return sum(answer.json()["qty"] for answer in answers if answer.status_code == 201)


def test_the_last_unit_is_held_by_one_of_64_buyers(service: Service, db: Database) -> None:
    product = new_product(db, 1)

    with buyers(service.url, 64) as crowd:
        answers = answers_at_once([partial(buyer.hold, product) for buyer in crowd])

    assert statuses(answers) == {201: 1, 409: 63}
    assert refusals(answers) == {"sold_out"}
    assert stock(db, product) == (0, 1, 0)


@pytest.mark.parametrize("stripes", [1, 16])
def test_100_units_are_held_to_the_last_by_400_buyers(service: Service, db: Database, stripes: int) -> None:
    product = new_product(db, 100, stripes=stripes)

    with buyers(service.url, 400) as crowd:
        answers = answers_at_once([partial(buyer.hold, product, 1 + number % 3) for number, buyer in enumerate(crowd)])

    assert statuses(answers).keys() == {201, 409}
    assert refusals(answers) == {"sold_out"}
    assert units(answers) == 100
    assert stock(db, product) == (0, 100, 0)
    held = db.value("SELECT SUM(qty) FROM holds WHERE product_id = %s", product)
    assert held == 100


@pytest.mark.parametrize("stripes", [1, 16])
def test_too_few_buyers_all_get_what_they_ask_for(service: Service, db: Database, stripes: int) -> None:
    product = new_product(db, 100, stripes=stripes)

    with buyers(service.url, 40) as crowd:
        answers = answers_at_once([partial(buyer.hold, product, 1 + number % 3) for number, buyer in enumerate(crowd)])

    assert statuses(answers) == {201: 40}
    assert stock(db, product) == (100 - units(answers), units(answers), 0)


def test_one_customer_in_many_windows_gets_no_more_than_the_limit(service: Service, db: Database) -> None:
    product = new_product(db, 100, stripes=16, max_per_customer=5)

    with buyers(service.url, 24) as windows:
        answers = answers_at_once([partial(window.hold, product, customer="ada") for window in windows])

    assert statuses(answers) == {201: 5, 409: 19}
    assert refusals(answers) == {"customer_limit_reached"}
    assert stock(db, product) == (95, 5, 0)


def test_units_that_expired_are_sold_again_to_the_last(
    service: Service, db: Database, connect_as: Callable[..., Database]
) -> None:
    product = new_product(db, 20, stripes=4, hold_seconds=3600)
    past = connect_as("dba")
    past.travel(-7200)
    for _ in range(10):
        past.one("create_hold", product, 2, None, new_key())

    with buyers(service.url, 40) as crowd:
        answers = answers_at_once([partial(buyer.hold, product) for buyer in crowd])

    assert statuses(answers) == {201: 20, 409: 20}
    assert stock(db, product) == (0, 20, 0)
