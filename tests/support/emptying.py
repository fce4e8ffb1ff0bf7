"""Empty tables now and then: the invariants walk over everything, so what old tests left costs each new one more."""

import mysql.connector
import pytest

from tests.support.database import Database

KEPT = ("payment_rules", "notification_receivers", "webhook_refusals", "sweep_heartbeat")
MANY = 50
"""Rows from which on emptying the tables costs less than leaving them as they are."""
_GROWING = ("products", "hold_history", "payment_webhooks", "operator_actions")
# As many of each as count; COUNT(*) of a whole table starts threads to read it, which costs more than most tests.
_SOME = " UNION ALL ".join(f"(SELECT 1 FROM {table} LIMIT %s)" for table in _GROWING)
DEADLOCK, LOCK_WAIT = 1213, 1205


def empty_tables(session: Database, many: int = MANY) -> None:
    """Delete every product, and all that belongs to it, when there are `many` rows of it. Ids are not used again."""
    if session.value(f"SELECT COUNT(*) FROM ({_SOME}) AS s", *[many] * len(_GROWING)) < many:
        return
    tables = [
        row["name"]
        for row in session.query(
            "SELECT table_name AS name FROM information_schema.tables"
            " WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_name NOT REGEXP '^_|yoyo'"
        )
        if row["name"] not in KEPT
    ]
    session.query("SET SESSION foreign_key_checks = 0")
    while True:
        try:
            session.query("START TRANSACTION")
            for table in tables:
                session.query(f"DELETE FROM {table}")
            session.query("COMMIT")
            return
        except mysql.connector.Error as error:  # the sweep was at work
            if error.errno not in (DEADLOCK, LOCK_WAIT):
                raise


def keeps_rows(request: pytest.FixtureRequest) -> bool:
    """Whether the next test of this file may look for rows of this one's: where fixtures are made once for the file."""
    fixtures = request.node._fixtureinfo.name2fixturedefs.values()
    return any(each[-1].scope != "function" and each[-1].baseid.endswith(".py") for each in fixtures)
