"""What every problem means and what the shop's developer does about it.

The one place for these words: the pages at /problems/<slug> and the OpenAPI document are made of them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProblemText:
    """`meaning`: what happened. `action`: what to do. `detail`: an example of the document's member of that name."""

    meaning: str
    action: str
    detail: str


_NEW_KEY = "Use a new Idempotency-Key for a new request; repeat a key only to repeat the very same request."
_FIX = "This is a mistake in the program that calls: correct it. Sending the same again gives the same answer."

TEXTS: dict[str, ProblemText] = {
    "product_not_found": ProblemText(
        "No product has this id. Ids are whole numbers; another text in the address is answered alike.",
        "Take the id from GET /api/products. Do not retry.",
        "no product has this id; list_products shows those on sale",
    ),
    "hold_not_found": ProblemText(
        "No hold has this id. Holds that ended are still known for a time and answer 409 or 410 instead.",
        "Keep the hold_id of the answer to POST /api/holds as it is. Without it, make a new hold.",
        "no hold has this id; create_hold makes one",
    ),
    "order_not_found": ProblemText(
        "No order has this id. An order has the id of its hold, and does not exist before POST /api/orders.",
        "Make the order from its live hold with POST /api/orders, then ask again.",
        "no order has this id; create_order makes one from a live hold",
    ),
    "webhook_not_found": ProblemText(
        "No payment event has this number. Only the operator's procedures ask for events by number.",
        "Look the event up with CALL list_webhooks.",
        "no event has this id; list_webhooks lists them",
    ),
    "payment_not_found": ProblemText(
        "No payment has this id. Only the operator's procedures ask for payments by id.",
        "Look the payment up with CALL list_refunds_due; it has the id that the provider gave it.",
        "no payment has this id; list_refunds_due lists those that are due",
    ),
    "sold_out": ProblemText(
        "Fewer units are free than were asked for, also after everything that expired was given back. Nothing was "
        "reserved.",
        "Tell the buyer. Units of holds that expire and of orders that are not paid come back: the same request may "
        "be sent again, some seconds later and not in a tight loop, or for fewer units.",
        "fewer units are free than you asked for; units of holds that expire come back",
    ),
    "hold_already_used": ProblemText(
        "This hold became an order, of the same id. A hold becomes one order and no more.",
        "Treat it as done: GET /api/orders/{order_id} with the id of the hold shows the order.",
        "the hold became the order of the same id; get_order shows it",
    ),
    "customer_limit_reached": ProblemText(
        "With these units the customer would have more of the product, in live holds and in orders together, than "
        "one customer may have (max_per_customer).",
        "Tell the buyer, or ask for fewer units. A hold that is released or expires and an order that is cancelled "
        "give their units back to the customer's allowance.",
        "this customer already has as many units of this product as one may have",
    ),
    "sale_not_started": ProblemText(
        "The product's sale begins later (sale_starts_at), by the clock of the database.",
        "Show sale_starts_at, and ask again then. Do not poll before. Retry-After says in how many seconds that is, "
        "whatever the clocks of shop and buyer show.",
        "the sale starts at 2026-11-27T09:00:00Z; retry after 3600 s",
    ),
    "sale_ended": ProblemText(
        "The product's sale is over: sale_ends_at has passed, by the clock of the database, or the operator stopped it "
        "(stopped_at). Holds that were made in time can still be ordered while they live; a stop ends them, too.",
        "Tell the buyer. Do not retry.",
        "the sale ended at 2026-11-27T18:00:00Z",
    ),
    "order_not_cancellable": ProblemText(
        "Only an order that waits for its payment can be cancelled; this one was paid, or paid and refunded. Perhaps "
        "the payment came in just before.",
        "Show the order as it is now: GET /api/orders/{order_id}. A paid order ends by a refund at the payment "
        "provider, whose event then returns the units.",
        "the order is paid; ask the shop for a refund",
    ),
    "stock_in_use": ProblemText(
        "The operator withdraws units that are held or sold. Nothing was changed.",
        "Withdraw fewer; CALL get_product shows how many are available.",
        "fewer units are free than you withdraw; the others are held or sold",
    ),
    "unpaid_limit_reached": ProblemText(
        "The customer keeps as large a share of the product unpaid, in live holds and in pending orders, as the "
        "product allows (max_unpaid_percent).",
        "Let the customer pay for, or give back, what is held. Then the same request may be sent again.",
        "this customer has as many unpaid units as one may have; pay for some first",
    ),
    "customer_paused": ProblemText(
        "A hold of this customer expired, or an order became overdue, unpaid, and the product lets the customer wait "
        "for a while before the next hold (pause_seconds).",
        "Wait as many seconds as Retry-After says; the same request may be sent again then.",
        "units of this customer ran out unpaid; retry after 60 s",
    ),
    "extension_not_allowed": ProblemText(
        "Holds of this product cannot be extended (extension_seconds is null).",
        "Do not offer it to the buyer. The hold lives until its expires_at.",
        "holds of this product can't be extended; order before it expires",
    ),
    "refund_not_due": ProblemText(
        "Nothing of this payment has to go back: it pays its order, or the money went back already.",
        "CALL list_refunds_due shows what is due.",
        "nothing is to be refunded; a paid order ends by a refund at the payment provider",
    ),
    "webhook_settled": ProblemText(
        "The payment event was decided, and the rules would decide the same again.",
        "Nothing is left to do; CALL list_webhooks shows what the event did.",
        "the event is applied, and payment_rules say so again",
    ),
    "order_not_fulfillable": ProblemText(
        "Only a paid order is handed over; this one waits for its payment, was cancelled, or was refunded.",
        "Do not hand it over. GET /api/orders/{order_id} shows its status; ask again when it is paid.",
        "the order is pending; only a paid order is handed over",
    ),
    "payment_not_acceptable": ProblemText(
        "The operator wants a payment to pay its order, and it can't: nothing was received or it went back, it is of "
        "another currency, or the order was paid by another one or was ended for good.",
        "Give the money back: CALL list_refunds_due shows what is due.",
        "the payment is due, its order withdrawn; or it is of another currency, or went back",
    ),
    "reference_taken": ProblemText(
        "The reference that the shop gives its order is another order's already. References are compared byte by byte, "
        "and an order keeps its own when it is cancelled. Nothing was changed; the hold lives on.",
        "GET /api/orders?reference= shows the order that has it. If that is the one you mean, it was made; else send "
        "another reference.",
        "another order has this reference; list_orders finds it by that",
    ),
    "hold_expired": ProblemText(
        "The hold's expires_at has passed, by the clock of the database. Its units are on sale again.",
        "Make a new hold, with a new Idempotency-Key, if the buyer still wants to buy. A payment that was already "
        "started for it is reported by the service as a refund that is due.",
        "the hold expired at 2026-11-27T09:02:00Z; make a new one",
    ),
    "hold_released": ProblemText(
        "The hold was given back with DELETE /api/holds/{hold_id}, and its units are on sale again; or the operator "
        "stopped the sale, and the hold with it.",
        "Make a new hold, with a new Idempotency-Key, if the buyer changed their mind.",
        "the hold was given back; make a new one",
    ),
    "invalid_argument": ProblemText(
        "A value has the wrong type or is out of bounds. The member errors names every field that is wrong, with what "
        "is allowed there.",
        _FIX,
        "qty must be an integer from 1 to 2147483647.",
    ),
    "quantity_above_limit": ProblemText(
        "More units than one hold of this product may have (max_per_hold).",
        "Ask for max_per_hold units at most; GET /api/products/{product_id} shows the figure.",
        "a hold of this product may have 10 units at most",
    ),
    "idempotency_key_reused": ProblemText(
        "This key came before, with another body. Nothing was changed, and what the first request did stands.",
        _NEW_KEY,
        "this key made a hold with other parameters; use a new key for a new hold",
    ),
    "malformed_request": ProblemText(
        "What arrived is not valid HTTP/1.1: a request line, a header field, the length of the body or a chunk.",
        _FIX,
        "The request is not valid HTTP: Duplicate Content-Length.",
    ),
    "invalid_json": ProblemText(
        "The body is not JSON in UTF-8. An empty body is not either.",
        _FIX,
        "The body is empty; send a JSON object.",
    ),
    "signature_invalid": ProblemText(
        "The payment event has no signature, or one that does not fit its body, or one that is too old. Nothing of "
        "it was kept.",
        "Compare the signing secret with the provider's, pass the body on byte for byte, and set the clock of the "
        "sender. The provider delivers the event again by itself.",
        "The signature is missing. Sign with webhook-id, webhook-timestamp, webhook-signature (standard).",
    ),
    "unauthorized": ProblemText(
        "This service asks for a key, and none was sent, or one it does not know. Nothing was done.",
        "Send the key you were given as Authorization: Bearer and the key. Whoever runs the service makes it, and "
        "gives the service its SHA-256 in FLASHSALE_API_KEYS; /metrics has a token of its own.",
        "Send the API key as Authorization: Bearer ….",
    ),
    "not_found": ProblemText(
        "There is nothing at this address.",
        "GET /openapi.json lists every address, and /docs shows them.",
        "There is nothing at /api/hold; GET /openapi.json lists every address.",
    ),
    "method_not_allowed": ProblemText(
        "The address exists, but not with this method. The header Allow lists those that it takes.",
        _FIX,
        "PUT is not allowed at /api/holds; allowed: POST, OPTIONS.",
    ),
    "request_timeout": ProblemText(
        "The client stopped sending in the middle of its request.",
        "Send it again, with the same Idempotency-Key.",
        "Nothing more of the request came for 5 seconds.",
    ),
    "payload_too_large": ProblemText(
        "The body is larger than the service reads: 64 KiB, and 1 MiB of a payment event.",
        _FIX,
        "The body may have at most 65536 bytes.",
    ),
    "uri_too_long": ProblemText(
        "The request line is longer than the service reads.", _FIX, "The request line is too long."
    ),
    "unsupported_media_type": ProblemText(
        "The Content-Type is not application/json, or names another charset than UTF-8.",
        _FIX,
        "Send the body with Content-Type: application/json, in UTF-8.",
    ),
    "expectation_failed": ProblemText(
        "The header Expect asks for something other than 100-continue.",
        _FIX,
        "The only Expect that can be met is 100-continue.",
    ),
    "headers_too_large": ProblemText(
        "There are too many header fields, or one of them is too long. Cookies of the shop are a usual cause.",
        "Send only the header fields that the service reads.",
        "There are too many header fields, or one is too long.",
    ),
    "internal_error": ProblemText(
        "A fault of the service. It was logged, and nothing of the request is half done: either all of it happened "
        "or nothing.",
        "Send the request again a few times, with the same Idempotency-Key; then tell the operator when it happened.",
        "The request could not be served; it has been logged. Try again later.",
    ),
    "not_implemented": ProblemText(
        "The body comes in a transfer coding other than chunked.",
        _FIX,
        "The only transfer coding that is understood is chunked.",
    ),
    "service_unavailable": ProblemText(
        "MySQL is away, too busy, or being deployed to. Whether the request took effect is not known when the answer "
        "was lost on its way, so only a repeat tells.",
        "Wait as many seconds as Retry-After says, then send the same request again with the same Idempotency-Key: "
        "it happens once, however often it is sent.",
        "The database can't be reached; try again in a moment.",
    ),
}
