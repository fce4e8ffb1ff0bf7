"""What once ended in money on no list, or on the wrong one, ends right: cases of shops, by HTTP."""

import httpx
import pytest

from tests.support.buyer import JSON
from tests.support.database import Database
from tests.support.sale import new_key, new_product, stock, sweep
from tests.support.stripe_events import event as stripe_event

PRICE = 1000


class Shop:
    """A shop that sells one unit over HTTP, and its operator."""

    def __init__(self, http: httpx.Client, db: Database, stock: int = 1) -> None:
        self.http, self.db = http, db
        self.product = new_product(db, stock, price=PRICE)
        self.names: dict[str, str] = {}

    def hold(self) -> str:
        """Hold a unit."""
        answer = self.http.post("/api/holds", json={"product_id": self.product, "qty": 1})
        return str(answer.raise_for_status().json()["hold_id"])

    def order(self) -> str:
        """Hold and order a unit."""
        answer = self.http.post("/api/orders", json={"hold_id": self.hold()})
        return str(answer.raise_for_status().json()["order_id"])

    def ended_hold(self) -> str:
        """A hold that was given back."""
        hold_id = self.hold()
        self.http.delete(f"/api/holds/{hold_id}").raise_for_status()
        return hold_id

    def payment(self, name: str) -> str:
        """The id of a payment that the case calls by a short name."""
        return self.names.setdefault(name, f"pi_{new_key()}")

    def tell(self, order_id: str | None, status: str, amount: int | None = None, payment: str | None = None) -> JSON:
        """Deliver an event under a key of its own; what it did, with the status of the answer."""
        event = {"idempotency_key": new_key(), "order_id": order_id, "status": status, "amount": amount}
        event |= {"currency": "EUR" if amount is not None else None}
        event |= {"payment_id": self.payment(payment) if payment else None}
        answer = self.http.post("/api/payments/webhook", json=event)
        assert answer.status_code in (200, 202), answer.text
        return {**answer.json(), "http": answer.status_code}

    def pay(self, order_id: str, payment: str, amount: int = PRICE) -> JSON:
        """A payment succeeded."""
        return self.tell(order_id, "succeeded", amount, payment)

    def show(self, order_id: str) -> JSON:
        """The order."""
        shown: JSON = self.http.get(f"/api/orders/{order_id}").raise_for_status().json()
        return shown

    def due(self, order_id: str | None) -> dict[str, int]:
        """What of its payments has to go back, by their short names."""
        names = {payment: name for name, payment in self.names.items()}
        rows = self.db.call("list_refunds_due")
        return {
            names.get(row["payment_id"], row["payment_id"]): row["amount_due"]
            for row in rows
            if row["payment_id"] in names or (order_id is not None and row["order_id"] == order_id)
        }

    def free(self) -> int:
        """Units on sale."""
        return int(self.http.get(f"/api/products/{self.product}").json()["available"])


@pytest.fixture
def shop(http: httpx.Client, db: Database) -> Shop:
    """One unit on sale."""
    return Shop(http, db)


def test_a_second_payment_that_goes_back_leaves_the_order_paid(shop: Shop) -> None:
    order_id = shop.order()
    shop.pay(order_id, "pi_1")
    assert shop.pay(order_id, "pi_2")["payment_state"] == "due"

    assert shop.tell(order_id, "refunded", PRICE, "pi_2")["payment_state"] == "settled"

    assert shop.show(order_id)["status"] == "paid"
    assert (shop.due(order_id), shop.free()) == ({}, 0)


def test_one_payment_under_two_event_keys_is_one_payment_and_the_answer_says_so(shop: Shop) -> None:
    order_id = shop.order()
    shop.pay(order_id, "pi_1")

    again = shop.pay(order_id, "pi_1")

    assert (again["outcome"], again["payment_state"], again["order_status"]) == ("ignored", "paying", "paid")
    assert "same" in again["reason"]
    assert shop.due(order_id) == {}


def test_of_two_payments_for_an_ended_hold_the_one_that_did_not_go_back_is_due(shop: Shop) -> None:
    hold_id = shop.ended_hold()
    for payment in ("pi_1", "pi_2"):
        shop.pay(hold_id, payment)

    for _ in range(2):
        shop.tell(hold_id, "refunded", PRICE, "pi_1")

    assert shop.due(hold_id) == {"pi_2": PRICE}


@pytest.mark.parametrize("end", ["record_refund", "accept_payment"])
def test_a_payment_of_another_amount_is_due_and_can_be_recorded_or_accepted(shop: Shop, db: Database, end: str) -> None:
    order_id = shop.order()
    assert shop.pay(order_id, "pi_1", 700)["outcome"] == "amount_mismatch"
    db.travel(901)
    sweep(db)
    assert shop.due(order_id) == {"pi_1": 700}

    db.one(end, shop.payment("pi_1"), "as agreed")

    assert shop.due(order_id) == {}
    assert shop.show(order_id)["status"] == ("paid" if end == "accept_payment" else "cancelled")


