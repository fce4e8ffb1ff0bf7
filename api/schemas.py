"""The shapes of bodies, path parameters and answers. They validate, and the OpenAPI document is made of them.

A field's `Meta(description=…)` says what is allowed and is what an invalid value is answered with. Its first example is
what the document shows in every example, which the tests send; without one a field that may be null is null.
Money is integer minor units of an ISO 4217 currency; times are RFC 3339.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, Struct

from api.values import INT_MAX, OBJECT_BYTES

BIGINT_MAX = 2**63 - 1
UUID_EXAMPLE = "01a20314-0188-75fe-8da4-6159ad5335b1"
TIME_EXAMPLE = "2026-11-27T09:00:00.250000Z"

ProductId = Annotated[int, Meta(ge=1, le=INT_MAX, description=f"must be an integer from 1 to {INT_MAX}", examples=[1])]
Uuid = Annotated[
    str,
    Meta(
        pattern="^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$",
        min_length=36,
        max_length=36,
        description="must be a UUID of 36 characters, such as " + UUID_EXAMPLE,
        examples=[UUID_EXAMPLE],
    ),
]
Quantity = Annotated[int, Meta(ge=1, le=INT_MAX, description=f"must be an integer from 1 to {INT_MAX}", examples=[2])]
CustomerId = Annotated[
    str, Meta(min_length=1, max_length=128, description="must be a text of 1 to 128 characters", examples=["ada"])
]
IdempotencyKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        description="must be a text of 1 to 255 characters",
        examples=["evt_7f3a_succeeded"],
    ),
]
Minor = Annotated[
    int,
    Meta(
        ge=0,
        le=BIGINT_MAX,
        description="must be an amount in minor units, an integer from 0 to 2^63-1",
        examples=[25800],
    ),
]
Currency = Annotated[
    str,
    Meta(
        pattern="^[A-Z]{3}$",
        min_length=3,
        max_length=3,
        description="must be an ISO 4217 code of three capital letters",
        examples=["EUR"],
    ),
]
OccurredAt = Annotated[
    datetime,
    Meta(
        tz=True,
        description="must be an RFC 3339 time with an offset, in the years 1000 to 9999, such as " + TIME_EXAMPLE,
        examples=[TIME_EXAMPLE],
        extra_json_schema={"pattern": "^[1-9][0-9]{3}-"},
    ),
]
EventStatus = Literal[
    "succeeded",
    "declined",
    "failed",
    "refunded",
    "refund_failed",
    "dispute_opened",
    "dispute_won",
    "dispute_lost",
    "other",
]
PaymentStatus = Annotated[
    EventStatus,
    Meta(description=f"must be one of {', '.join(get_args(EventStatus))}", examples=["succeeded"]),
]
OrderName = Annotated[
    str,
    Meta(min_length=1, max_length=255, description="must be a text of 1 to 255 characters", examples=[UUID_EXAMPLE]),
]
PaymentId = Annotated[
    str,
    Meta(min_length=1, max_length=255, description="must be a text of 1 to 255 characters", examples=["pi_7f3a"]),
]
OrderStatus = Literal["pending", "paid", "cancelled", "refunded"]
OrderStatusFilter = Annotated[
    OrderStatus, Meta(description=f"must be one of {', '.join(get_args(OrderStatus))}", examples=["pending"])
]
Reference = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        description="must be a text of 1 to 64 characters",
        examples=["shop-4711"],
        extra_json_schema={"title": "the shop's own order number; no two orders have the same"},
    ),
]
Metadata = Annotated[
    dict[str, Any],
    Meta(
        description=f"must be a JSON object of at most {OBJECT_BYTES} bytes",
        examples=[{"cart": 81}],
        extra_json_schema={"title": "what the shop notes about the order"},
    ),
]
SaleState = Literal["upcoming", "open", "paused", "sold_out", "ended"]
SaleFilter = Annotated[
    SaleState, Meta(description=f"must be one of {', '.join(get_args(SaleState))}", examples=["open"])
]
PAGE_ROWS = 100
"""Of a page, where nothing else is asked for, and at most."""
PageLimit = Annotated[
    int, Meta(ge=1, le=PAGE_ROWS, description=f"must be an integer from 1 to {PAGE_ROWS}", examples=[PAGE_ROWS])
]
AfterProduct = Annotated[
    int, Meta(ge=0, le=INT_MAX, description="must be what the page before called next", examples=[0])
]
AfterOrder = Annotated[
    str,
    Meta(
        pattern="^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$",
        min_length=36,
        max_length=36,
        description="must be what the page before called next",
        examples=["01a20314-92c6-7d1f-a0c3-1f6b7c2d9e40"],
    ),
]
Next = Annotated[
    str | None, Meta(description="send it as after for the next page, with the same filters; null: this is the last")
]
Time = Annotated[datetime, Meta(tz=True, description="UTC, with microseconds", examples=[TIME_EXAMPLE])]


Customer = Annotated[CustomerId | None, Meta(examples=["ada"])]
OrderReference = Annotated[
    Reference | None, Meta(description="the shop's own order number; null: none was given", examples=["shop-4711"])
]
OrderMetadata = Annotated[
    Metadata | None, Meta(description="what the shop noted about it; null: nothing", examples=[{"cart": 81}])
]


class NewHold(Struct, forbid_unknown_fields=True, kw_only=True):
    """Units to reserve, optionally for a known customer."""

    product_id: ProductId
    qty: Quantity
    customer_id: Customer = None


class NewOrder(Struct, forbid_unknown_fields=True, kw_only=True):
    """The live hold to turn into an order, optionally with the shop's own number of it and what it notes about it."""

    hold_id: Uuid
    reference: Annotated[Reference | None, Meta(examples=["shop-4711"])] = None
    metadata: Annotated[Metadata | None, Meta(examples=[{"cart": 81}])] = None


