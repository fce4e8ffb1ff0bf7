"""The API that is measured, as it ships but for what the user's environment says of it."""

import os
from pathlib import Path

from sql.server.service import HERE, Checkout, Service
from sql.server.variables import FILE, PREFIX

# The API knows its own account and no other. Load comes without a key, and its payments are unsigned.
SECRETS = (
    "FLASHSALE_ADMIN_URL", "FLASHSALE_API_PASSWORD", "FLASHSALE_OPERATOR_PASSWORD", "FLASHSALE_API_KEYS",
    "FLASHSALE_ENV", "FLASHSALE_WEBHOOK_SECRETS", "FLASHSALE_STRIPE_SECRETS", "FLASHSALE_NOTIFY_URL",
    "FLASHSALE_NOTIFY_SECRETS", "FLASHSALE_HOST", "FLASHSALE_DATABASE_URL",
)  # fmt: skip


def serving(database_url: str, log: Path, checkout: Checkout = HERE, **settings: str) -> Service:
    """An application on a free port, connected to its database, for the length of a `with` block. Raises Failure."""
    chosen = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    kept = {name: value for name, value in chosen.items() if name.removesuffix(FILE) not in SECRETS}
    return Service(database_url, log, None, checkout=checkout, ready="/readyz", **(kept | settings))
