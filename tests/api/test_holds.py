"""The ways a hold ends, and the ways a buyer is refused one."""

import datetime
import time
from collections.abc import Callable

import httpx
import pytest

from tests.support.buyer import lasting, problem_of
from tests.support.database import Database
from tests.support.sale import new_key, new_product, stock


def hold(http: httpx.Client, product: int, qty: int = 1, customer: str | None = None) -> httpx.Response:
    """Ask for units."""
    return http.post("/api/holds", json={"product_id": product, "qty": qty, "customer_id": customer})


def wait_for_the_event(db: Database, hold_id: str) -> None:
    """Until the server's own EVENT has archived the hold as expired."""
    deadline = time.monotonic() + 15
    while not db.query("SELECT 1 FROM hold_history WHERE hold_uuid = %s AND ended_as = 'expired'", hold_id):
        assert time.monotonic() < deadline, "the EVENT did not sweep"
        time.sleep(0.05)


def test_a_hold_expires_by_itself_and_the_event_returns_its_units(http: httpx.Client, db: Database) -> None:
    product = new_product(db, 3, hold_seconds=1)
    hold_id = hold(http, product, 2).json()["hold_id"]
    assert stock(db, product) == (1, 2, 0)

    wait_for_the_event(db, hold_id)

    assert stock(db, product) == (3, 0, 0)
    assert db.query("SELECT 1 FROM holds WHERE hold_uuid = %s", hold_id) == []
    for refused in (
        http.get(f"/api/holds/{hold_id}"),
        http.delete(f"/api/holds/{hold_id}"),
        http.post("/api/orders", json={"hold_id": hold_id}),
    ):
        assert (refused.status_code, problem_of(refused)) == (410, "hold_expired")
        assert refused.json()["code"] == 31201


def test_a_hold_is_void_the_moment_it_expires_swept_or_not(
    http: httpx.Client, db: Database, connect_as: Callable[..., Database]
) -> None:
    product, past = new_product(db, 3), connect_as("dba")
    past.travel(-150)
    hold_id = past.one("create_hold", product, 2, None, new_key())["hold_id"]

    refused = http.post("/api/orders", json={"hold_id": hold_id})

    assert (refused.status_code, problem_of(refused)) == (410, "hold_expired")
    assert http.get(f"/api/products/{product}").json()["available"] == 3
    assert hold(http, product, 3).status_code == 201


def test_a_released_hold_gives_its_units_back(http: httpx.Client, db: Database) -> None:
    product = new_product(db, 3)
    held = lasting(hold(http, product, 2, "ada"))

    released = http.delete(f"/api/holds/{held['hold_id']}")

    assert released.status_code == 200
    assert "idempotent-replayed" not in released.headers
    assert lasting(released) == held | {"status": "released", "ended_at": released.json()["ended_at"]}
    assert stock(db, product) == (3, 0, 0)


def test_releasing_a_hold_twice_returns_its_units_once(http: httpx.Client, db: Database) -> None:
    product = new_product(db, 3)
    hold_id = hold(http, product, 2).json()["hold_id"]

    first, second = (http.delete(f"/api/holds/{hold_id}") for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 200)
    assert second.headers["idempotent-replayed"] == "true"
    assert second.json() == first.json()
    assert stock(db, product) == (3, 0, 0)


def test_a_released_hold_is_gone_and_cannot_be_ordered(http: httpx.Client, db: Database) -> None:
    hold_id = hold(http, new_product(db, 1)).json()["hold_id"]
    http.delete(f"/api/holds/{hold_id}")

    for refused in (http.get(f"/api/holds/{hold_id}"), http.post("/api/orders", json={"hold_id": hold_id})):
        assert (refused.status_code, problem_of(refused)) == (410, "hold_released")
        assert refused.json()["code"] == 31202


def test_a_stopped_sale_ends_its_holds(http: httpx.Client, db: Database) -> None:
    product = new_product(db, 3)
    hold_id = hold(http, product, 2).json()["hold_id"]

    db.one("stop_sale", product, "the test stops it")

    for refused in (
        http.get(f"/api/holds/{hold_id}"),
        http.delete(f"/api/holds/{hold_id}"),
        http.post(f"/api/holds/{hold_id}/extension"),
        http.post("/api/orders", json={"hold_id": hold_id}),
    ):
        assert (refused.status_code, problem_of(refused)) == (410, "hold_released")
    assert problem_of(hold(http, product)) == "sale_ended"
    assert http.get(f"/api/products/{product}").json()["stopped_at"]
    assert stock(db, product) == (3, 0, 0)


