"""How the API is watched and who may call it: environment variables, or files that they name, all of them optional."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from api.settings import SettingsError, read_text, whole_number

API_KEYS = "FLASHSALE_API_KEYS"
METRICS_TOKEN = "FLASHSALE_METRICS_TOKEN"
CORS_ORIGINS = "FLASHSALE_CORS_ORIGINS"
LOG_FORMAT = "FLASHSALE_LOG_FORMAT"
SLOW_CALL_MS = "FLASHSALE_SLOW_CALL_MS"
VARIABLES = (API_KEYS, METRICS_TOKEN, CORS_ORIGINS, LOG_FORMAT, SLOW_CALL_MS)

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,256}")
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Operation:
    """Access and logging. Keys and the token are held as SHA-256 digests only."""

    api_keys: tuple[bytes, ...] = field(default=(), repr=False)
    metrics_token: bytes | None = field(default=None, repr=False)
    cors_origins: frozenset[str] = frozenset()
    log_format: str | None = None
    slow_call_seconds: float = 0.5


def read_operation(environ: Mapping[str, str] = os.environ) -> Operation:
    """Read and check the environment; the README has the list. Raises SettingsError, which quotes no secret."""
    return Operation(
        api_keys=tuple(_hash(text) for text in _list(environ, API_KEYS)),
        metrics_token=_token(read_text(environ, METRICS_TOKEN)),
        cors_origins=frozenset(_origin(text) for text in _list(environ, CORS_ORIGINS)),
        log_format=_log_format(read_text(environ, LOG_FORMAT).lower()),
        slow_call_seconds=whole_number(environ, SLOW_CALL_MS, 500, 0, 60_000) / 1000,
    )


def _list(environ: Mapping[str, str], name: str) -> list[str]:
    given = read_text(environ, name)
    found = [text for text in re.split(r"[\s,]+", given) if text]
    if given and not found:
        raise SettingsError(f"{name} is set to commas only; leave it out, or say what it is to be")
    return found


def _hash(text: str) -> bytes:
    if _SHA256.fullmatch(text) is None:
        raise SettingsError(
            f"{API_KEYS} must be SHA-256 hashes of 64 hexadecimal digits, separated by commas; "
            "the hash of a key, not the key itself"
        )
    return bytes.fromhex(text)


def _token(text: str) -> bytes | None:
    if not text:
        return None
    if _TOKEN.fullmatch(text) is None:
        raise SettingsError(f"{METRICS_TOKEN} must be 16 to 256 letters, digits and . _ ~ + / = -")
    return sha256(text.encode()).digest()


def _origin(text: str) -> str:
    if _ORIGIN.fullmatch(text) is None:
        raise SettingsError(
            f"{CORS_ORIGINS} has {text[:80]!r}; it must be origins such as https://shop.example, separated by commas"
        )
    return text


def _log_format(text: str) -> str | None:
    if text not in ("", "json", "text"):
        raise SettingsError(f"{LOG_FORMAT} is {text[:40]!r}; it must be json or text")
    return text or None
