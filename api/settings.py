"""The API's configuration: environment variables only, checked before anything starts.

api/variables.py has a row for each.

Every FLASHSALE_X may be given as FLASHSALE_X_FILE instead, the path of a file that holds its value: a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import ip_address
from urllib.parse import urlsplit

from api.providers import PROVIDERS, standard
from api.providers.provider import Provider
from api.variables import (
    API_KEYS,
    CONNECTIONS,
    CORS_ORIGINS,
    DEVELOPMENT,
    ENVIRONMENT,
    ENVIRONMENTS,
    HOST,
    LOG_FORMAT,
    METRICS_TOKEN,
    NOTIFY_SECRETS,
    NOTIFY_URL,
    PRODUCT_READS_MAX_AGE_MS,
    PRODUCTION,
    SLOW_CALL_MS,
    WHOLE_NUMBERS,
    WORKERS,
)
from sql.server.state import Failure
from sql.server.urls import Url, parse
from sql.server.variables import DATABASE_URL, PORT, read_variable

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,256}")
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the API reads from its environment."""

    database: Url
    port: int = int(WHOLE_NUMBERS[PORT].default)
    workers: int = int(WHOLE_NUMBERS[WORKERS].default)
    connections: int = int(WHOLE_NUMBERS[CONNECTIONS].default)
    """To MySQL, for the sale; as many as a worker may have open."""
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    """Those of the payment providers, by the provider's name."""
    host: str = "127.0.0.1"
    demo: bool = False
    """Whether /demo is there. Its simulated provider makes payments that pass for real ones."""
    production: bool = False
    """Whether somebody said so. Then the log warns of everything that is open, and test events move nothing."""
    api_keys: tuple[bytes, ...] = field(default=(), repr=False)
    """The SHA-256 digest of each; a key itself is nowhere."""
    metrics_token: bytes | None = field(default=None, repr=False)
    """Its SHA-256 digest."""
    cors_origins: frozenset[str] = frozenset()
    notify_urls: tuple[str, ...] | None = None
    """Who is told of what happens; (): nobody any more; None: the API delivers nothing, and leaves that as it is."""
    notify_secrets: tuple[str, ...] = field(default=(), repr=False)
    log_format: str | None = None
    """json or text; None: text where stderr is a terminal, else json."""
    slow_call_seconds: float = int(WHOLE_NUMBERS[SLOW_CALL_MS].default) / 1000
    product_reads_max_age_ms: int = 0
    """How old a product may be that a secondary of the group shows; 0: the node that sells answers all."""


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the environment; docs/settings.md has the list.

    FLASHSALE_DATABASE_URL is required; with FLASHSALE_ENV=production the secret of a payment provider is, too. Raises
    Failure, which names the variable, says what is allowed, and quotes no secret.
    """
    secrets = read_secrets(environ)
    environment = read_text(environ, ENVIRONMENT)
    _check_environment(environment or DEVELOPMENT, secrets)
    database = _database(read_text(environ, DATABASE_URL))
    return Settings(
        database=database,
        port=_whole_number(environ, PORT),
        workers=_whole_number(environ, WORKERS),
        connections=_whole_number(environ, CONNECTIONS),
        secrets=secrets,
        host=_address(environ, HOST, "127.0.0.1"),
        # Where payments are signed, nobody who forgot to say "production" may give the signatures away.
        demo=environment == DEVELOPMENT or not (environment or any(secrets.values())),
        production=environment == PRODUCTION,
        api_keys=tuple(_hash(text) for text in _list(environ, API_KEYS)),
        metrics_token=_token(read_text(environ, METRICS_TOKEN)),
        cors_origins=frozenset(_origin(text) for text in _list(environ, CORS_ORIGINS)),
        notify_urls=(notify_urls := _receivers(environ)),
        notify_secrets=tuple(read_notify_secrets(environ, bool(notify_urls))),
        log_format=_log_format(read_text(environ, LOG_FORMAT).lower()),
        slow_call_seconds=_whole_number(environ, SLOW_CALL_MS) / 1000,
        product_reads_max_age_ms=_max_age(environ, database),
    )


def read_secrets(environ: Mapping[str, str] = os.environ) -> dict[str, tuple[str, ...]]:
    """Every payment provider's signing secrets, by its name; perhaps none. Raises Failure."""
    return {provider.name: tuple(_secrets(environ, provider)) for provider in PROVIDERS}


def read_notify_secrets(environ: Mapping[str, str], required: bool) -> list[str]:
    """What notifications are signed with; perhaps nothing. Raises Failure."""
    secrets = _list(environ, NOTIFY_SECRETS)
    for number, secret in enumerate(secrets, start=1):
        try:
            standard.make_verifier([secret])
        except ValueError as error:
            which = f"secret {number} of {len(secrets)}, separated by commas," if len(secrets) > 1 else "the secret"
            raise Failure(f"{NOTIFY_SECRETS}: {which} {error}") from None
    if required and not secrets:
        raise Failure(f"{NOTIFY_URL} needs {NOTIFY_SECRETS}: without a signature a receiver can't tell who sent it")
    return secrets


