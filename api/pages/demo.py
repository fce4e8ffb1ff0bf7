"""`/demo`: a buyer's purchase in the browser, and the payment provider that it needs. Never in production."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import falcon
import msgspec
from falcon.asgi import Request, Response

from api.access import HIDE_FROM_CACHES
from api.bodies import read_body
from api.pages.static_files import DEMO_FILES, Responder, static_responders
from api.problem_kinds import PROBLEMS
from api.problems import ProblemError, write_problem
from api.providers import PROVIDERS, standard
from api.providers.provider import Payment


def demo_responders(secrets: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Responder]]:
    """The page with its files, and the simulated provider."""
    return static_responders(DEMO_FILES) | {"/demo/payments": {"POST": _provider(secrets)}}


def _provider(secrets: Mapping[str, Sequence[str]]) -> Responder:
    """Makes of a payment event the request that a provider would send: its body and its headers, signed.

    The page delivers it, to the same webhook and over the same way as a provider.
    """
    provider = next((provider for provider in PROVIDERS if secrets.get(provider.name)), PROVIDERS[0])
    secret = next(iter(secrets.get(provider.name, ())), None)

    async def respond(req: Request, resp: Response) -> None:
        resp.set_header("Cache-Control", HIDE_FROM_CACHES)
        try:
            event = standard.read(await read_body(req))
            body = provider.compose(
                Payment(
                    event.idempotency_key,
                    event.order_id,
                    event.payment_id,
                    event.status,
                    event.amount,
                    event.currency,
                )
            )
        except ProblemError as problem:
            write_problem(resp, problem.kind, problem.detail, problem.errors)
            return
        except ValueError as error:  # this provider names more than was said
            write_problem(resp, PROBLEMS["invalid_argument"], f"{provider.name}: {error}.")
            return
        headers = {"Content-Type": falcon.MEDIA_JSON} | (provider.sign(secret, body) if secret else {})
        resp.content_type = falcon.MEDIA_JSON
        resp.data = msgspec.json.encode({"body": body.decode(), "headers": headers})

    return respond
