"""Limits of a customer, and refusals that say when to come back."""

import datetime

import httpx
import pytest

from tests.support.buyer import Buyer, lasting, problem_of
from tests.support.database import Database
from tests.support.sale import new_key, new_product, stock
from tests.support.service import Service


def product_with_limits(
    db: Database,
    *,
    max_per_customer: int | None = None,
    max_unpaid_percent: int | None = None,
    pause_seconds: int | None = None,
    extension_seconds: int | None = None,
    hold_seconds: int | None = None,
) -> int:
    """A hundred units on sale under these limits."""
    product = new_product(db, 100, hold_seconds=hold_seconds)
    db.one(
        "set_limits",
        product,
        max_per_customer=max_per_customer,
        max_unpaid_percent=max_unpaid_percent,
        pause_seconds=pause_seconds,
        extension_seconds=extension_seconds,
        reason="for the test",
    )
    return product


def moment(text: str) -> datetime.datetime:
    """A time as the API prints it."""
    return datetime.datetime.fromisoformat(text)


def hold(http: httpx.Client, product: int, qty: int = 1, customer: str | None = "ada") -> httpx.Response:
    """Ask for a hold."""
    return http.post("/api/holds", json={"product_id": product, "qty": qty, "customer_id": customer})


def test_a_product_shows_its_limits(http: httpx.Client, db: Database) -> None:
    product = product_with_limits(db, max_per_customer=7, max_unpaid_percent=5, pause_seconds=60, extension_seconds=30)

    shown = http.get(f"/api/products/{product}").json()

    assert (shown["max_per_customer"], shown["max_unpaid_percent"]) == (7, 5)
    assert (shown["pause_seconds"], shown["extension_seconds"]) == (60, 30)


def test_a_hold_is_extended_once_without_a_body(http: httpx.Client, db: Database) -> None:
    product = product_with_limits(db, extension_seconds=30)
    held = lasting(hold(http, product))

    first = http.post(f"/api/holds/{held['hold_id']}/extension")
    again = http.post(f"/api/holds/{held['hold_id']}/extension")

    assert (first.status_code, again.status_code) == (200, 200)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    later = moment(first.json()["expires_at"]) - moment(held["expires_at"])
    assert later == datetime.timedelta(seconds=30)
    assert lasting(first) == lasting(again) == held | {"expires_at": first.json()["expires_at"]}
    assert lasting(http.get(f"/api/holds/{held['hold_id']}")) == lasting(first)
    assert 148_000 < first.json()["expires_in_ms"] <= 150_000


def test_what_is_sent_along_with_an_extension_is_ignored(service: Service, db: Database) -> None:
    """Also by the request after it on the same connection."""
    product = product_with_limits(db, extension_seconds=30)
    with Buyer(service.url) as buyer:
        hold_id = buyer.hold(product).json()["hold_id"]
        extended = buyer.request(
            "POST", f"/api/holds/{hold_id}/extension", b"anything", **{"Content-Type": "text/plain"}
        )
        chunked = buyer.post(f"/api/holds/{hold_id}/extension", {"seconds": 10**6})
        assert (extended.status_code, chunked.status_code) == (200, 200)
        assert buyer.get(f"/api/holds/{hold_id}").json()["expires_at"] == extended.json()["expires_at"]


@pytest.mark.parametrize(
    ("fate", "status", "slug"),
    [
        ("not extendable", 409, "extension_not_allowed"),
        ("ordered", 409, "hold_already_used"),
        ("released", 410, "hold_released"),
        ("unknown", 404, "hold_not_found"),
        ("malformed", 404, "hold_not_found"),
    ],
)
def test_only_a_live_hold_of_a_product_that_allows_it_is_extended(
    http: httpx.Client, db: Database, fate: str, status: int, slug: str
) -> None:
    product = product_with_limits(db, extension_seconds=None if fate == "not extendable" else 30)
    hold_id = hold(http, product).json()["hold_id"]
    if fate == "ordered":
        http.post("/api/orders", json={"hold_id": hold_id})
    elif fate == "released":
        http.delete(f"/api/holds/{hold_id}")
    asked = {"unknown": new_key(), "malformed": "17"}.get(fate, hold_id)

    answer = http.post(f"/api/holds/{asked}/extension")

    assert (answer.status_code, problem_of(answer)) == (status, slug)


def test_an_expired_hold_is_not_extended(http: httpx.Client, db: Database) -> None:
    product = product_with_limits(db, extension_seconds=30)
    db.travel(-121)
    hold_id = db.one("create_hold", product, 1, None, new_key())["hold_id"]
    db.come_back()

    answer = http.post(f"/api/holds/{hold_id}/extension")

    assert (answer.status_code, problem_of(answer)) == (410, "hold_expired")


def test_before_the_sale_the_answer_says_when_to_come_back(http: httpx.Client, db: Database) -> None:
    product = new_product(db, 1, sale_starts_at=db.now() + datetime.timedelta(seconds=90))

    answer = hold(http, product)

    assert (answer.status_code, problem_of(answer)) == (409, "sale_not_started")
    assert 80 <= int(answer.headers["retry-after"]) <= 90
    assert answer.json()["retry_after"] == int(answer.headers["retry-after"])
    assert answer.json()["detail"].endswith(f"retry after {answer.headers['retry-after']} s")


def test_a_customer_whose_hold_ran_out_is_told_when_the_next_may_be(http: httpx.Client, db: Database) -> None:
    product = product_with_limits(db, pause_seconds=60)
    db.travel(-130)
    db.one("create_hold", product, 1, "ada", new_key())
    db.come_back()

    paused = hold(http, product)

    assert (paused.status_code, problem_of(paused)) == (409, "customer_paused")
    assert 40 <= int(paused.headers["retry-after"]) <= 50
    assert hold(http, product, customer="eve").status_code == 201


def test_a_customer_keeps_no_more_than_a_share_unpaid(http: httpx.Client, db: Database) -> None:
    product = product_with_limits(db, max_unpaid_percent=3)
    first = hold(http, product, 3)

    refused = hold(http, product, 1)
    http.post("/api/orders", json={"hold_id": first.json()["hold_id"]})
    still = hold(http, product, 1)
    paid = {"idempotency_key": new_key(), "order_id": first.json()["hold_id"], "status": "succeeded"}
    http.post("/api/payments/webhook", json=paid)

    assert (refused.status_code, problem_of(refused)) == (409, "unpaid_limit_reached")
    assert (still.status_code, problem_of(still)) == (409, "unpaid_limit_reached")
    assert "retry-after" not in refused.headers
    assert hold(http, product, 3).status_code == 201
    assert stock(db, product) == (94, 3, 3)


def test_a_sold_out_product_names_no_time(http: httpx.Client, db: Database) -> None:
    answer = hold(http, new_product(db, 1), 2)

    assert problem_of(answer) == "sold_out"
    assert "retry-after" not in answer.headers