def read_text(environ: Mapping[str, str], name: str) -> str:
    """The text of a variable or of its file, without spaces around it; "" when it is not set. Raises Failure."""
    return read_variable(environ, name).strip()


def _secrets(environ: Mapping[str, str], provider: Provider) -> list[str]:
    text = read_text(environ, provider.variable)
    secrets = [secret.strip() for secret in text.split(",")] if text else []
    for number, secret in enumerate(secrets, start=1):
        try:
            provider.make_verifier([secret])
        except ValueError as error:
            which = f"secret {number} of {len(secrets)}, separated by commas," if len(secrets) > 1 else "the secret"
            raise Failure(f"{provider.variable}: {which} {error}") from None
    return secrets


def _check_environment(name: str, secrets: Mapping[str, Sequence[str]]) -> None:
    if name not in ENVIRONMENTS:
        raise Failure(f"{ENVIRONMENT} is {name[:40]!r}; it must be one of {', '.join(ENVIRONMENTS)}")
    if name == PRODUCTION and not any(secrets.values()):
        variables = " or ".join(provider.variable for provider in PROVIDERS)
        raise Failure(
            f"{ENVIRONMENT}={PRODUCTION} needs the secret of a payment provider: set {variables}; "
            "without one anybody could mark orders as paid"
        )


def _database(text: str) -> Url:
    database = parse(text, DATABASE_URL, default_database="")
    if database.ssl_ca and not os.access(database.ssl_ca, os.R_OK):
        raise Failure(f"{DATABASE_URL}: the file of ssl-ca, {database.ssl_ca}, can't be read")
    return database


def _address(environ: Mapping[str, str], name: str, default: str) -> str:
    text = read_text(environ, name) or default
    try:
        return str(ip_address(text))
    except ValueError:
        raise Failure(f"{name} is {text[:40]!r}; it must be an IP address, 127.0.0.1 or 0.0.0.0") from None


def _whole_number(environ: Mapping[str, str], name: str) -> int:
    """A whole number within its bounds, or the default. Raises Failure."""
    declared, text = WHOLE_NUMBERS[name], read_text(environ, name)
    if not text:
        return int(declared.default)
    if not (text.isascii() and text.isdigit() and declared.least <= int(text[:10]) <= declared.most):
        bounds = f"from {declared.least} to {declared.most}"
        raise Failure(f"{name} is {text[:40]!r}; it must be a whole number {bounds}")
    return int(text)


def _max_age(environ: Mapping[str, str], database: Url) -> int:
    """0 when nobody asked for it. Raises Failure, also where there is one node only."""
    name = PRODUCT_READS_MAX_AGE_MS
    milliseconds = _whole_number(environ, name) if read_text(environ, name) else 0
    if milliseconds and not database.others:
        raise Failure(f"{name} wants several nodes to read from: {DATABASE_URL} names one; name all of the group")
    return milliseconds


def _list(environ: Mapping[str, str], name: str) -> list[str]:
    given = read_text(environ, name)
    found = [text for text in re.split(r"[\s,]+", given) if text]
    if given and not found:
        raise Failure(f"{name} is set to commas only; leave it out, or say what it is to be")
    return found


def _receivers(environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """The URLs of those who are told; () for `none`, None when the variable is not set. Raises Failure."""
    urls = _list(environ, NOTIFY_URL)
    if urls == ["none"]:
        return ()
    for url in urls:
        try:
            parts = urlsplit(url)
            fine = parts.scheme in ("http", "https") and parts.hostname and not parts.username and parts.port != 0
        except ValueError:
            fine = False
        if not (fine and url.isascii() and url.isprintable() and len(url) <= 255 and "#" not in url):
            raise Failure(
                f"{NOTIFY_URL} must be http or https URLs of at most 255 characters, without a user or a fragment, "
                "separated by commas; or none"
            )
    if len(set(urls)) != len(urls) or len(urls) > 10:
        raise Failure(f"{NOTIFY_URL} must be at most 10 URLs, each once")
    return tuple(urls) or None


def _hash(text: str) -> bytes:
    if _SHA256.fullmatch(text) is None:
        raise Failure(
            f"{API_KEYS} must be SHA-256 hashes of 64 hexadecimal digits, separated by commas; "
            "the hash of a key, not the key itself"
        )
    return bytes.fromhex(text)


def _token(text: str) -> bytes | None:
    if not text:
        return None
    if _TOKEN.fullmatch(text) is None:
        raise Failure(f"{METRICS_TOKEN} must be 16 to 256 letters, digits and . _ ~ + / = -")
    return sha256(text.encode()).digest()


def _origin(text: str) -> str:
    if _ORIGIN.fullmatch(text) is None:
        raise Failure(
            f"{CORS_ORIGINS} has {text[:80]!r}; it must be origins such as https://shop.example, separated by commas"
        )
    return text


def _log_format(text: str) -> str | None:
    if text not in ("", "json", "text"):
        raise Failure(f"{LOG_FORMAT} is {text[:40]!r}; it must be json or text")
    return text or None
