"""What the log says when the API starts: where its MySQL is, what is open, and which variables nobody reads."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

from api.providers import PROVIDERS
from api.settings import Settings
from api.variables import API_KEYS, ENVIRONMENT, KNOWN_VARIABLES, METRICS_TOKEN, PRODUCTION
from sql.server.variables import unknown_variables

log = logging.getLogger("flashsale.api")


def say_where_and_what_is_open(settings: Settings) -> None:
    """Where MySQL is, who may send webhooks, and in production who may do what with neither key nor token."""
    database = settings.database
    log.info("answering from MySQL at %s, database %s", database.place, database.database)
    if settings.product_reads_max_age_ms:
        log.info("products may be read from secondaries, not older than %d ms", settings.product_reads_max_age_ms)
    _say_who_may_send_webhooks(settings)
    if settings.production and not settings.api_keys:
        log.warning(
            "THE API IS OPEN: anybody who reaches this server can hold units, release holds and order, under /api/. "
            "%s=%s wants %s, or %s_FILE.", ENVIRONMENT, PRODUCTION, API_KEYS, API_KEYS,
        )  # fmt: skip
    if settings.production and settings.metrics_token is None:
        log.warning(
            "THE FIGURES ARE OPEN: anybody who reaches this server can read /metrics and /board, money included. "
            "%s=%s wants %s, or %s_FILE.", ENVIRONMENT, PRODUCTION, METRICS_TOKEN, METRICS_TOKEN,
        )  # fmt: skip


def say_what_nobody_reads(environ: Mapping[str, str] = os.environ) -> None:
    """Every FLASHSALE_ variable that is set and means nothing: it was perhaps to close a door."""
    for name, meant in unknown_variables(environ, KNOWN_VARIABLES).items():
        log.warning("%s IS SET AND NOBODY READS IT%s", name, f": {meant} is a variable." if meant else ".")


def _say_who_may_send_webhooks(settings: Settings) -> None:
    if any(settings.secrets.values()):
        if settings.demo:
            log.warning("/demo signs payments for anybody who asks: never in production (%s)", ENVIRONMENT)
        known = [f"{name} (secrets: {len(secrets)})" for name, secrets in settings.secrets.items() if secrets]
        log.info("payment webhooks are accepted when signed by %s", ", ".join(known))
        return
    names = " or ".join(provider.variable for provider in PROVIDERS)
    log.warning(
        "PAYMENT WEBHOOKS ARE NOT VERIFIED: anybody who reaches this server can mark orders as paid. Set %s.", names
    )
