"""Stripe: its signature over timestamp.body, and what its events say about a payment.

The signature is checked by the few lines it takes and not by Stripe's package, which would double a worker's memory
(docs/adr/0009-webhook-providers.md); the tests compare with that package. A payment is a PaymentIntent. It names its
order in `metadata.order_id`, which Stripe copies to the charge, but not to refunds and disputes: those are found by
the payment. An authentic event is always kept. Where it says less than it should, it is kept as `other`, and logged.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct

from api import schemas
from api.bodies import make_decoder
from api.providers.provider import Event, Headers, Payment, Provider, check_timestamp, mismatch
from api.providers.stripe_money import from_stripe, to_stripe

log = logging.getLogger("flashsale.api")

_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{16,256}")
# v1 is the scheme of live events; Stripe adds others (v0), which say nothing.
_ITEM = re.compile(r"t=[1-9][0-9]{0,11}|v1=[0-9a-f]{64}|(?!t=|v1=)[a-z][a-z0-9]*=[A-Za-z0-9+/=_-]+")
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_LATEST = 253402300799
_LONGEST = 255


class StripeEvent(Struct):
    """An event as Stripe sends it. Of what is missing or odd nothing is refused but the id: the event is kept."""

    id: schemas.IdempotencyKey
    type: Annotated[Any, Meta(description="what happened", examples=["payment_intent.succeeded"])] = None
    created: Annotated[Any, Meta(description="when it happened, in whole seconds since 1970")] = None
    livemode: Annotated[Any, Meta(description="false for test mode, which moves nothing in production")] = None
    data: Annotated[Any, Meta(description="object: the PaymentIntent, charge, refund or dispute as it was then")] = None


class _Move(NamedTuple):
    """What a type of event means. `payment` are the members that may name the payment, the first one that does counts;
    `amount` is the member with the money that moved, if any did."""

    status: schemas.EventStatus
    payment: tuple[str, ...]
    amount: str | None = None


_MOVES = {
    "payment_intent.succeeded": _Move("succeeded", ("id",), "amount_received"),
    "payment_intent.payment_failed": _Move("declined", ("id",)),  # the buyer may try another card
    "payment_intent.canceled": _Move("failed", ("id",)),
    "charge.refunded": _Move("refunded", ("payment_intent", "id"), "amount_refunded"),  # all that went back until now
    "refund.failed": _Move("refund_failed", ("payment_intent", "charge"), "amount"),
    "charge.dispute.created": _Move("dispute_opened", ("payment_intent", "charge")),
    "charge.dispute.closed": _Move("dispute_won", ("payment_intent", "charge")),  # or lost, which its status says
}
_decode = make_decoder(StripeEvent)


def make_verifier(secrets: Sequence[str]) -> Callable[[Headers, bytes], None]:
    """A function that lets a request pass which one of the secrets has signed. Raises ValueError for a bad secret."""
    if not all(map(_SECRET.fullmatch, secrets)):
        raise ValueError("must be the signing secret of a Stripe webhook endpoint, whsec_ and what follows it there")

    def verify(headers: Headers, body: bytes) -> None:
        items = headers["Stripe-Signature"].split(",")
        times = [item[2:] for item in items if item.startswith("t=")]
        signatures = [item[3:] for item in items if item.startswith("v1=")]
        if len(times) != 1 or not signatures or not all(map(_ITEM.fullmatch, items)):
            raise mismatch()
        check_timestamp(times[0])
        right = [_signature(secret, times[0], body) for secret in secrets]
        if not any(hmac.compare_digest(one, given) for one in right for given in signatures):
            raise mismatch()

    return verify


def read(body: bytes) -> Event:
    """What the event says about a payment; `other` when it is of another kind, or says too little to be acted on."""
    event = _decode(body)
    thing = _member(event.data, "object")
    kept = Event(event.id, None, None, "other", occurred_at=_time(event.created), test=event.livemode is not True)
    move = _MOVES.get(event.type) if isinstance(event.type, str) else None
    if move is None:
        return kept
    order_id, payment_id = _order_id(thing), _payment_id(thing, move.payment)
    if order_id is None and payment_id is None:
        return _keep(kept, event.type, "payment and no order")
    status = "dispute_lost" if move.status == "dispute_won" and _member(thing, "status") == "lost" else move.status
    told = kept._replace(order_id=order_id, payment_id=payment_id, status=status)
    if move.amount is None:
        return told
    money = _money(_member(thing, move.amount), _member(thing, "currency"))
    if money is None:
        return _keep(kept, event.type, "amount that the sale can count")  # without one it would be taken for any amount
    return told._replace(amount=money[0], currency=money[1])


def sign(secret: str, body: bytes) -> dict[str, str]:
    """The header of a request with this body, sent now."""
    now = str(int(time.time()))
    return {"Stripe-Signature": f"t={now},v1={_signature(secret, now, body)}"}


def compose(payment: Payment) -> bytes:
    """The event that Stripe would send; it always names amount and currency."""
    if payment.amount is None or payment.currency is None:
        raise ValueError("a Stripe event names an amount and a currency, and there is no such order to take them from")
    money = {"amount": to_stripe(payment.amount, payment.currency), "currency": payment.currency.lower()}
    # An order has one PaymentIntent until somebody names another.
    intent = payment.payment_id or f"pi_{(payment.order_id or token_hex(12)).replace('-', '')}"
    metadata = {"order_id": payment.order_id} if payment.order_id else {}
    kind, thing = _compose(payment.status, intent, metadata, money)
    return msgspec.json.encode(
        {
            "id": payment.key,
            "object": "event",
            "created": int(time.time()),
            "type": kind,
            "livemode": payment.live,
            "data": {"object": thing},
        }
    )


def _compose(
    status: schemas.EventStatus, intent: str, metadata: dict[str, str], money: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The type of an event and its object."""
    charge = f"ch_{token_hex(12)}"
    about = {"charge": charge, "payment_intent": intent, "metadata": {}} | money
    match status:
        case "refunded":
            refunded = {"amount_refunded": money["amount"], "payment_intent": intent, "metadata": metadata}
            return "charge.refunded", {"id": charge, "object": "charge"} | refunded | money
        case "refund_failed":
            return "refund.failed", {"id": f"re_{token_hex(12)}", "object": "refund", "status": "failed"} | about
        case "dispute_opened" | "dispute_won" | "dispute_lost":
            kind = "charge.dispute.created" if status == "dispute_opened" else "charge.dispute.closed"
            stands = {"dispute_opened": "needs_response", "dispute_won": "won", "dispute_lost": "lost"}[status]
            return kind, {"id": f"du_{token_hex(12)}", "object": "dispute", "status": stands} | about
    kind, stands = {
        "succeeded": ("payment_intent.succeeded", "succeeded"),
        "declined": ("payment_intent.payment_failed", "requires_payment_method"),
        "failed": ("payment_intent.canceled", "canceled"),
        "other": ("payment_intent.processing", "processing"),
    }[status]
    received = {"amount_received": money["amount"] if status == "succeeded" else 0, "metadata": metadata}
    return kind, {"id": intent, "object": "payment_intent", "status": stands} | received | money


