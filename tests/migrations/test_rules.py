"""The rows of payment_rules come from sql/rules/payment_rules.sql, and from nowhere else."""

from collections.abc import Iterator

import pytest

from sql.deploy import rules
from sql.deploy.objects import SQL_FOLDER
from sql.server.private import PrivateServer
from tests.support.database import Database, Row
from tests.support.deploying import deploy, deployed

SCRATCH = "flashsale_rules"
LOADED = "loaded the rows of payment_rules"
FILE = SQL_FOLDER / "rules" / "payment_rules.sql"


@pytest.fixture(scope="module")
def url(mysql_server: PrivateServer) -> Iterator[str]:
    """The address of a deployed database of these tests' own."""
    with deployed(mysql_server, SCRATCH) as address:
        yield address


@pytest.fixture
def scratch(url: str) -> Iterator[Database]:
    """An administrator's session there; the next test finds the rows of the file."""
    with Database(url) as session:
        yield session
        rules.load(session.connection)


def rows(session: Database) -> list[Row]:
    """What the procedures obey."""
    return session.query("SELECT * FROM payment_rules ORDER BY order_state, payment")


def test_the_table_has_a_row_for_each_line_of_the_file(scratch: Database) -> None:
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line.startswith("  ('")]

    assert len(rows(scratch)) == len(lines) == 38
    for row in rows(scratch):
        [line] = [line for line in lines if f"('{row['order_state']}'," in line and f" '{row['payment']}'," in line]
        assert f"'{row['payment_becomes']}'" in line
        assert f"'{row['outcome']}'" in line
        assert row["reason"] is None or f"'{row['reason']}'" in line.replace("''", "'")


@pytest.mark.parametrize(
    "by_hand",
    [
        "UPDATE payment_rules SET reason = 'nobody knows' WHERE order_state = 'sold_on'",
        "UPDATE payment_rules SET units = 'stay' WHERE order_state = 'lapsed'",
        "DELETE FROM payment_rules WHERE order_state = 'paid' AND payment = 'returned'",
        "DELETE FROM payment_rules",
        "INSERT INTO payment_rules (order_state, payment, payment_becomes, outcome, units)"
        " VALUES ('sold_on', 'failed', 'failed', 'ignored', 'stay')",
    ],
)
def test_what_was_changed_by_hand_is_said_and_mended_by_the_next_deployment(
    url: str, scratch: Database, by_hand: str
) -> None:
    before = rows(scratch)
    scratch.query(by_hand)
    assert rows(scratch) != before
    assert "rules_changed" in {row["violation"] for row in scratch.call("check_invariants")}

    assert deploy(url) == [LOADED]

    assert rows(scratch) == before
    assert scratch.call("check_invariants") == []


def test_rows_that_are_right_are_not_written_again(url: str, scratch: Database) -> None:
    assert deploy(url) == []
    for database in ("flashsale", SCRATCH):
        assert scratch.value("SELECT GET_LOCK(CONCAT('sweep.', %s), 10)", database) == 1  # nobody else writes
    before = scratch.query("SHOW BINARY LOGS")

    assert rules.load(scratch.connection) is None

    assert scratch.query("SHOW BINARY LOGS") == before
    scratch.query("DO RELEASE_ALL_LOCKS()")