def test_a_hold_is_ordered_once_and_not_given_back_after(http: httpx.Client, db: Database) -> None:
    product = new_product(db, 1)
    hold_id = hold(http, product).json()["hold_id"]
    http.post("/api/orders", json={"hold_id": hold_id})

    for refused in (http.post("/api/orders", json={"hold_id": hold_id}), http.delete(f"/api/holds/{hold_id}")):
        assert (refused.status_code, problem_of(refused)) == (409, "hold_already_used")
        assert refused.json()["code"] == 31102
    assert stock(db, product) == (0, 0, 1)


def test_a_hold_nobody_made_is_not_found(http: httpx.Client) -> None:
    unknown = new_key()
    for refused in (
        http.get(f"/api/holds/{unknown}"),
        http.delete(f"/api/holds/{unknown}"),
        http.post("/api/orders", json={"hold_id": unknown}),
    ):
        assert (refused.status_code, problem_of(refused)) == (404, "hold_not_found")
        assert refused.json()["code"] == 31002


def test_an_order_nobody_made_is_not_found(http: httpx.Client, db: Database) -> None:
    held_only = hold(http, new_product(db, 1)).json()["hold_id"]
    for order_id in (new_key(), held_only):
        refused = http.get(f"/api/orders/{order_id}")
        assert (refused.status_code, problem_of(refused)) == (404, "order_not_found")
        assert refused.json()["code"] == 31003


def test_an_id_is_the_same_in_capital_letters(http: httpx.Client, db: Database) -> None:
    held = lasting(hold(http, new_product(db, 1)))
    shouted = held["hold_id"].upper()

    assert lasting(http.get(f"/api/holds/{shouted}")) == held
    assert http.post("/api/orders", json={"hold_id": shouted}).json()["order_id"] == held["hold_id"]


YESTERDAY = datetime.datetime(2020, 1, 1)
MUCH_LATER = datetime.datetime(2999, 1, 1)


@pytest.mark.parametrize(
    ("rules", "qty", "status", "slug", "code"),
    [
        ({"stock": 1}, 2, 409, "sold_out", 31101),
        ({"stock": 0}, 1, 409, "sold_out", 31101),
        ({"stock": 9, "sale_starts_at": MUCH_LATER}, 1, 409, "sale_not_started", 31104),
        ({"stock": 9, "sale_ends_at": YESTERDAY}, 1, 409, "sale_ended", 31105),
        ({"stock": 9, "max_per_hold": 3}, 4, 422, "quantity_above_limit", 31302),
    ],
)
def test_a_rule_of_the_sale_refuses_a_hold(
    http: httpx.Client, db: Database, rules: dict[str, int], qty: int, status: int, slug: str, code: int
) -> None:
    product = new_product(db, **rules)

    refused = hold(http, product, qty)

    assert (refused.status_code, problem_of(refused), refused.json()["code"]) == (status, slug, code)
    assert stock(db, product) == (rules["stock"], 0, 0)


def test_the_quantity_at_the_limit_is_sold(http: httpx.Client, db: Database) -> None:
    assert hold(http, new_product(db, 3, max_per_hold=3), 3).status_code == 201


def test_a_customer_gets_no_more_than_the_limit(http: httpx.Client, db: Database) -> None:
    product = new_product(db, 9, max_per_customer=3)
    assert hold(http, product, 2, "ada").status_code == 201

    refused = hold(http, product, 2, "ada")

    assert (refused.status_code, problem_of(refused)) == (409, "customer_limit_reached")
    assert refused.json()["code"] == 31103
    assert hold(http, product, 1, "ada").status_code == 201
    assert hold(http, product, 3, "bob").status_code == 201
    assert stock(db, product) == (3, 6, 0)


def test_a_limit_per_customer_needs_a_customer(http: httpx.Client, db: Database) -> None:
    product = new_product(db, 9, max_per_customer=3)

    refused = hold(http, product)

    assert (refused.status_code, problem_of(refused)) == (422, "invalid_argument")
    assert "customer_id" in refused.json()["detail"]
    assert stock(db, product) == (9, 0, 0)
