"""What the OpenAPI document says about each operation, with examples, and where an answer leads.

An example is a request and its answer under one name, made of the examples of their shapes. The tests send each of them
to a running service, in this order, and compare the answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from api import VERSION, schemas
from api.openapi.examples import example_of

JSON = dict[str, Any]

HOLD_KEY = "cart-7f3a-hold-1"
ORDER_KEY = "cart-7f3a-order-1"


@dataclass(frozen=True, slots=True)
class Example:
    """A request, by its parameters and its body, and what the service answers."""

    summary: str
    status: int
    answer: JSON
    parameters: Mapping[str, Any] = field(default_factory=dict)
    body: JSON | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """What to do next with a successful answer: an operation, and where its parameters or members of its body are."""

    operation: str
    description: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OperationText:
    """`description` is Markdown; `examples` and `links` go by their names."""

    description: str
    examples: Mapping[str, Example]
    links: Mapping[str, Link] = field(default_factory=dict)


TAGS = {
    "Products": "What is on sale, and how much of it is left.",
    "Holds": "Units reserved for a short time. A hold ends by itself; its units are then on sale again.",
    "Orders": "A hold that a buyer committed to. It keeps the id of its hold and waits for its payment.",
    "Payments": "Events of the payment provider.",
    "Monitoring": "For load balancers, monitors and tools.",
}
"""What is under /api/<tag>, and the rest."""

_PRODUCT = example_of(schemas.Product)
_HOLD = example_of(schemas.Hold)
_NEW_HOLD = example_of(schemas.NewHold)
_ORDER = example_of(schemas.Order)
_NEW_ORDER = example_of(schemas.NewOrder)
_EVENT = example_of(schemas.PaymentEvent)
_RECEIPT = example_of(schemas.WebhookReceipt)

PRODUCT_ID = _PRODUCT["product_id"]
HOLD_ID = _HOLD["hold_id"]
CUSTOMER = _HOLD["customer_id"]
REFERENCE = _ORDER["reference"]
EVENT_KEY = _EVENT["idempotency_key"]
PAYMENT_ID = _EVENT["payment_id"]
NEWER_ID = example_of(schemas.AfterOrder)
"""The last order of the page before."""

_PAID = _ORDER | {"status": "paid", "pay_in_ms": None, "paid_at": "2026-11-27T09:01:12.750000Z"}
_CANCELLED = _ORDER | {
    "status": "cancelled",
    "pay_in_ms": None,
    "closed_at": "2026-11-27T09:03:20.125000Z",
    "cancelled_as": "withdrawn",
    "closed_reason": "cancelled by the buyer",
}
_FULFILLED = _PAID | {"fulfilled_at": "2026-11-27T11:30:00.500000Z"}
_STRIPE_EVENT: JSON = {
    "id": EVENT_KEY,
    "object": "event",
    "type": "payment_intent.succeeded",
    "created": 1795683672,
    "livemode": True,
    "data": {
        "object": {
            "id": PAYMENT_ID,
            "object": "payment_intent",
            "amount_received": 25800,
            "currency": "eur",
            "metadata": {"order_id": HOLD_ID},
        }
    },
}
_STANDARD_HEADERS = {
    "webhook-id": "msg_7f3a0001",
    "webhook-timestamp": "1795683672",
    "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
}
_STRIPE_HEADERS = {"Stripe-Signature": "t=1795683672,v1=" + "5257a869e7ecebeda32affa62cdca3fa" * 2}
_FIRST_PRODUCT = {"product_id": "$response.body#/products/0/product_id"}
_THE_PRODUCT = {"product_id": "$response.body#/product_id"}
_NEXT_PAGE = {"after": "$response.body#/next"}
_FIRST_ORDER = {"order_id": "$response.body#/orders/0/order_id"}
_SHOW_HOLD = Link("get_hold", "The hold, while it is live.", {"hold_id": "$response.body#/hold_id"})
_RELEASE_HOLD = Link("release_hold", "Give the units back.", {"hold_id": "$response.body#/hold_id"})
_ORDER_HOLD = Link("create_order", "Turn the hold into an order.", body={"hold_id": "$response.body#/hold_id"})
_SHOW_ORDER = Link("get_order", "The order.", {"order_id": "$response.body#/order_id"})
_CANCEL_ORDER = Link("cancel_pending_order", "The buyer changed their mind.", {"order_id": "$response.body#/order_id"})
_FULFIL_ORDER = Link("fulfil_order", "It is paid, and was handed over.", {"order_id": "$response.body#/order_id"})
_PAY_HOLD = Link(
    "receive_payment_webhook",
    "The provider reports a payment; before the order exists it is parked.",
    body={"order_id": "$response.body#/hold_id"},
)
_PAY_ORDER = Link(
    "receive_payment_webhook",
    "The provider reports what became of the payment.",
    body={
        "order_id": "$response.body#/order_id",
        "amount": "$response.body#/amount",
        "currency": "$response.body#/currency",
    },
)
_KEYS = (
    "Send an `Idempotency-Key` of your own with each new {thing}, keep it, and repeat the same request with the same "
    "key when no answer came or the answer was a 503: it happens once. A repeat is answered with 200 and "
    "`Idempotent-Replayed: true`."
)

OPERATION_TEXTS: dict[str, OperationText] = {
    "list_products": OperationText(
        "Products with their price, their window and their stock at this moment, the oldest first: all of them, or "
        "those whose `sale` is in a state. A sale that goes on is `sold_out` while no unit is available, and `open` "
        "else; units come back when holds expire. What has expired counts as available. Archived products are left "
        "out. Where there are more, `next` is what to send as `after`, with the same filter.",
        {
            "products": Example("Products", 200, {"products": [_PRODUCT], "next": None}, {"after": 0, "limit": 100}),
            "open": Example(
                "What can be bought now", 200, {"products": [_PRODUCT], "next": None}, {"sale": "open", "after": 0}
            ),
        },
        {
            "show_next_page": Link("list_products", "The next page.", _NEXT_PAGE),
            "show_first_product": Link("get_product", "The first one.", _FIRST_PRODUCT),
            "hold_first_product": Link("create_hold", "Reserve units of the first one.", body=_FIRST_PRODUCT),
        },
    ),
    "get_product": OperationText(
        "One product. `stock_total = available + held + sold` at every moment.",
        {"product": Example("A product", 200, _PRODUCT, {"product_id": PRODUCT_ID})},
        {"hold_product": Link("create_hold", "Reserve units of it.", body=_THE_PRODUCT)},
    ),
    "create_hold": OperationText(
        "Reserves `qty` units for `hold_seconds`, at the price of this moment: the order will cost `unit_price` each, "
        "whatever happens to the price meanwhile. "
        + _KEYS.format(thing="hold")
        + "\n\nA refusal reserves nothing, and its key may be used again.",
        {
            "made": Example(
                "Two units for a customer",
                201,
                _HOLD,
                {"Idempotency-Key": HOLD_KEY},
                _NEW_HOLD,
            ),
            "repeated": Example(
                "The same again, after a lost answer",
                200,
                _HOLD,
                {"Idempotency-Key": HOLD_KEY},
                _NEW_HOLD,
            ),
        },
        {"show_hold": _SHOW_HOLD, "release_hold": _RELEASE_HOLD, "order_hold": _ORDER_HOLD, "pay_hold": _PAY_HOLD},
    ),
    "get_hold": OperationText(
        "A hold that is live, or that became an order. One that ended otherwise is answered with 410 and why.",
        {"hold": Example("A live hold", 200, _HOLD, {"hold_id": HOLD_ID})},
        {"release_hold": _RELEASE_HOLD, "order_hold": _ORDER_HOLD},
    ),
    "release_hold": OperationText(
        "Gives the units back before the hold expires. May be repeated; a hold that the operator ended with the whole "
        "sale is answered with 410.",
        {
            "released": Example(
                "Given back",
                200,
                _HOLD | {"status": "released", "expires_in_ms": None, "ended_at": "2026-11-27T09:00:30.000000Z"},
                {"hold_id": HOLD_ID},
            ),
        },
        {"show_hold": _SHOW_HOLD},
    ),
    "extend_hold": OperationText(
        "Lets a live hold live `extension_seconds` longer, once. May be repeated: it is extended once all the same.",
        {
            "extended": Example(
                "A minute more",
                200,
                _HOLD | {"expires_at": "2026-11-27T09:03:00.250000Z", "expires_in_ms": 150000},
                {"hold_id": HOLD_ID},
            ),
        },
        {"show_hold": _SHOW_HOLD, "order_hold": _ORDER_HOLD},
    ),
    "create_order": OperationText(
        "Turns a live hold into an order of the same id, at the price that the hold shows, to be paid until `pay_by`. "
        + _KEYS.format(thing="order")
        + "\n\n`reference` is the shop's own number of the order: no two orders have the same (409), and "
        "`GET /api/orders?reference=` finds the order by it. `metadata` is kept and shown as it is. Both belong to the "
        "request: with another one its key is refused.\n\nA payment that was reported before is applied now: the order "
        "can be born paid.",
        {
            "made": Example("From a live hold", 201, _ORDER, {"Idempotency-Key": ORDER_KEY}, _NEW_ORDER),
            "repeated": Example(
                "The same again, after a lost answer", 200, _ORDER, {"Idempotency-Key": ORDER_KEY}, _NEW_ORDER
            ),
        },
        {"show_order": _SHOW_ORDER, "pay_order": _PAY_ORDER, "cancel_order": _CANCEL_ORDER},
    ),
    "list_orders": OperationText(
        "Orders, the one whose hold is the newest first: all of them, or those of a customer, with a reference, in a "
        "status; what is given counts together. Where there are more, `next` is what to send as `after`, with the same "
        "filters; it means nothing else. Orders that are made meanwhile are not on later pages. Where no answer to "
        "`POST /api/orders` came, `reference` tells whether it was made.",
        {
            "found": Example(
                "After a lost answer: it was made", 200, {"orders": [_ORDER], "next": None}, {"reference": REFERENCE}
            ),
            "page": Example(
                "A customer's unpaid orders, the second page",
                200,
                {"orders": [_ORDER], "next": None},
                {"customer_id": CUSTOMER, "status": "pending", "after": NEWER_ID, "limit": 2},
            ),
        },
        {
            "show_next_page": Link("list_orders", "The next page.", _NEXT_PAGE),
            "show_first_order": Link("get_order", "The first one.", _FIRST_ORDER),
        },
    ),
    "get_order": OperationText(
        "An order and the state of its payment. Ask until `status` is no longer `pending`, or `pay_in_ms` is used up. "
        "Deliver when it is `paid`, and not before.",
        {
            "pending": Example("Waiting for its payment", 200, _ORDER, {"order_id": HOLD_ID}),
            "paid": Example("Paid", 200, _PAID, {"order_id": HOLD_ID}),
        },
        {"pay_order": _PAY_ORDER, "cancel_order": _CANCEL_ORDER, "fulfil_order": _FULFIL_ORDER},
    ),
    "cancel_pending_order": OperationText(
        "Ends an order that waits for its payment, for the buyer, and for good: its units are on sale again at once, "
        "and a payment that comes all the same is due for a refund. May be repeated.",
        {"cancelled": Example("Cancelled by the buyer", 200, _CANCELLED, {"order_id": HOLD_ID})},
        {"show_order": _SHOW_ORDER},
    ),
    "fulfil_order": OperationText(
        "Notes that the units of a paid order were handed over. A refund after that returns the money, and no units: "
        "they are not back on the shelf. May be repeated: the first time is kept.",
        {"fulfilled": Example("Handed over", 200, _FULFILLED, {"order_id": HOLD_ID})},
        {"show_order": _SHOW_ORDER},
    ),
    "receive_payment_webhook": OperationText(
        "Takes an event of the payment provider: in any order, before or after the order exists, any number of times. "
        "`outcome` says what it did, `payment_state` where its payment stands. A declined card ends nothing: the buyer "
        "may try another one until `pay_by`. A payment for an order that nobody knows is kept as well (202), and is "
        "due for a refund if there still is no such order after 15 minutes. The same `idempotency_key` with the same "
        "content returns what it did the first time; with other content it is refused.\n\nWhere the service has a "
        "secret of a provider, only what is signed with it is let in (401). Where it has none at all, signatures are "
        "not checked.",
        {
            "applied": Example("The order is paid", 200, _RECEIPT, _STANDARD_HEADERS, _EVENT),
            "stripe": Example("The same from Stripe", 200, _RECEIPT, _STRIPE_HEADERS, _STRIPE_EVENT),
            "parked": Example(
                "There is no order yet; creating it applies the event",
                202,
                _RECEIPT | {"outcome": "parked", "payment_state": "waiting", "order_status": None},
                _STANDARD_HEADERS,
                _EVENT,
            ),
        },
        {"show_order": _SHOW_ORDER},
    ),
    "health_check": OperationText(
        "Whether requests can be served: asks MySQL for the state of its scheduler and of the sweep. `degraded` still "
        "sells; `detail` says what is wrong. A MySQL that answers but cannot sell, such as a read-only one, "
        "is a 503.",
        {
            "ready": Example(
                "All is well",
                200,
                example_of(schemas.Health),
            ),
        },
    ),
    "is_alive": OperationText(
        "Whether the process answers. Says nothing about MySQL, so that a restart of MySQL does not restart the API.",
        {"alive": Example("Alive", 200, example_of(schemas.Alive))},
    ),
    "get_openapi": OperationText(
        "The document that this is made of, in OpenAPI 3.1. `/docs` shows it.",
        {
            "document": Example(
                "Its beginning",
                200,
                {"openapi": "3.1.0", "info": {"title": "Flash-sale checkout", "version": VERSION}, "paths": {}},
            )
        },
    ),
}
"""By operationId, which is the procedure's name where there is a procedure."""
