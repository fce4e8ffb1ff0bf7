"""python -m api.providers send ORDER [options]: sends a running service a payment event, signed as its provider would.

It signs with the first secret in the provider's environment variable; without one it sends unsigned and says so. Amount
and currency that are not given are those of the order, as the service shows it. With FLASHSALE_ENV=production the event
is one of live mode, else of test mode, where the provider has such modes. Prints the status and the body of the
answer. Exits with 1 for a status of 400 or more, or when nobody answers.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any, get_args
from urllib.parse import quote

from api.providers import PROVIDERS
from api.providers.provider import Payment, Provider
from api.schemas import EventStatus
from api.settings import read_secrets, read_text
from api.variables import ENVIRONMENT, PRODUCTION
from sql.server.state import Failure

WEBHOOK = "/api/payments/webhook"
TIMEOUT_SECONDS = 30


def main(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Send one event, or say why none was; the exit status."""
    try:
        return _send(arguments, environ)
    except (Failure, ValueError) as error:
        print(f"Nothing was sent: {error}.", file=sys.stderr)
    except (OSError, http.client.HTTPException) as error:
        print(f"Nobody answered: {error}. Does the service run, and on this port?", file=sys.stderr)
    return 1


def _send(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    secrets = read_secrets(environ)
    options = _parser(secrets).parse_args(arguments)
    if not (options.order or options.payment):
        raise SystemExit(
            "Say which order: make webhook ORDER=<id>, or the id as the first argument; or which payment: PAYMENT=<id>."
        )
    provider = next(provider for provider in PROVIDERS if provider.name == options.provider)
    connection = http.client.HTTPConnection(options.host, options.port, timeout=TIMEOUT_SECONDS)
    amount, currency = options.amount, options.currency
    if options.order and (amount is None or currency is None):
        known = _order(connection, options.order)
        amount = known.get("amount") if amount is None else amount
        currency = currency or known.get("currency")
    live = read_text(environ, ENVIRONMENT) == PRODUCTION
    body = provider.compose(
        Payment(options.key, options.order or None, options.payment, options.status, amount, currency, live)
    )
    headers = {"Content-Type": "application/json"} | _signature(provider, secrets[provider.name], body)
    status, answer = _request(connection, "POST", WEBHOOK, body, headers)
    print(status, answer)
    return 0 if status < 400 else 1


def _parser(secrets: Mapping[str, Sequence[str]]) -> argparse.ArgumentParser:
    names = [provider.name for provider in PROVIDERS]
    parser = argparse.ArgumentParser(prog="python -m api.providers", description="Payment events, correctly signed.")
    send = parser.add_subparsers(required=True).add_parser("send", help="send one to a running service")
    send.add_argument("order", nargs="?", help="the id of the order, or of its hold; not needed with --payment")
    send.add_argument("--payment", help="the provider's id of the payment; default: the one that the order has")
    send.add_argument("--status", choices=get_args(EventStatus), default="succeeded")
    send.add_argument(
        "--amount", type=int, help="minor units; of refunded, all that went back until now; default: the order's"
    )
    send.add_argument("--currency", help="ISO 4217; default: the order's")
    send.add_argument("--key", default=f"evt_{token_hex(12)}", help="the id of the event; default: a new one")
    send.add_argument(
        "--provider",
        choices=names,
        default=next((name for name in names if secrets[name]), names[0]),
        help="default: the first that has a secret",
    )
    send.add_argument("--host", default="127.0.0.1")
    send.add_argument("--port", type=int, default=8000)
    return parser


def _order(connection: http.client.HTTPConnection, order_id: str) -> dict[str, Any]:
    """The order as the service shows it, or nothing."""
    status, answer = _request(connection, "GET", f"/api/orders/{quote(order_id, safe='')}")
    return dict(json.loads(answer)) if status == 200 else {}


def _signature(provider: Provider, secrets: Sequence[str], body: bytes) -> dict[str, str]:
    if secrets:
        return provider.sign(secrets[0], body)
    if provider is not PROVIDERS[0]:
        raise ValueError(f"{provider.variable} is not set, and only a signature says it is from {provider.name}")
    print(f"{provider.variable} is not set: this event is not signed", file=sys.stderr)
    return {}


def _request(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    connection.request(method, path, body, dict(headers or {}))
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
