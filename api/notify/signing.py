"""Signs what is sent, by Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over id.timestamp.body."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

Signer = Callable[[str, str], dict[str, str]]


def make_signer(secrets: Sequence[str]) -> Signer:
    """A function that gives the headers of a message with this id and body, sent now.

    With several secrets it is signed by each: the receiver may change its own at any time between. Raises ValueError
    for a bad secret.
    """
    webhooks = [Webhook(secret) for secret in secrets]

    def sign(message_id: str, body: str) -> dict[str, str]:
        now = int(time.time())
        signatures = (webhook.sign(message_id, datetime.fromtimestamp(now, UTC), body) for webhook in webhooks)
        return {
            "content-type": "application/json",
            "user-agent": "flashsale",
            "webhook-id": message_id,
            "webhook-timestamp": str(now),
            "webhook-signature": " ".join(signatures),
        }

    return sign
