"""What a load test is to do, from the environment; `make loadtest NAME=value` sets it.

LOADTEST_HOST      the address of an API that runs, http://…; without it one is started, on the database of `make run`
LOADTEST_USERS     buyers at the same time (100)
LOADTEST_SECONDS   how long (30)
LOADTEST_PROFILE   edge, steady, bots, payments (edge); PROFILES says what each is
LOADTEST_WORKERS   locust's processes (1); one process of locust keeps about one core busy
LOADTEST_WEB       1: locust's web page on http://127.0.0.1:8089 while it runs
LOADTEST_KEY       an API key, sent as Authorization: Bearer …
LOADTEST_PRODUCTS  ids of products that are on sale, separated by commas; they are bought, and nobody else may buy them
LOADTEST_STOCK     units of each product that is made for the test
LOADTEST_REPORT    locust's HTML report (.flashsale/loadtest/report.html)
FLASHSALE_ADMIN_URL        the database of that API: products are made for the test and archived after it, and its
                           tables judge; that of `make run` in this checkout is found without it
FLASHSALE_WEBHOOK_SECRETS  the secret that payments are signed with, where the API asks for it
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from sql.server.state import ROOT, Failure


class Profile(NamedTuple):
    """How buyers come and what they want: units of each product made for it, seconds until all have come, words."""

    stock: int
    ramp: float
    words: str


PROFILES = {
    "edge": Profile(
        300, 0, "all at once at the moment the sale opens, many more than units, and every way a purchase can go"
    ),
    "steady": Profile(100_000, 5, "one after another, with time to think, and enough units for all"),
    "bots": Profile(300, 0, "the same few customers with a new key each time, against a limit per customer"),
    "payments": Profile(
        100_000, 0, "all order and pay, half of them before the order, and the provider tells everything twice"
    ),
}


@dataclass(frozen=True)
class Plan:
    """Everything of the list above."""

    host: str | None
    seconds: int
    users: int
    profile: str
    workers: int
    web: bool
    key: str
    products: tuple[int, ...]
    stock: int
    report: Path


def read_plan() -> Plan:
    """What the environment asks for. Raises Failure."""
    profile = os.environ.get("LOADTEST_PROFILE") or "edge"
    if profile not in PROFILES:
        raise Failure(f"LOADTEST_PROFILE must be one of {', '.join(PROFILES)}, not {profile!r}")
    return Plan(
        host=_host(),
        seconds=_number("LOADTEST_SECONDS", 30),
        users=_number("LOADTEST_USERS", 100),
        profile=profile,
        workers=_number("LOADTEST_WORKERS", 1),
        web=os.environ.get("LOADTEST_WEB", "") not in ("", "0"),
        key=os.environ.get("LOADTEST_KEY", ""),
        products=_products(),
        stock=_number("LOADTEST_STOCK", PROFILES[profile].stock),
        report=Path(os.environ.get("LOADTEST_REPORT") or ROOT / ".flashsale/loadtest/report.html").absolute(),
    )


def _host() -> str | None:
    text = os.environ.get("LOADTEST_HOST", "").rstrip("/")
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise Failure(f"LOADTEST_HOST must be an address such as https://shop.example:8443, not {text!r}")
    return text


def _products() -> tuple[int, ...]:
    texts = os.environ.get("LOADTEST_PRODUCTS", "").split(",")
    if texts == [""]:
        return ()
    if not all(text.strip().isascii() and text.strip().isdigit() for text in texts):
        raise Failure(f"LOADTEST_PRODUCTS must be ids separated by commas, not {','.join(texts)!r}")
    return tuple(int(text) for text in texts)


def _number(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 1_000_000:
        raise Failure(f"{name} must be a whole number from 1 to 999999, not {text!r}")
    return int(text)