def _signature(secret: str, timestamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%b.%b" % (timestamp.encode(), body), hashlib.sha256).hexdigest()


def _keep(kept: Event, kind: str, lacks: str) -> Event:
    log.warning(
        "Stripe's %s names no %s: the event is kept, and moves nothing. CALL list_webhooks shows it", kind, lacks
    )
    return kept


def _member(thing: Any, name: str) -> Any:
    """A member of a JSON value that should be an object."""
    return thing.get(name) if isinstance(thing, dict) else None


def _order_id(thing: Any) -> str | None:
    """The order as the event names it, whether that is an id of ours or not."""
    match _member(_member(thing, "metadata"), "order_id"):
        case bool():
            return None
        case str() | int() | float() as name:
            return str(name)[:_LONGEST] or None
        case _:
            return None


def _payment_id(thing: Any, members: Sequence[str]) -> str | None:
    for member in members:
        match _member(thing, member):
            case str() as name if 1 <= len(name) <= _LONGEST:
                return name
    return None


def _money(amount: Any, currency: Any) -> tuple[int, str] | None:
    """Minor units and currency; None for what can't be counted."""
    if type(amount) is not int or amount < 0 or not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        return None
    return from_stripe(amount, currency.upper())


def _time(seconds: Any) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if type(seconds) is int and 0 <= seconds <= _LATEST else None


PROVIDER = Provider(
    name="stripe",
    title="Stripe",
    variable="FLASHSALE_STRIPE_SECRETS",
    headers={"Stripe-Signature": "Stripe: t=, when it was signed, and v1=, the signature in hex, perhaps several"},
    event=StripeEvent,
    make_verifier=make_verifier,
    read=read,
    sign=sign,
    compose=compose,
)