def test_a_declined_card_does_not_cost_the_buyer_the_unit(shop: Shop) -> None:
    order_id = shop.order()
    shop.tell(order_id, "declined", None, "pi_1")

    assert shop.http.post("/api/holds", json={"product_id": shop.product, "qty": 1}).status_code == 409

    assert shop.pay(order_id, "pi_1")["order_status"] == "paid"


def test_a_payment_of_a_withdrawn_order_is_due_and_the_reason_stays(shop: Shop, db: Database) -> None:
    order_id = shop.order()
    db.one("cancel_order", order_id, "fraud")

    assert shop.pay(order_id, "pi_1")["payment_state"] == "due"

    shown = shop.show(order_id)
    assert (shown["status"], shown["cancelled_as"], shown["closed_reason"]) == ("cancelled", "withdrawn", "fraud")
    assert (shown["refund_due"], shop.due(order_id), shop.free()) == (PRICE, {"pi_1": PRICE}, 1)


def test_a_refund_of_what_was_handed_over_puts_nothing_back_on_sale(shop: Shop) -> None:
    order_id = shop.order()
    shop.pay(order_id, "pi_1")
    shop.http.post(f"/api/orders/{order_id}/fulfilment").raise_for_status()

    shop.tell(order_id, "refunded", PRICE, "pi_1")

    assert (shop.show(order_id)["status"], shop.free()) == ("refunded", 0)


def test_a_refund_that_names_no_order_is_found_by_its_payment(shop: Shop) -> None:
    order_id = shop.order()
    payment = shop.payment("pi_1")
    succeeded = stripe_event("payment_intent.succeeded", order_id, PRICE, id=payment)
    refunded = stripe_event(
        "charge.refunded", order_id, PRICE, payment_intent=payment, amount_refunded=PRICE, metadata={}
    )

    for event in (succeeded, refunded):
        answer = shop.http.post("/api/payments/webhook", json=event, headers={"Stripe-Signature": "t=1,v1=unsigned"})
        assert answer.status_code == 200, answer.text

    assert (shop.show(order_id)["status"], shop.free()) == ("refunded", 1)


@pytest.mark.parametrize("named", ["its order with a space", "no UUID", "nobody's UUID"])
def test_a_payment_for_a_misspelt_order_is_kept_and_due_after_a_while(shop: Shop, db: Database, named: str) -> None:
    order_id = shop.order()
    text = {"its order with a space": f"{order_id} ", "no UUID": "cart 81", "nobody's UUID": new_key()}[named]

    assert shop.pay(text, "pi_1")["http"] == 202
    assert shop.due(None) == {}
    db.travel(901)
    sweep(db)

    assert shop.due(None) == {"pi_1": PRICE}


def test_a_payment_of_a_nameless_customers_order_is_kept_and_due_when_limits_came(
    http: httpx.Client, db: Database
) -> None:
    shop = Shop(http, db)
    order_id = shop.order()
    shop.tell(order_id, "failed", None, "pi_0")
    db.one("set_limits", shop.product, max_per_customer=2, reason="two a customer")

    assert shop.pay(order_id, "pi_1")["payment_state"] == "due"

    assert shop.due(order_id) == {"pi_1": PRICE}


def test_a_refund_that_comes_after_a_purge_of_its_hold_settles_the_payment(shop: Shop, db: Database) -> None:
    hold_id = shop.ended_hold()
    shop.pay(hold_id, "pi_1")
    db.travel(3 * 86400)
    assert db.one("purge_history", 2)["holds_deleted"] >= 1

    assert shop.tell(hold_id, "refunded", PRICE, "pi_1")["payment_state"] == "settled"

    assert shop.due(hold_id) == {}


def test_of_a_payment_for_a_released_hold_the_rest_is_due(shop: Shop) -> None:
    hold_id = shop.ended_hold()
    shop.pay(hold_id, "pi_1")

    shop.tell(hold_id, "refunded", 400, "pi_1")

    assert shop.due(hold_id) == {"pi_1": 600}


def test_a_failure_of_an_unknown_id_is_ignored_after_a_while(shop: Shop, db: Database) -> None:
    key = new_key()
    event = {"idempotency_key": key, "order_id": new_key(), "status": "failed"}
    assert shop.http.post("/api/payments/webhook", json=event).status_code == 202

    db.travel(901)
    sweep(db)

    again = shop.http.post("/api/payments/webhook", json=event)
    assert (again.status_code, again.json()["outcome"]) == (200, "ignored")
    db.come_back()
    assert stock(db, shop.product) == (1, 0, 0)
