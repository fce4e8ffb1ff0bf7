"""The API's configuration: environment variables only, checked before anything starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

DATABASE_URL = "FLASHSALE_DATABASE_URL"
DATABASE_URL_SHAPE = "mysql://user:password@host:port/database (user and password percent-encoded)"


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


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the API reads from its environment."""

    database: Database
    port: int
    workers: int
    threads: int


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the environment.

    FLASHSALE_DATABASE_URL is required. PORT (8000), FLASHSALE_WORKERS (2) and FLASHSALE_THREADS (16) have
    defaults; docs/adr/0005 shows the measurement behind them. Raises SettingsError.
    """
    return Settings(
        database=parse_database_url(environ.get(DATABASE_URL, "")),
        port=_number(environ, "PORT", 8000, 1, 65535),
        workers=_number(environ, "FLASHSALE_WORKERS", 2, 1, 64),
        threads=_number(environ, "FLASHSALE_THREADS", 16, 1, 256),
    )


def parse_database_url(url: str) -> Database:
    """Split mysql://user:password@host:port/database. The port defaults to 3306. Raises SettingsError."""
    if not url:
        raise SettingsError(f"{DATABASE_URL} is not set; it must be {DATABASE_URL_SHAPE}")
    try:
        parts = urlsplit(url)
        port = parts.port or 3306
    except ValueError:
        raise SettingsError(f"{DATABASE_URL} has no valid host and port; it must be {DATABASE_URL_SHAPE}") from None
    if parts.scheme != "mysql":
        raise SettingsError(f"{DATABASE_URL} must begin with mysql://, as in {DATABASE_URL_SHAPE}")
    if parts.query or parts.fragment:
        raise SettingsError(f"{DATABASE_URL} takes no ? or # part; percent-encode them inside a password")
    name = unquote(parts.path.removeprefix("/"))
    for part, value in (("host", parts.hostname), ("user", parts.username), ("database", name)):
        if not value:
            raise SettingsError(f"{DATABASE_URL} names no {part}; it must be {DATABASE_URL_SHAPE}")
    return Database(
        host=parts.hostname or "",
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        name=name,
    )


def _number(environ: Mapping[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and lowest <= int(text[:10]) <= highest):
        raise SettingsError(f"{name} is {text[:40]!r}; it must be a whole number from {lowest} to {highest}")
    return int(text)