class PaymentEvent(Struct, forbid_unknown_fields=True, kw_only=True):
    """A payment event as the provider sends it, any number of times and in any order.

    `idempotency_key` is the event's id at the provider, `payment_id` the payment's, which is the same in all of its
    events. `order_id` is the order as the provider knows it: the id of the hold. One of the two is needed, except
    for `other`. Without `order_id` the event is about the order that its payment named before; without `payment_id`
    it is about the one payment that the order has. `amount` is what was received (`succeeded`), what came back of
    one refund (`refund_failed`), or of `refunded` **all** that went back of this payment until now: amounts of
    refunds are cumulative, so after 10.00 and another 5.00 it is 1500, not 500; null is everything. Only these three
    move money.
    """

    idempotency_key: IdempotencyKey
    order_id: Annotated[OrderName | None, Meta(examples=[UUID_EXAMPLE])] = None
    payment_id: Annotated[PaymentId | None, Meta(examples=["pi_7f3a"])] = None
    status: PaymentStatus
    amount: Annotated[Minor | None, Meta(examples=[25800])] = None
    currency: Annotated[Currency | None, Meta(examples=["EUR"])] = None
    occurred_at: Annotated[OccurredAt | None, Meta(examples=["2026-11-27T09:01:12Z"])] = None


_NAMED: dict[str, Any] = {"type": "string"}
CONDITIONS: dict[str, Any] = {
    "PaymentEvent": {
        "anyOf": [
            {"required": ["order_id"], "properties": {"order_id": _NAMED}},
            {"required": ["payment_id"], "properties": {"payment_id": _NAMED}},
            {"properties": {"status": {"const": "other"}}},
        ]
    }
}
"""By shape: what the document says of several members together. api/providers/standard.py checks it."""


class Product(Struct, kw_only=True):
    """A product and its stock: stock_total = available + held + sold."""

    product_id: ProductId
    name: Annotated[str, Meta(examples=["Limited sneaker"])]
    price: Annotated[int, Meta(description="for one unit, in minor units", examples=[12900])]
    currency: Currency
    stock_total: Annotated[int, Meta(examples=[100])]
    available: Annotated[int, Meta(description="units free now; what has expired counts as free", examples=[100])]
    held: Annotated[int, Meta(examples=[0])]
    sold: Annotated[int, Meta(examples=[0])]
    max_per_hold: Annotated[int, Meta(examples=[10])]
    max_per_customer: Annotated[int | None, Meta(description="null: no limit")]
    max_unpaid_percent: Annotated[
        int | None, Meta(description="the share of stock_total that a customer may keep unpaid; null: all")
    ]
    pause_seconds: Annotated[
        int | None, Meta(description="how long a customer whose hold expired unpaid has to wait; null: not at all")
    ]
    extension_seconds: Annotated[int | None, Meta(description="how long a hold is extended, once; null: never")]
    hold_seconds: Annotated[int, Meta(description="how long a hold lives", examples=[120])]
    payment_seconds: Annotated[int, Meta(description="how long an order may stay unpaid", examples=[900])]
    stripes: Annotated[int, Meta(examples=[6])]
    sale_starts_at: Time | None
    sale_ends_at: Time | None
    stopped_at: Annotated[Time | None, Meta(description="when the operator ended the sale at once; null: not")]
    paused_at: Annotated[
        Time | None,
        Meta(description="since when the operator has the sale paused, so that nothing runs out; null: it is not"),
    ]
    archived_at: Annotated[Time | None, Meta(description="when it was taken off the list; null: not")]


class Products(Struct, kw_only=True):
    """A page of the products, without those that were archived."""

    products: list[Product]
    next: Next


class Hold(Struct, kw_only=True):
    """Reserved units. An ordered hold lives on as the order of the same id."""

    hold_id: Uuid
    product_id: ProductId
    qty: Quantity
    customer_id: Customer
    unit_price: Annotated[
        int, Meta(description="in minor units of the product's currency; its order costs this", examples=[12900])
    ]
    status: Annotated[Literal["active", "ordered", "expired", "released", "stopped"], Meta(examples=["active"])]
    created_at: Time
    expires_at: Annotated[Time, Meta(examples=["2026-11-27T09:02:00.250000Z"])]
    expires_in_ms: Annotated[
        int | None,
        Meta(description="what is left of it by the database's clock; null unless active", examples=[120000]),
    ]
    ended_at: Annotated[Time | None, Meta(description="null while active")]


