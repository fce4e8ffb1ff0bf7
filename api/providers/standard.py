"""Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over id.timestamp.body, checked by its own library.

The library takes more than what was signed: "1700000000.9" as a timestamp, base64 with other padding bits or with
characters that base64 does not have. What it is given is therefore held to one spelling first
(docs/adr/0009-webhook-providers.md).
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from secrets import token_hex

import msgspec
from standardwebhooks import Webhook, WebhookVerificationError

from api.bodies import make_decoder
from api.problems import invalid_field
from api.providers.provider import Headers, Payment, Provider, SignatureError, check_timestamp, mismatch
from api.schemas import PaymentEvent

_SECRET_BYTES = range(24, 65)
_SECRET = (
    "must be whsec_ and the base64 of 24 to 64 random bytes; this makes one: echo whsec_$(openssl rand -base64 24)"
)
# A full stop would let an id and a timestamp be cut apart elsewhere than where they were joined.
_ID = re.compile(r"[!-\-/-~]{1,255}")
# 32 bytes have one base64: 42 characters, one whose last two bits are zero, one =. Others may stand beside it.
_V1 = r"v1,[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="
_OTHER = r"v(?!1,)[0-9]+[a-z]?,[A-Za-z0-9+/=]+"
_SIGNATURES = re.compile(rf"(?:{_V1}|{_OTHER})(?: (?:{_V1}|{_OTHER}))*")
_decode = make_decoder(PaymentEvent)


def make_verifier(secrets: Sequence[str]) -> Callable[[Headers, bytes], None]:
    """A function that lets a request pass which one of the secrets has signed. Raises ValueError for a bad secret."""
    webhooks = [Webhook(_key(secret)) for secret in secrets]

    def verify(headers: Headers, body: bytes) -> None:
        missing = [name for name in HEADERS if not headers.get(name)]
        if missing:
            raise SignatureError(
                "missing_signature", f"The signature is incomplete: {', '.join(missing)} is missing. Send all three."
            )
        if not (_ID.fullmatch(headers["webhook-id"]) and _SIGNATURES.fullmatch(headers["webhook-signature"])):
            raise mismatch()
        check_timestamp(headers["webhook-timestamp"])
        if not any(_passes(webhook, headers, body) for webhook in webhooks):
            raise mismatch()

    return verify


def read(body: bytes) -> PaymentEvent:
    """The event, which names an order or a payment unless it is `other`. Raises ProblemError."""
    event = _decode(body)
    if event.status != "other" and event.order_id is None and event.payment_id is None:
        raise invalid_field("order_id", "is missing; an event names its order or, in payment_id, its payment")
    return event


def sign(secret: str, body: bytes) -> dict[str, str]:
    """The headers of a request with this body, sent now."""
    webhook_id, now = f"msg_{token_hex(12)}", int(time.time())
    signature = Webhook(_key(secret)).sign(webhook_id, datetime.fromtimestamp(now, UTC), body.decode())
    return {"webhook-id": webhook_id, "webhook-timestamp": str(now), "webhook-signature": signature}


def compose(payment: Payment) -> bytes:
    """A PaymentEvent."""
    event = {
        "idempotency_key": payment.key,
        "order_id": payment.order_id,
        "payment_id": payment.payment_id,
        "status": payment.status,
        "amount": payment.amount,
        "currency": payment.currency,
    }
    return msgspec.json.encode({name: value for name, value in event.items() if value is not None})


def _passes(webhook: Webhook, headers: Headers, body: bytes) -> bool:
    try:
        webhook.verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: the body is not UTF-8
        return False
    return True


def _key(secret: str) -> bytes:
    encoded = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise ValueError(_SECRET) from None
    if encoded == secret or len(key) not in _SECRET_BYTES or base64.b64encode(key).decode() != encoded:
        raise ValueError(_SECRET)
    return key


HEADERS = {
    "webhook-id": "Standard Webhooks: the id of the event, without a full stop",
    "webhook-timestamp": "Standard Webhooks: when it was signed, in whole seconds since 1970",
    "webhook-signature": "Standard Webhooks: v1, and the base64 of the signature; several are separated by spaces",
}
PROVIDER = Provider(
    name="standard",
    title="Standard Webhooks",
    variable="FLASHSALE_WEBHOOK_SECRETS",
    headers=HEADERS,
    event=PaymentEvent,
    make_verifier=make_verifier,
    read=read,
    sign=sign,
    compose=compose,
)
