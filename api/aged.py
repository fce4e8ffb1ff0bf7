"""Says in an answer how old it may be, where reads may come from nodes that do not sell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from falcon.asgi import Request, Response

from api.gateway.secondaries import age_ms

Responder = Callable[..., Awaitable[None]]

AGE = "Data-Age-Ms"


def say_age(respond: Responder) -> Responder:
    """The responder, whose answers have the header when a secondary gave them."""

    async def respond_with_age(req: Request, resp: Response, **path: Any) -> None:
        await respond(req, resp, **path)
        age = age_ms.get()
        if age is not None:
            resp.set_header(AGE, str(age))

    return respond_with_age
