"""Stripe: its signature over timestamp.body, and the events that move an order.

The signature is checked by the few lines it takes and not by Stripe's package, which would double a worker's memory
(docs/adr/0009-webhook-providers.md); the tests compare with that package. An order is named by `metadata.order_id` of
the PaymentIntent, which Stripe copies to the charge.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from api import schemas, values
from api.bodies import make_decoder
from api.problems import invalid_field
from api.providers.provider import Event, Headers, Payment, Provider, Status, check_timestamp, mismatch

_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{16,256}")
# v1 is the scheme of live events; Stripe adds others (v0), which say nothing.
_ITEM = re.compile(r"t=[1-9][0-9]{0,11}|v1=[0-9a-f]{64}|(?!t=|v1=)[a-z][a-z0-9]*=[A-Za-z0-9+/=_-]+")
_LATEST = 253402300799


class StripeData(Struct):
    """What the event is about: the object as it was then."""

    object: Any


class StripeEvent(Struct):
    """An event as Stripe sends it; `data.object` is a PaymentIntent, a Charge, or of no interest."""

    id: schemas.IdempotencyKey
    type: Annotated[str, Meta(description="must be a text", examples=["payment_intent.succeeded"])]
    created: Annotated[int, Meta(ge=0, le=_LATEST, description="must be a time in whole seconds since 1970")]
    data: Annotated[StripeData, Meta(description="must be an object with the member object")]


_Currency = Annotated[str, Meta(pattern="^[A-Za-z]{3}$", min_length=3, max_length=3)]


class _Received(Struct):
    currency: _Currency
    amount: schemas.Minor = msgspec.field(name="amount_received")


class _Refunded(Struct):
    currency: _Currency
    # In total until now, whichever refund the event is about.
    amount: schemas.Minor = msgspec.field(name="amount_refunded")


_MOVES: dict[str, tuple[Status, type[_Received | _Refunded] | None]] = {
    "payment_intent.succeeded": ("succeeded", _Received),
    "payment_intent.payment_failed": ("failed", None),
    "charge.refunded": ("refunded", _Refunded),
}
_TYPES: dict[Status, str] = {status: type_ for type_, (status, _) in _MOVES.items()}
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
    """What the event means for an order; `other` when it is of another kind, or names no order of ours."""
    event = _decode(body)
    occurred_at = datetime.fromtimestamp(event.created, UTC)
    order_id = _order_id(event.data.object) if event.type in _MOVES else None
    if order_id is None:
        return Event(event.id, None, "other", occurred_at=occurred_at)
    status, shape = _MOVES[event.type]
    if shape is None:
        return Event(event.id, order_id, status, occurred_at=occurred_at)
    try:
        money = msgspec.convert(event.data.object, type=shape)
    except msgspec.ValidationError as error:
        raise invalid_field("data.object", str(error)) from None
    return Event(event.id, order_id, status, money.amount, money.currency.upper(), occurred_at)


def sign(secret: str, body: bytes) -> dict[str, str]:
    """The header of a request with this body, sent now."""
    now = str(int(time.time()))
    return {"Stripe-Signature": f"t={now},v1={_signature(secret, now, body)}"}


def compose(payment: Payment) -> bytes:
    """The event that Stripe would send; it always names amount and currency."""
    if payment.amount is None or payment.currency is None:
        raise ValueError("a Stripe event names an amount and a currency, and there is no such order to take them from")
    refund = payment.status == "refunded"
    money = {
        "amount": payment.amount,
        "amount_refunded" if refund else "amount_received": payment.amount if payment.status != "failed" else 0,
        "currency": payment.currency.lower(),
    }
    kind = "charge" if refund else "payment_intent"
    thing = {"id": f"{kind[:2]}_{token_hex(12)}", "object": kind, "metadata": {"order_id": payment.order_id}, **money}
    return msgspec.json.encode(
        {
            "id": payment.key,
            "object": "event",
            "created": int(time.time()),
            "type": _TYPES[payment.status],
            "livemode": False,
            "data": {"object": thing},
        }
    )


def _signature(secret: str, timestamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%b.%b" % (timestamp.encode(), body), hashlib.sha256).hexdigest()


def _order_id(thing: Any) -> str | None:
    try:
        return values.uuid(thing["metadata"]["order_id"])
    except (LookupError, TypeError, ValueError):
        return None


PROVIDER = Provider(
    name="stripe",
    variable="FLASHSALE_STRIPE_SECRETS",
    headers={"Stripe-Signature": "Stripe: t=, when it was signed, and v1=, the signature in hex, perhaps several"},
    event=StripeEvent,
    make_verifier=make_verifier,
    read=read,
    sign=sign,
    compose=compose,
)
