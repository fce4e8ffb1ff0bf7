"""The API's configuration: environment variables only, checked before anything starts.

Every FLASHSALE_X may be given as FLASHSALE_X_FILE instead, the path of a file that holds its value: a secret.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import parse_qsl, unquote, urlsplit

from api.providers import PROVIDERS
from api.providers.provider import Provider
from sql.server.state import Failure
from sql.server.variables import DATABASE_URL, read_variable

DEVELOPMENT, PRODUCTION = ENVIRONMENTS = ("development", "production")
ENVIRONMENT = "FLASHSALE_ENV"
HOST = "FLASHSALE_HOST"
WORKERS = "FLASHSALE_WORKERS"
THREADS = "FLASHSALE_THREADS"
VARIABLES = (DATABASE_URL, ENVIRONMENT, HOST, WORKERS, THREADS, *(provider.variable for provider in PROVIDERS))
DATABASE_URL_SHAPE = "mysql://user:password@host:port/database (user and password percent-encoded)"
SSL_MODES = ("REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")


class SettingsError(ValueError):
    """A variable is missing or malformed. The message names it and says what is allowed; it holds no secret."""


@dataclass(frozen=True, slots=True)
class Database:
    """Where MySQL is and as whom to log in."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    name: str
    ssl_mode: str = ""
    """One of SSL_MODES; "": TLS unless the host is the loopback interface."""
    ssl_ca: str = ""
    """The file with the certificate authority that the server's certificate must come from."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the API reads from its environment."""

    database: Database
    port: int
    workers: int
    threads: int
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    """Those of the payment providers, by the provider's name."""
    host: str = "127.0.0.1"
    demo: bool = False
    """Whether /demo is there. Its simulated provider makes payments that pass for real ones."""
    production: bool = False
    """Whether somebody said so. Then the log warns of everything that is open, and test events move nothing."""


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the environment.

    FLASHSALE_DATABASE_URL is required. FLASHSALE_HOST (127.0.0.1), PORT (8000), FLASHSALE_WORKERS (2) and
    FLASHSALE_THREADS (24) have defaults; docs/adr/0005 shows the measurement behind the last two. With
    FLASHSALE_ENV=production a secret of a payment provider is required. Raises SettingsError.
    """
    secrets = read_secrets(environ)
    environment = read_text(environ, ENVIRONMENT)
    _check_environment(environment or DEVELOPMENT, secrets)
    return Settings(
        database=parse_database_url(read_text(environ, DATABASE_URL)),
        port=whole_number(environ, "PORT", 8000, 1, 65535),
        workers=whole_number(environ, WORKERS, 2, 1, 64),
        threads=whole_number(environ, THREADS, 24, 1, 256),
        secrets=secrets,
        host=_address(environ, HOST, "127.0.0.1"),
        # Where payments are signed, nobody who forgot to say "production" may give the signatures away.
        demo=environment == DEVELOPMENT or not (environment or any(secrets.values())),
        production=environment == PRODUCTION,
    )


def read_secrets(environ: Mapping[str, str] = os.environ) -> dict[str, tuple[str, ...]]:
    """Every payment provider's signing secrets, by its name; perhaps none. Raises SettingsError."""
    return {provider.name: tuple(_secrets(environ, provider)) for provider in PROVIDERS}


def read_text(environ: Mapping[str, str], name: str) -> str:
    """The text of a variable or of its file, without spaces around it; "" when it is not set. Raises SettingsError."""
    try:
        return read_variable(environ, name).strip()
    except Failure as error:
        raise SettingsError(str(error)) from None


def _secrets(environ: Mapping[str, str], provider: Provider) -> list[str]:
    text = read_text(environ, provider.variable)
    secrets = [secret.strip() for secret in text.split(",")] if text else []
    for number, secret in enumerate(secrets, start=1):
        try:
            provider.make_verifier([secret])
        except ValueError as error:
            which = f"secret {number} of {len(secrets)}, separated by commas," if len(secrets) > 1 else "the secret"
            raise SettingsError(f"{provider.variable}: {which} {error}") from None
    return secrets


