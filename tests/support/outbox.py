"""Words for the outbox: who is told, what is pending for them, and what becomes of it."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.database import Database, Row

LEASE = 30


def new_receiver() -> str:
    """A URL that nobody used before and nobody answers at."""
    return f"http://127.0.0.1:9/{uuid.uuid4().hex}"


@contextmanager
def told(db: Database, *receivers: str) -> Iterator[None]:
    """These are told of what happens, until the end of the block; then nobody is, and nothing is left in the outbox."""
    db.call("set_receivers", json.dumps(receivers))
    try:
        yield
    finally:
        db.call("set_receivers", "[]")


def outbox(db: Database, receiver: str, *subjects: str) -> list[tuple[str, str, dict[str, Any]]]:
    """What a receiver is told, in its order: kind, state and data; of these subjects, or of all."""
    rows = db.query(
        "SELECT kind, state, subject, body FROM notifications WHERE receiver = %s ORDER BY notification_id", receiver
    )
    return [
        (row["kind"], row["state"], json.loads(row["body"])["data"])
        for row in rows
        if not subjects or row["subject"] in subjects
    ]


def kinds(db: Database, receiver: str, *subjects: str) -> list[str]:
    """Of what kinds that is."""
    return [kind for kind, _, _ in outbox(db, receiver, *subjects)]


def claim(db: Database, receiver: str, limit: int = 100, lease: int = LEASE) -> list[Row]:
    """Take what is due."""
    return db.call("claim_notifications", receiver, limit, lease)


def deliver(db: Database, claimed: Row) -> Row:
    """It arrived."""
    return db.one("settle_notification", claimed["notification_id"], claimed["attempt"], None)


def fail(db: Database, claimed: Row, error: str = "503") -> Row:
    """It did not."""
    return db.one("settle_notification", claimed["notification_id"], claimed["attempt"], error)


def deliver_all(db: Database, receiver: str) -> list[tuple[str, str]]:
    """Deliver until nothing is due: the kinds and subjects, in the order in which they arrived."""
    arrived = []
    while claimed := claim(db, receiver):
        for each in claimed:
            arrived.append((each["kind"], each["subject"]))
            deliver(db, each)
    return arrived


def state_of(db: Database, url: str, subject: str) -> list[tuple[str, str, int, str | None]]:
    """Kind, state, attempts and last error of what a receiver is told of something."""
    rows = db.query(
        "SELECT kind, state, attempts, last_error FROM notifications WHERE receiver = %s AND subject = %s"
        " ORDER BY notification_id", url, subject,
    )  # fmt: skip
    return [(row["kind"], row["state"], row["attempts"], row["last_error"]) for row in rows]


def make_due(admin: Database, url: str) -> None:
    """As if the pause after a failure were over."""
    admin.query("UPDATE notifications SET due_at = created_at WHERE receiver = %s AND state = 'pending'", url)
