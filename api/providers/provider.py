"""What a payment provider is to the API, and what its modules share."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from api.schemas import EventStatus, PaymentEvent

TOLERANCE_SECONDS = 300
"""How far a signature's timestamp may be from this server's clock, either way."""

Reason = Literal["missing_signature", "invalid_signature", "stale_timestamp"]
Headers = Mapping[str, str]

# One spelling a number: what was signed is what is compared.
_TIMESTAMP = re.compile(r"[1-9][0-9]{0,11}")


class SignatureError(Exception):
    """A webhook that is not let in. `reason` is what it is counted as, `detail` tells the sender what to do."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class Event(NamedTuple):
    """The arguments of receive_payment_webhook; `other` moves nothing.

    `test` is an event of the provider's test mode: in production it moves nothing either.
    """

    idempotency_key: str
    order_id: str | None
    payment_id: str | None
    status: EventStatus
    amount: int | None = None
    currency: str | None = None
    occurred_at: datetime | None = None
    test: bool = False

    def as_other(self) -> Event:
        """The same event, kept and ignored."""
        return Event(self.idempotency_key, None, None, "other", None, None, self.occurred_at, self.test)


class Payment(NamedTuple):
    """A payment event to be sent: minor units, ISO 4217, None for what it does not name.

    `live` is False for an event of the provider's test mode.
    """

    key: str
    order_id: str | None
    payment_id: str | None
    status: EventStatus
    amount: int | None
    currency: str | None
    live: bool = False


@dataclass(frozen=True, slots=True)
class Provider:
    """A payment provider.

    `title` is what people call it. `variable` names the environment variable of its secrets, `headers` (with their
    descriptions) are what it signs with: a request that has one of them is its own. `event` is the shape of a body.
    `make_verifier` takes the secrets and raises ValueError, which says what a secret must be and holds none; what it
    makes raises SignatureError. `read` turns a verified body into an event. It raises ProblemError only where there is
    nothing to keep: a provider that is refused delivers again, and in the end gives up. `sign` gives the headers for a
    body, `compose` the body of a payment (ValueError: what it needs to know); both are for the command that sends one.
    """

    name: str
    title: str
    variable: str
    headers: Mapping[str, str]
    event: type[msgspec.Struct]
    make_verifier: Callable[[Sequence[str]], Callable[[Headers, bytes], None]]
    read: Callable[[bytes], Event | PaymentEvent]
    sign: Callable[[str, bytes], dict[str, str]]
    compose: Callable[[Payment], bytes]


def mismatch() -> SignatureError:
    """No signature of the request is right."""
    return SignatureError(
        "invalid_signature",
        "The signature does not match. Sign exactly the bytes that are sent, with a secret that is configured here.",
    )


def check_timestamp(text: str) -> None:
    """Refuse what is no whole number of seconds, or too far from now."""
    if _TIMESTAMP.fullmatch(text) is None:
        raise mismatch()
    if abs(time.time() - int(text)) > TOLERANCE_SECONDS:
        raise SignatureError(
            "stale_timestamp",
            f"The timestamp is outside {TOLERANCE_SECONDS} s of this server's clock. Sign again, with the time of now.",
        )