class Order(Struct, kw_only=True):
    """An order and the state of its payment; it keeps the id of its hold."""

    order_id: Uuid
    hold_id: Uuid
    product_id: ProductId
    qty: Quantity
    customer_id: Customer
    reference: OrderReference
    metadata: OrderMetadata
    status: Annotated[OrderStatus, Meta(examples=["pending"])]
    unit_price: Annotated[int, Meta(description="in minor units, as the hold showed it", examples=[12900])]
    amount: Annotated[int, Meta(description="in minor units", examples=[25800])]
    currency: Currency
    refunded: Annotated[
        int,
        Meta(description="what went back of the payment that pays or paid it, until now, in minor units", examples=[0]),
    ]
    refund_due: Annotated[
        int, Meta(description="what has to go back, of all its payments together, in minor units", examples=[0])
    ]
    dispute: Annotated[
        Literal["opened", "won", "lost"] | None,
        Meta(description="how a dispute of its payment stands; null: there is none"),
    ]
    created_at: Annotated[Time, Meta(examples=["2026-11-27T09:00:41.500000Z"])]
    pay_by: Annotated[Time, Meta(examples=["2026-11-27T09:15:41.500000Z"])]
    pay_in_ms: Annotated[
        int | None,
        Meta(description="what is left until pay_by, by the database's clock; null unless pending", examples=[900000]),
    ]
    paid_at: Time | None
    fulfilled_at: Annotated[Time | None, Meta(description="when it was handed over; null: not yet")]
    closed_at: Time | None
    cancelled_as: Annotated[
        Literal["lapsed", "withdrawn"] | None,
        Meta(
            description="lapsed: it was overdue or its payment failed, and a late payment can still pay it while there "
            "are units; withdrawn: the buyer or the operator cancelled it, for good; null: not cancelled"
        ),
    ]
    closed_reason: str | None


class Orders(Struct, kw_only=True):
    """A page of the orders that were asked for, the one whose hold is the newest first."""

    orders: list[Order]
    next: Next


class WebhookReceipt(Struct, kw_only=True):
    """What a payment event did, as it stands now."""

    webhook_id: Annotated[int, Meta(examples=[1])]
    idempotency_key: IdempotencyKey
    payment_id: Annotated[PaymentId | None, Meta(description="null only for other", examples=["pi_7f3a"])]
    order_id: Annotated[
        Uuid | None,
        Meta(
            description="as the event named it, or as its payment was found; null: none that is an id of the sale",
            examples=[UUID_EXAMPLE],
        ),
    ]
    payment_status: Annotated[
        EventStatus, Meta(description="what the event said; other: it moves nothing", examples=["succeeded"])
    ]
    outcome: Annotated[
        Literal["parked", "applied", "ignored", "amount_mismatch", "refund_due"],
        Meta(
            description="parked: it waits for its order; applied: done; ignored: it changes nothing, reason says why; "
            "amount_mismatch: another amount or currency than the order's; refund_due: the money has to go back",
            examples=["applied"],
        ),
    ]
    reason: str | None
    payment_state: Annotated[
        Literal["open", "waiting", "paying", "due", "settled", "failed"] | None,
        Meta(
            description="of its payment, as it stands now. open: nothing was received; waiting: received, its order "
            "does not exist yet; paying: it pays its order; due: received, and what is left of it has to go back; "
            "settled: all of it went back; failed: over, without money; null for other",
            examples=["paying"],
        ),
    ]
    order_status: Annotated[OrderStatus | None, Meta(description="null: there is no order", examples=["paid"])]
    deliveries: Annotated[int, Meta(description="how often the event was sent", examples=[1])]


class Health(Struct, kw_only=True):
    """The state of the database as the sale sees it."""

    status: Annotated[Literal["ok", "degraded"], Meta(examples=["ok"])]
    detail: str | None
    database_version: Annotated[str, Meta(examples=["9.7.4"])]
    schema_version: Annotated[str | None, Meta(examples=["0016.operator_keys"])]
    event_scheduler: Annotated[str | None, Meta(examples=["ON"])]
    event_status: Annotated[str | None, Meta(examples=["ENABLED"])]
    last_sweep_at: Annotated[Time | None, Meta(examples=["2026-11-27T09:00:00.000000Z"])]
    sweep_lag_seconds: Annotated[float | None, Meta(examples=[0.0])]
    role: Annotated[str, Meta(description="primary: this node of MySQL sells", examples=["primary"])]
    node: Annotated[str, Meta(description="its host and port", examples=["10.0.0.11:3306"])]
    members_online: Annotated[
        int, Meta(description="nodes of its group that are online; 1 without a group", examples=[1])
    ]
    members: Annotated[int, Meta(description="nodes that the group should have; 1 without a group", examples=[1])]
    members_behind: Annotated[
        int, Meta(description="transactions that the slowest of them has not applied yet", examples=[0])
    ]
    checked_at: Time


class Alive(Struct, kw_only=True):
    """The process answers; says nothing about MySQL."""

    status: Literal["alive"]
