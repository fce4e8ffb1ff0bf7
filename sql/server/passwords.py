"""Passwords that are made once and kept in `secrets.env` of a server's folder (mode 600)."""

import secrets
from pathlib import Path

from .state import locked, write_private

NAMES = (
    "FLASHSALE_ROOT_PASSWORD",
    "FLASHSALE_API_PASSWORD",
    "FLASHSALE_OPERATOR_PASSWORD",
    "FLASHSALE_RECOVERY_PASSWORD",
)


def load_passwords(folder: Path) -> dict[str, str]:
    """The passwords of NAMES, by name; those that `folder`/secrets.env does not have yet are generated and kept."""
    path = folder / "secrets.env"
    with locked(folder / "secrets.lock", "writing passwords"):
        lines = path.read_text().splitlines() if path.exists() else []
        kept = dict(line.split("=", 1) for line in lines)
        missing = {name: secrets.token_urlsafe(24) for name in NAMES if name not in kept}
        if missing:
            kept |= missing
            write_private(path, "".join(f"{name}={value}\n" for name, value in kept.items()))
    return kept
