"""Signing payment events as a provider would, and clocks that stand still."""

import base64
import datetime
import hashlib
import hmac
import time
from collections.abc import Callable

import pytest
import standardwebhooks.webhooks
import stripe

from api.providers.provider import SignatureError

NOW = 1_790_000_000
# Nothing is protected by these.
STANDARD_SECRET = "whsec_" + base64.b64encode(b"a secret of Standard Webhooks 01").decode()
STANDARD_NEXT = "whsec_" + base64.b64encode(b"a secret of Standard Webhooks 02").decode()
STRIPE_SECRET = "whsec_" + "StripeSecretOfTheTests0123456789"
STRIPE_NEXT = "whsec_" + "TheNextStripeSecretOfTheTests999"


def stop_clock(monkeypatch: pytest.MonkeyPatch, at: float) -> None:
    """Let it be so many seconds since 1970 for everything that verifies."""

    class Stopped(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
            return datetime.datetime.fromtimestamp(at, tz)

    monkeypatch.setattr(time, "time", lambda: at)
    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", Stopped)


def refusal(verify: Callable[[dict[str, str], bytes], None], headers: dict[str, str], body: bytes) -> str | None:
    """Why a verifier refuses a request; None when it is let in."""
    try:
        verify(headers, body)
    except SignatureError as refused:
        assert refused.detail
        return refused.reason
    return None


def standard_headers(
    body: bytes, secret: str = STANDARD_SECRET, at: float | None = None, webhook_id: str = "msg_1"
) -> dict[str, str]:
    """The headers of the Standard Webhooks specification, computed from its text."""
    timestamp = str(int(time.time() if at is None else at))
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": webhook_id, "webhook-timestamp": timestamp, "webhook-signature": signature}


def stripe_headers(body: bytes, secret: str = STRIPE_SECRET, at: float | None = None) -> dict[str, str]:
    """Stripe's header, computed by its package."""
    timestamp = int(time.time() if at is None else at)
    return {"Stripe-Signature": stripe.WebhookSignature.generate_signature_header(body.decode(), secret, timestamp)}
