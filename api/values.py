"""Conversions between JSON values and what MySQL takes and gives."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

EARLIEST_YEAR = 1000
"""MySQL's DATETIME begins with the year 1000."""

INT_MAX = 2**31 - 1
OBJECT_BYTES = 2048
"""The most that a small object may have, as JSON without spaces."""
_INTEGER = re.compile(r"[0-9]{1,10}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_QUOTED_STRING = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_ESCAPE = re.compile(r"\\(.)")


def utc_text(moment: datetime) -> str:
    """An aware time as the UTC text that MySQL reads. Raises ValueError outside the years 1000 to 9999."""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be in the years 1000 to 9999") from None
    if moment.year < EARLIEST_YEAR:
        raise ValueError("must be in the years 1000 to 9999")
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")


def positive_int(text: str) -> int:
    """Decimal digits as an integer from 1 to 2^31-1. Raises ValueError."""
    if _INTEGER.fullmatch(text) is None or not 1 <= int(text) <= INT_MAX:
        raise ValueError(text)
    return int(text)


def uuid(text: str) -> str:
    """A UUID in lower case. Raises ValueError when it is none of 36 characters."""
    if _UUID.fullmatch(text) is None:
        raise ValueError(text)
    return text.lower()


def small_object(members: dict[str, Any]) -> str:
    """An object as JSON. Raises ValueError when it is too large."""
    text = msgspec.json.encode(members)
    if len(text) > OBJECT_BYTES:
        raise ValueError(f"must be a JSON object of at most {OBJECT_BYTES} bytes")
    return text.decode()


@lru_cache(256)  # the holds and orders of a set have their times in common
def rfc3339(moment: datetime) -> str:
    """A naive UTC time from MySQL as RFC 3339 with microseconds and Z."""
    return moment.isoformat(timespec="microseconds") + "Z"


def idempotency_key(header: str) -> str:
    """The key in an Idempotency-Key header, its bytes read as latin-1, bare or as a quoted string.

    A quoted string is RFC 8941's, with \\" and \\\\ as escapes; the bytes are UTF-8. Raises ValueError with
    what is allowed.
    """
    if header.isascii():
        key = header
    else:
        try:
            key = header.encode("latin-1").decode("utf-8")
        except UnicodeError:
            raise ValueError("must be UTF-8") from None
    if key.startswith('"'):
        quoted = _QUOTED_STRING.fullmatch(key)
        if quoted is None:
            raise ValueError('must be bare, or one string in double quotes with \\" and \\\\ as its only escapes')
        key = _ESCAPE.sub(r"\1", quoted[1])
    if not 1 <= len(key) <= 255:
        raise ValueError("must be a text of 1 to 255 characters")
    return key
