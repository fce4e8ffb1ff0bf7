"""Who may ask for what: keys and tokens by address, other origins, and the headers that protect a browser."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Sequence
from enum import Enum
from hashlib import sha256
from hmac import compare_digest
from typing import get_args

import falcon
from falcon.asgi import Request, Response

from api.problem_kinds import PROBLEMS
from api.problems import write_problem
from api.routes import Method
from api.settings import Settings

HIDE_FROM_CACHES = "no-store"
NO_PAGE = "default-src 'none'; frame-ancestors 'none'"
SECURITY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", NO_PAGE),
)
_API_HEADERS = (*SECURITY_HEADERS, ("Cache-Control", HIDE_FROM_CACHES))


class Guard(Enum):
    """What an address asks for."""

    NOTHING = "nothing"
    API_KEY = "one of FLASHSALE_API_KEYS"
    METRICS_TOKEN = "FLASHSALE_METRICS_TOKEN"


GUARDS: tuple[tuple[str, Guard], ...] = (
    # The provider proves itself by its signature.
    ("/api/payments/webhook", Guard.NOTHING),
    ("/api", Guard.API_KEY),
    ("/metrics", Guard.METRICS_TOKEN),
    ("/board", Guard.METRICS_TOKEN),
)
"""Addresses and all below them; the first that fits decides, what none fits is open."""

CALLER = "flashsale.caller"
"""In the scope of a request: a fingerprint of the API key that it came with, where keys are configured."""

_FINGERPRINT_DIGITS = 16
"""Of the key's SHA-256: enough to tell callers apart, too few to stand for the key or its hash."""
_ALLOWED_METHODS = ", ".join(get_args(Method))
_ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, X-Request-ID"
_EXPOSED_HEADERS = "Location, Idempotent-Replayed, Retry-After, X-Request-ID, Data-Age-Ms"
_PREFLIGHT_SECONDS = "600"


def guard_of(path: str, guards: Sequence[tuple[str, Guard]] = GUARDS) -> tuple[str, Guard]:
    """The address in the table that decides about this one, and what it asks for."""
    path = "/" + path.lstrip("/")  # as Falcon's router reads it
    for prefix, guard in guards:
        if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/"):
            return prefix, guard
    return "", Guard.NOTHING


class Access:
    """Answers 401 and preflights itself, and completes the headers of every answer."""

    def __init__(self, settings: Settings) -> None:
        self._digests = {
            Guard.API_KEY: settings.api_keys,
            Guard.METRICS_TOKEN: (settings.metrics_token,) if settings.metrics_token else (),
        }
        self._guarded = any(self._digests.values())
        self._origins = settings.cors_origins

    def admit(self, req: Request, resp: Response) -> None:
        """Let a request pass, or complete its answer here."""
        if not (self._guarded or self._origins):
            return
        prefix, guard = guard_of(req.path)
        if self._origins and guard is Guard.API_KEY and self._share(req, resp):
            resp.context.route = f"{prefix}/*"
            return
        digests = self._digests.get(guard)
        if not digests:
            return
        authorization = req.get_header("Authorization")
        digest = _known_digest(authorization or "", guard, digests)
        if digest is None:
            resp.context.route = f"{prefix}/*"
            _refuse(resp, guard, authorization is not None)
        elif guard is Guard.API_KEY:
            req.scope[CALLER] = digest.hex()[:_FINGERPRINT_DIGITS]

    def protect(self, req: Request, resp: Response) -> None:
        """Add to an answer what protects a browser; a page that brings a policy of its own keeps it."""
        if req.path.lstrip("/").startswith("api/"):
            resp.set_headers(_API_HEADERS)
            return
        own_policy = resp.get_header("content-security-policy")
        resp.set_headers(SECURITY_HEADERS)
        if own_policy is not None:
            resp.set_header("Content-Security-Policy", own_policy)

    def _share(self, req: Request, resp: Response) -> bool:
        """Tell the browser whether a page of another origin may read this. True when that was all it asked for."""
        resp.append_header("Vary", "Origin")
        origin = req.get_header("Origin")
        if origin not in self._origins:
            return False
        resp.set_header("Access-Control-Allow-Origin", str(origin))
        if req.method != "OPTIONS" or req.get_header("Access-Control-Request-Method") is None:
            resp.set_header("Access-Control-Expose-Headers", _EXPOSED_HEADERS)
            return False
        resp.set_header("Access-Control-Allow-Methods", _ALLOWED_METHODS)
        resp.set_header("Access-Control-Allow-Headers", _ALLOWED_HEADERS)
        resp.set_header("Access-Control-Max-Age", _PREFLIGHT_SECONDS)
        resp.status = falcon.HTTP_204
        resp.complete = True
        return True


def _known_digest(authorization: str, guard: Guard, digests: Sequence[bytes]) -> bytes | None:
    """The digest of the secret it holds, if that is one of these; how long that takes says nothing about which, or how
    nearly."""
    scheme, _, credentials = authorization.partition(" ")
    scheme, credentials = scheme.lower(), credentials.strip()
    if scheme == "basic" and guard is Guard.METRICS_TOKEN:  # what a browser can send for the board
        credentials = _password_of(credentials)
    elif scheme != "bearer":
        return None
    digest = sha256(credentials.encode("latin-1", "replace")).digest()
    known = any([compare_digest(digest, each) for each in digests])  # noqa: C419 - all of them, always
    return digest if known else None


def _password_of(credentials: str) -> str:
    try:
        return b64decode(credentials, validate=True).decode("latin-1").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _refuse(resp: Response, guard: Guard, given: bool) -> None:
    what = "the API key" if guard is Guard.API_KEY else "the metrics token"
    detail = f"Send {what} as Authorization: Bearer …" + ("; the one that was sent is not known." if given else ".")
    write_problem(resp, PROBLEMS["unauthorized"], detail)
    challenge = 'Bearer realm="flashsale"' + (', error="invalid_token"' if given else "")
    if guard is Guard.METRICS_TOKEN:  # Chromium asks for a password only when Basic comes first
        challenge = f'Basic realm="flashsale", {challenge}'
    resp.set_header("WWW-Authenticate", challenge)
    resp.complete = True
