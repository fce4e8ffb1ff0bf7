"""Every error that the API can answer with, one row each.

A row is the only home of its words: the answers, the pages at /problems, the OpenAPI document and docs/errors.md are
made of it. What procedures SIGNAL has its status and number in `_raise` as well; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A row. `code` is the MySQL errno, None for what only the HTTP edge raises; `meaning`: what happened; `action`:
    what the shop's developer does; `example`: the document's member `detail` in an example."""

    slug: str
    status: int
    code: int | None
    title: str
    meaning: str
    action: str
    example: str


_NEW_KEY = "Use a new Idempotency-Key for a new request; repeat a key only to repeat the very same request."
_FIX = "This is a mistake in the program that calls: correct it. Sending the same again gives the same answer."

# fmt: off
PROBLEMS: dict[str, ProblemKind] = {
    kind.slug: kind
    for kind in (
        ProblemKind(
            "product_not_found", 404, 31001, "There is no such product",
            meaning="No product has this id. Ids are whole numbers; another text in the address is answered alike.",
            action="Take the id from GET /api/products. Do not retry.",
            example="no product has this id; list_products shows those on sale",
        ),
        ProblemKind(
            "hold_not_found", 404, 31002, "There is no such hold",
            meaning="No hold has this id. Holds that ended are still known for a time and answer 409 or 410 instead.",
            action="Keep the hold_id of the answer to POST /api/holds as it is. Without it, make a new hold.",
            example="no hold has this id; create_hold makes one",
        ),
        ProblemKind(
            "order_not_found", 404, 31003, "There is no such order",
            meaning=(
                "No order has this id. An order has the id of its hold, and does not exist before POST /api/orders."
            ),
            action="Make the order from its live hold with POST /api/orders, then ask again.",
            example="no order has this id; create_order makes one from a live hold",
        ),
        ProblemKind(
            "webhook_not_found", 404, 31004, "There is no such payment event",
            meaning="No payment event has this number. Only the operator's procedures ask for events by number.",
            action="Look the event up with CALL list_webhooks.",
            example="no event has this id; list_webhooks lists them",
        ),
        ProblemKind(
            "payment_not_found", 404, 31005, "There is no such payment",
            meaning="No payment has this id. Only the operator's procedures ask for payments by id.",
            action="Look the payment up with CALL list_refunds_due; it has the id that the provider gave it.",
            example="no payment has this id; list_refunds_due lists those that are due",
        ),
        ProblemKind(
            "sold_out", 409, 31101, "Not enough units are left",
            meaning=(
                "Fewer units are free than were asked for, also after everything that expired was given back. Nothing "
                "was reserved."
            ),
            action=(
                "Tell the buyer. Units of holds that expire and of orders that are not paid come back: the same "
                "request may be sent again, some seconds later and not in a tight loop, or for fewer units."
            ),
            example="fewer units are free than you asked for; units of holds that expire come back",
        ),
        ProblemKind(
            "hold_already_used", 409, 31102, "The hold became an order already",
            meaning="This hold became an order, of the same id. A hold becomes one order and no more.",
            action="Treat it as done: GET /api/orders/{order_id} with the id of the hold shows the order.",
            example="the hold became the order of the same id; get_order shows it",
        ),
        ProblemKind(
            "customer_limit_reached", 409, 31103, "The customer has as many units as allowed",
            meaning=(
                "With these units the customer would have more of the product, in live holds and in orders together, "
                "than one customer may have (max_per_customer)."
            ),
            action=(
                "Tell the buyer, or ask for fewer units. A hold that is released or expires and an order that is "
                "cancelled give their units back to the customer's allowance."
            ),
            example="this customer already has as many units of this product as one may have",
        ),
        ProblemKind(
            "sale_not_started", 409, 31104, "The sale has not started",
            meaning="The product's sale begins later (sale_starts_at), by the clock of the database.",
            action=(
                "Show sale_starts_at, and ask again then. Do not poll before. Retry-After says in how many seconds "
                "that is, whatever the clocks of shop and buyer show."
            ),
            example="the sale starts at 2026-11-27T09:00:00Z; retry after 3600 s",
        ),
        ProblemKind(
            "sale_ended", 409, 31105, "The sale has ended",
            meaning=(
                "The product's sale is over: sale_ends_at has passed, by the clock of the database, or the operator "
                "stopped it (stopped_at). Holds that were made in time can still be ordered while they live; a stop "
                "ends them, too."
            ),
            action="Tell the buyer. Do not retry.",
            example="the sale ended at 2026-11-27T18:00:00Z",
        ),
        ProblemKind(
            "order_not_cancellable", 409, 31106, "The order can't be cancelled any more",
            meaning=(
                "Only an order that waits for its payment can be cancelled; this one was paid, or paid and refunded. "
                "Perhaps the payment came in just before."
            ),
            action=(
                "Show the order as it is now: GET /api/orders/{order_id}. A paid order ends by a refund at the "
                "payment provider, whose event then returns the units."
            ),
            example="the order is paid; ask the shop for a refund",
        ),
        ProblemKind(
            "stock_in_use", 409, 31107, "The units are held or sold",
            meaning="The operator withdraws units that are held or sold. Nothing was changed.",
            action="Withdraw fewer; CALL get_product shows how many are available.",
            example="fewer units are free than you withdraw; the others are held or sold",
        ),
        ProblemKind(
            "unpaid_limit_reached", 409, 31108, "The customer has as many unpaid units as allowed",
            meaning=(
                "The customer keeps as large a share of the product unpaid, in live holds and in pending orders, as "
                "the product allows (max_unpaid_percent)."
            ),
            action="Let the customer pay for, or give back, what is held. Then the same request may be sent again.",
            example="this customer has as many unpaid units as one may have; pay for some first",
        ),
        ProblemKind(
            "customer_paused", 409, 31109, "The customer has to wait before the next hold",
            meaning=(
                "A hold of this customer expired, or an order became overdue, unpaid, and the product lets the "
                "customer wait for a while before the next hold (pause_seconds)."
            ),
            action="Wait as many seconds as Retry-After says; the same request may be sent again then.",
            example="units of this customer ran out unpaid; retry after 60 s",
        ),
        ProblemKind(
            "extension_not_allowed", 409, 31110, "Holds of this product can't be extended",
            meaning="Holds of this product cannot be extended (extension_seconds is null).",
            action="Do not offer it to the buyer. The hold lives until its expires_at.",
            example="holds of this product can't be extended; order before it expires",
        ),
        ProblemKind(
            "refund_not_due", 409, 31111, "There is nothing to refund",
            meaning="Nothing of this payment has to go back: it pays its order, or the money went back already.",
            action="CALL list_refunds_due shows what is due.",
            example="nothing is to be refunded; a paid order ends by a refund at the payment provider",
        ),
        ProblemKind(
            "webhook_settled", 409, 31112, "The payment event would be decided as before",
            meaning="The payment event was decided, and the rules would decide the same again.",
            action="Nothing is left to do; CALL list_webhooks shows what the event did.",
            example="the event is applied, and payment_rules say so again",
        ),
        ProblemKind(
            "order_not_fulfillable", 409, 31113, "Only a paid order is handed over",
            meaning="Only a paid order is handed over; this one waits for its payment, was cancelled, or was refunded.",
            action="Do not hand it over. GET /api/orders/{order_id} shows its status; ask again when it is paid.",
            example="the order is pending; only a paid order is handed over",
        ),
        ProblemKind(
            "payment_not_acceptable", 409, 31114, "The payment can't pay its order",
            meaning=(
                "The operator wants a payment to pay its order, and it can't: nothing was received or it went back, "
                "it is of another currency, or the order was paid by another one or was ended for good."
            ),
            action="Give the money back: CALL list_refunds_due shows what is due.",
            example="the payment is due, its order withdrawn; or it is of another currency, or went back",
        ),
        ProblemKind(
            "reference_taken", 409, 31115, "Another order has this reference",
            meaning=(
                "The reference that the shop gives its order is another order's already. References are compared byte "
                "by byte, and an order keeps its own when it is cancelled. Nothing was changed; the hold lives on."
            ),
            action=(
                "GET /api/orders?reference= shows the order that has it. If that is the one you mean, it was made; "
                "else send another reference."
            ),
            example="another order has this reference; list_orders finds it by that",
        ),
        ProblemKind(
            "sale_paused", 409, 31116, "The sale is paused",
            meaning=(
                "The operator has paused the sale of this product (paused_at): nothing new can be held. What is held, "
                "or waits for its payment, does not run out meanwhile, and can be ordered, paid and given back."
            ),
            action=(
                "Tell the buyer, and look at GET /api/products/{product_id}: when paused_at is null again, send the "
                "request again with the same key."
            ),
            example="the sale is paused since 2026-11-27T09:00:10Z; what is held does not run out",
        ),
        ProblemKind(
            "hold_expired", 410, 31201, "The hold has expired",
            meaning="The hold's expires_at has passed, by the clock of the database. Its units are on sale again.",
            action=(
                "Make a new hold, with a new Idempotency-Key, if the buyer still wants to buy. A payment that was "
                "already started for it is reported by the service as a refund that is due."
            ),
            example="the hold expired at 2026-11-27T09:02:00Z; make a new one",
        ),
        ProblemKind(
            "hold_released", 410, 31202, "The hold was released",
            meaning=(
                "The hold was given back with DELETE /api/holds/{hold_id}, and its units are on sale again; or the "
                "operator stopped the sale, and the hold with it."
            ),
            action="Make a new hold, with a new Idempotency-Key, if the buyer changed their mind.",
            example="the hold was given back; make a new one",
        ),
        ProblemKind(
            "invalid_argument", 422, 31301, "A value is not allowed",
            meaning=(
                "A value has the wrong type or is out of bounds. The member errors names every field that is wrong, "
                "with what is allowed there."
            ),
            action=_FIX,
            example="qty must be an integer from 1 to 2147483647.",
        ),
        ProblemKind(
            "quantity_above_limit", 422, 31302, "More units than one hold may have",
            meaning="More units than one hold of this product may have (max_per_hold).",
            action="Ask for max_per_hold units at most; GET /api/products/{product_id} shows the figure.",
            example="a hold of this product may have 10 units at most",
        ),
        ProblemKind(
            "idempotency_key_reused", 422, 31303, "The idempotency key belongs to another request",
            meaning=(
                "This key came before, with another body. Nothing was changed, and what the first request did stands."
            ),
            action=_NEW_KEY,
            example="this key made a hold with other parameters; use a new key for a new hold",
        ),
        ProblemKind(
            "malformed_request", 400, None, "The request is not valid HTTP",
            meaning=(
                "What arrived is not valid HTTP/1.1: a request line, a header field, the length of the body or a "
                "chunk."
            ),
            action=_FIX,
            example="The request is not valid HTTP: Duplicate Content-Length.",
        ),
        ProblemKind(
            "invalid_json", 400, None, "The body is not valid JSON",
            meaning="The body is not JSON in UTF-8. An empty body is not either.",
            action=_FIX,
            example="The body is empty; send a JSON object.",
        ),
        ProblemKind(
            "signature_invalid", 401, None, "The signature is missing or not valid",
            meaning=(
                "The payment event has no signature, or one that does not fit its body, or one that was made "
                "more than 300 s before or after now. Nothing of it was kept."
            ),
            action=(
                "Compare the signing secret with the provider's, pass the body on byte for byte, and set the clock of "
                "the sender. The provider delivers the event again by itself."
            ),
            example="The signature is missing. Sign with webhook-id, webhook-timestamp, webhook-signature (standard).",
        ),
        ProblemKind(
            "unauthorized", 401, None, "A key is needed",
            meaning="This service asks for a key, and none was sent, or one it does not know. Nothing was done.",
            action=(
                "Send the key you were given as Authorization: Bearer and the key. The operator of the service makes it"
                " and gives the service its SHA-256 in FLASHSALE_API_KEYS; /metrics has a token of its own."
            ),
            example="Send the API key as Authorization: Bearer ….",
        ),
        ProblemKind(
            "not_found", 404, None, "There is nothing at this address",
            meaning="There is nothing at this address.",
            action="GET /openapi.json lists every address, and /docs shows them.",
            example="There is nothing at /api/hold; GET /openapi.json lists every address.",
        ),
        ProblemKind(
            "method_not_allowed", 405, None, "This address does not take this method",
            meaning="The address exists, but not with this method. The header Allow lists those that it takes.",
            action=_FIX,
            example="PUT is not allowed at /api/holds; allowed: POST, OPTIONS.",
        ),
        ProblemKind(
            "request_timeout", 408, None, "The request did not arrive in time",
            meaning="The client stopped sending in the middle of its request.",
            action="Send it again, with the same Idempotency-Key.",
            example="Nothing more of the request came for 5 seconds.",
        ),
        ProblemKind(
            "payload_too_large", 413, None, "The body is too large",
            meaning="The body is larger than the service reads: 64 KiB, and 1 MiB of a payment event.",
            action=_FIX,
            example="The body may have at most 65536 bytes.",
        ),
        ProblemKind(
            "uri_too_long", 414, None, "The address is too long",
            meaning="The request line is longer than the service reads.",
            action=_FIX,
            example="The request line is too long.",
        ),
        ProblemKind(
            "unsupported_media_type", 415, None, "The body must be JSON",
            meaning="The Content-Type is not application/json, or names another charset than UTF-8.",
            action=_FIX,
            example="Send the body with Content-Type: application/json, in UTF-8.",
        ),
        ProblemKind(
            "expectation_failed", 417, None, "The Expect header cannot be met",
            meaning="The header Expect asks for something other than 100-continue.",
            action=_FIX,
            example="The only Expect that can be met is 100-continue.",
        ),
        ProblemKind(
            "headers_too_large", 431, None, "The header fields are too large or too many",
            meaning=(
                "There are too many header fields, or one of them is too long. Cookies of the shop are a usual cause."
            ),
            action="Send only the header fields that the service reads.",
            example="There are too many header fields, or one is too long.",
        ),
        ProblemKind(
            "internal_error", 500, None, "Something went wrong on our side",
            meaning=(
                "A fault of the service. It was logged, and nothing of the request is half done: either all of it "
                "happened or nothing."
            ),
            action=(
                "Send the request again a few times, with the same Idempotency-Key; then tell the operator when it "
                "happened."
            ),
            example="The request could not be served; it has been logged. Try again later.",
        ),
        ProblemKind(
            "not_implemented", 501, None, "This way to send a request is not supported",
            meaning="The body comes in a transfer coding other than chunked.",
            action=_FIX,
            example="The only transfer coding that is understood is chunked.",
        ),
        ProblemKind(
            "service_unavailable", 503, None, "The sale cannot be reached at the moment",
            meaning=(
                "MySQL is away, too busy, or being deployed to. Whether the request took effect is not known when the "
                "answer was lost on its way, so only a repeat tells."
            ),
            action=(
                "Wait as many seconds as Retry-After says, then send the same request again with the same "
                "Idempotency-Key: it happens once, however often it is sent."
            ),
            example="The database can't be reached; try again in a moment.",
        ),
    )
}
# fmt: on
BY_CODE: dict[int, ProblemKind] = {kind.code: kind for kind in PROBLEMS.values() if kind.code is not None}
