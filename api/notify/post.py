"""One attempt to deliver one message."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx

ATTEMPT_SECONDS = 10.0
"""How long a receiver has, from the first try to connect to the end of its answer."""
ANSWER_BYTES = 65_536
"""So much of an answer is read, that the connection may be used again, and thrown away."""


def make_client(connections: int) -> httpx.AsyncClient:
    """It keeps its connections and follows no redirects; to be made in the event loop that uses it."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.AsyncClient(limits=limits, timeout=ATTEMPT_SECONDS, follow_redirects=False, trust_env=False)


async def post(client: httpx.AsyncClient, url: str, headers: Mapping[str, str], body: str) -> str | None:
    """Send a message; why it did not arrive, without a word of the answer, or None when it did: 2xx."""
    try:
        async with (
            asyncio.timeout(ATTEMPT_SECONDS),
            client.stream("POST", url, headers=dict(headers), content=body.encode()) as answer,
        ):
            size = 0
            async for part in answer.aiter_raw():
                size += len(part)
                if size > ANSWER_BYTES:
                    break
    except TimeoutError:
        return f"no answer within {ATTEMPT_SECONDS:g} s"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return type(error).__name__
    return None if answer.is_success else f"{answer.status_code} {answer.reason_phrase}".strip()[:100]