def _check_environment(name: str, secrets: Mapping[str, Sequence[str]]) -> None:
    if name not in ENVIRONMENTS:
        raise SettingsError(f"{ENVIRONMENT} is {name[:40]!r}; it must be one of {', '.join(ENVIRONMENTS)}")
    if name == PRODUCTION and not any(secrets.values()):
        variables = " or ".join(provider.variable for provider in PROVIDERS)
        raise SettingsError(
            f"{ENVIRONMENT}={PRODUCTION} needs the secret of a payment provider: set {variables}; "
            "without one anybody could mark orders as paid"
        )


def parse_database_url(url: str) -> Database:
    """Split mysql://user:password@host:port/database?ssl-mode=…&ssl-ca=…. The port defaults to 3306, TLS to what
    Database says. Raises SettingsError."""
    if not url:
        raise SettingsError(f"{DATABASE_URL} is not set; it must be {DATABASE_URL_SHAPE}")
    try:
        parts = urlsplit(url)
        port = parts.port or 3306
    except ValueError:
        raise SettingsError(f"{DATABASE_URL} has no valid host and port; it must be {DATABASE_URL_SHAPE}") from None
    if parts.scheme != "mysql":
        raise SettingsError(f"{DATABASE_URL} must begin with mysql://, as in {DATABASE_URL_SHAPE}")
    if parts.fragment:
        raise SettingsError(f"{DATABASE_URL} takes no # part; percent-encode it inside a password")
    name = unquote(parts.path.removeprefix("/"))
    for part, value in (("host", parts.hostname), ("user", parts.username), ("database", name)):
        if not value:
            raise SettingsError(f"{DATABASE_URL} names no {part}; it must be {DATABASE_URL_SHAPE}")
    ssl_mode, ssl_ca = _tls(parts.query)
    return Database(
        host=parts.hostname or "",
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        name=name,
        ssl_mode=ssl_mode,
        ssl_ca=ssl_ca,
    )


def _tls(query: str) -> tuple[str, str]:
    """ssl-mode and ssl-ca out of the ? part of a URL, as MySQL's own programs call them."""
    allowed = f"{DATABASE_URL} takes ?ssl-mode={'|'.join(SSL_MODES)} and, to verify, &ssl-ca=/path/of/ca.pem"
    given = parse_qsl(query, keep_blank_values=True)
    options = dict(given)
    mode, authority = options.get("ssl-mode", ""), options.get("ssl-ca", "")
    if query and (mode not in SSL_MODES or not options.keys() <= {"ssl-mode", "ssl-ca"} or len(options) != len(given)):
        raise SettingsError(f"{allowed}, and no more; percent-encode a ? inside a password")
    if mode.startswith("VERIFY_") != bool(authority):
        raise SettingsError(f"{allowed}; ssl-ca goes with VERIFY_CA and VERIFY_IDENTITY, and they with it")
    if authority and not os.access(authority, os.R_OK):
        raise SettingsError(f"{DATABASE_URL}: the file of ssl-ca, {authority}, can't be read")
    return mode, authority


def _address(environ: Mapping[str, str], name: str, default: str) -> str:
    text = read_text(environ, name) or default
    try:
        return str(ip_address(text))
    except ValueError:
        raise SettingsError(f"{name} is {text[:40]!r}; it must be an IP address, 127.0.0.1 or 0.0.0.0") from None


def whole_number(environ: Mapping[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    """A whole number from `lowest` to `highest`, or the default. Raises SettingsError."""
    text = read_text(environ, name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and lowest <= int(text[:10]) <= highest):
        raise SettingsError(f"{name} is {text[:40]!r}; it must be a whole number from {lowest} to {highest}")
    return int(text)
