"""The table of endpoints. Adding one is a procedure in sql/ and a line in `ROUTES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from api import schemas, values

Argument = int | str | None
Method = Literal["GET", "POST", "DELETE"]


@dataclass(frozen=True, slots=True)
class PathParameter:
    """A part of an address. Text that `convert` refuses (ValueError) is answered with the problem `not_found`."""

    type: Any
    convert: Callable[[str], Argument]
    not_found: str
    allowed: str


@dataclass(frozen=True, slots=True)
class Path:
    """An argument taken from the address."""

    name: str


@dataclass(frozen=True, slots=True)
class Body:
    """An argument taken from a member of the JSON body, converted when it is not null."""

    name: str
    convert: Callable[[Any], Argument] | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """An argument taken from the query string; the description of its type says what is allowed."""

    name: str
    type: Any
    default: Argument = None


@dataclass(frozen=True, slots=True)
class PageSize(Query):
    """How many rows a page has. One more is asked for: if it comes, there is a next page."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The Idempotency-Key header, its caller's own where there are API keys; without one, a key for one request."""


@dataclass(frozen=True, slots=True)
class RawBody:
    """The JSON body as the text that was received."""


Source = Path | Body | Query | IdempotencyKey | RawBody


@dataclass(frozen=True, slots=True)
class Route:
    """A row of the table.

    `arguments` are the procedure's, in its order. `body` validates what is sent, `answer` declares what is sent
    back: the columns of the procedure's row by name. `rows` names the member that holds all rows as a list; without
    it there is one. `cursor` is the column of a page's last row with which the next page is asked for; the page's size
    is the last argument then. `created` is the Location of what was made (201, or 200 for a replay). `statuses` gives
    some values of the column `outcome` a status other than 200. `raises` are the slugs the procedure may SIGNAL. A
    `probe` answers 503 unless the column `status` has one of these values. A `signed` body comes from one of the
    api/providers/, who says what it means; the procedure that it names counts those that were refused. What is `aged`
    may come from a secondary, where the operator wants that, and then says how old it is.
    """

    method: Method
    path: str
    procedure: str
    summary: str
    answer: type[msgspec.Struct]
    arguments: tuple[Source, ...] = ()
    body: type[msgspec.Struct] | None = None
    rows: str | None = None
    cursor: str | None = None
    created: str | None = None
    statuses: Mapping[str, int] = field(default_factory=dict)
    raises: tuple[str, ...] = ()
    probe: tuple[str, ...] = ()
    signed: str | None = None
    aged: bool = False


_UUID_ALLOWED = "must be a UUID of 36 characters, as it was returned to you"

PATH_PARAMETERS = {
    "product_id": PathParameter(
        schemas.ProductId,
        values.positive_int,
        "product_not_found",
        f"must be an integer from 1 to {values.INT_MAX}",
    ),
    "hold_id": PathParameter(schemas.Uuid, values.uuid, "hold_not_found", _UUID_ALLOWED),
    "order_id": PathParameter(schemas.Uuid, values.uuid, "order_not_found", _UUID_ALLOWED),
}

_PAGE_SIZE = PageSize("limit", schemas.PageLimit, schemas.PAGE_ROWS)

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route(
        "GET", "/api/products", "list_products", "Products with their stock, page by page",
        answer=schemas.Product, rows="products", cursor="product_id",
        arguments=(Query("sale", schemas.SaleFilter), Query("after", schemas.AfterProduct), _PAGE_SIZE),
        raises=("invalid_argument",), aged=True,
    ),
    Route(
        "GET", "/api/products/{product_id}", "get_product", "One product with its stock",
        answer=schemas.Product, arguments=(Path("product_id"),), raises=("product_not_found",), aged=True,
    ),
    Route(
        "POST", "/api/holds", "create_hold", "Reserve units for a short time",
        answer=schemas.Hold, body=schemas.NewHold, created="/api/holds/{hold_id}",
        arguments=(Body("product_id"), Body("qty"), Body("customer_id"), IdempotencyKey()),
        raises=(
            "product_not_found", "sold_out", "customer_limit_reached", "unpaid_limit_reached", "customer_paused",
            "sale_not_started", "sale_ended", "sale_paused", "invalid_argument", "quantity_above_limit",
            "idempotency_key_reused",
        ),
    ),
    Route(
        "GET", "/api/holds/{hold_id}", "get_hold", "A live hold",
        answer=schemas.Hold, arguments=(Path("hold_id"),),
        raises=("hold_not_found", "hold_expired", "hold_released"),
    ),
    Route(
        "DELETE", "/api/holds/{hold_id}", "release_hold", "Give a hold back early",
        answer=schemas.Hold, arguments=(Path("hold_id"),),
        raises=("hold_not_found", "hold_already_used", "hold_expired", "hold_released"),
    ),
    Route(
        "POST", "/api/holds/{hold_id}/extension", "extend_hold", "Keep a live hold longer, once",
        answer=schemas.Hold, arguments=(Path("hold_id"),),
        raises=("hold_not_found", "hold_already_used", "extension_not_allowed", "hold_expired", "hold_released"),
    ),
    Route(
        "POST", "/api/orders", "create_order", "Turn a live hold into an order",
        answer=schemas.Order, body=schemas.NewOrder, created="/api/orders/{order_id}",
        arguments=(
            Body("hold_id", values.uuid), IdempotencyKey(), Body("reference"), Body("metadata", values.small_object),
        ),
        raises=(
            "hold_not_found", "hold_already_used", "reference_taken", "hold_expired", "hold_released",
            "invalid_argument", "idempotency_key_reused",
        ),
    ),
    Route(
        "GET", "/api/orders", "list_orders", "Orders, page by page, the newest first",
        answer=schemas.Order, rows="orders", cursor="order_id",
        arguments=(
            Query("customer_id", schemas.CustomerId), Query("reference", schemas.Reference),
            Query("status", schemas.OrderStatusFilter), Query("after", schemas.AfterOrder), _PAGE_SIZE,
        ),
        raises=("invalid_argument",),
    ),
    Route(
        "GET", "/api/orders/{order_id}", "get_order", "An order and the state of its payment",
        answer=schemas.Order, arguments=(Path("order_id"),), raises=("order_not_found",),
    ),
    Route(
        "POST", "/api/orders/{order_id}/cancellation", "cancel_pending_order", "Cancel an order before it is paid",
        answer=schemas.Order, arguments=(Path("order_id"),), raises=("order_not_found", "order_not_cancellable"),
    ),
    Route(
        "POST", "/api/orders/{order_id}/fulfilment", "fulfil_order", "Note that a paid order was handed over",
        answer=schemas.Order, arguments=(Path("order_id"),), raises=("order_not_found", "order_not_fulfillable"),
    ),
    Route(
        "POST", "/api/payments/webhook", "receive_payment_webhook", "Deliver a payment event, any number of times",
        answer=schemas.WebhookReceipt, body=schemas.PaymentEvent, statuses={"parked": 202},
        signed="count_refused_webhook",
        arguments=(
            Body("idempotency_key"), Body("order_id"), Body("payment_id"), Body("status"), Body("amount"),
            Body("currency"), Body("occurred_at", values.utc_text), RawBody(),
        ),
        raises=("invalid_argument", "idempotency_key_reused"),
    ),
    Route(
        "GET", "/readyz", "health_check", "Whether the sale can be served",
        answer=schemas.Health, probe=("ok", "degraded"),
    ),
)
# fmt: on
