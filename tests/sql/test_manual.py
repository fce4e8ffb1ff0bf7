"""The sessions of the DBA's manual are real: what the client prints, to the letter, on a server just made."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sql import tables
from sql.deploy.objects import SQL_FOLDER
from sql.deploy.seed import seed
from sql.examples.sessions import FOLDER, sessions, settled, shown
from sql.server.private import PrivateServer
from sql.server.programs import obtain_tool
from sql.server.urls import Url, parse
from tests.conftest import OPERATOR_PASSWORD
from tests.support.deploying import deployed

MANUAL = (SQL_FOLDER / "README.md").read_text(encoding="utf-8")
SCRATCH = "flashsale_manual"


@pytest.fixture
def operator(mysql_server: PrivateServer) -> Iterator[Url]:
    """The DBA's way into a database as `make run` makes it: one product, and nothing sold yet."""
    with deployed(mysql_server, SCRATCH) as address:
        seed(address)
        yield replace(parse(address), user="flashsale_operator", password=OPERATOR_PASSWORD)


def printed(session: Path) -> str:
    """What stands beside a session."""
    return session.with_suffix(".out").read_text(encoding="utf-8")


def test_every_session_prints_what_stands_beside_it(operator: Url) -> None:
    client = obtain_tool("mysql", lambda _: None)

    for session in sessions():
        assert printed(session) == shown(client, operator, session), "run `make examples`, and review what changed"


def test_every_table_fits_a_terminal_of_a_hundred_columns() -> None:
    """The client shows a wider one a line for each column, so it would not be the same to the letter."""
    tables = [line for session in sessions() for line in printed(session).splitlines() if line.startswith("+-")]

    assert tables
    assert [line for line in tables if len(line) > 100] == []


def test_no_output_is_left_of_a_session_that_is_gone() -> None:
    assert [path.stem for path in sorted(FOLDER.glob("*.out"))] == [path.stem for path in sessions()]


def test_the_same_id_gets_the_same_number_and_its_time_is_kept() -> None:
    one, other = "01c2ad9c-8800-7abc-8123-0123456789ab", "01c2ad9c-8800-7abc-9123-0123456789ab"
    name = "forgotten-" + "0f" * 16

    assert settled(f"{one} {other} {one} {name}") == (
        "01c2ad9c-8800-7000-8000-000000000001 01c2ad9c-8800-7000-8000-000000000002"
        f" 01c2ad9c-8800-7000-8000-000000000001 forgotten-{3:032}"
    )


def test_what_the_manual_shows_stands_so_in_a_session() -> None:
    shown_there = re.findall(r"^```\n(mysql> .*?)^```$", MANUAL, re.MULTILINE | re.DOTALL)
    everything = [printed(session) for session in sessions()]

    assert shown_there
    assert [block for block in shown_there if not any(block in text for text in everything)] == []


def test_the_manual_says_of_each_table_what_its_migration_says() -> None:
    migrations = (path.read_text(encoding="utf-8") for path in sorted(SQL_FOLDER.parent.glob("migrations/*.sql")))
    created = [name for text in migrations for name in re.findall(r"^CREATE TABLE (\w+)", text, re.MULTILINE)]

    assert tables.written(MANUAL) == MANUAL, "run `make examples`, and review what changed"
    assert [name for name in created if f"\n| `{name}` | " not in MANUAL] == []


def test_the_manual_leads_to_every_session_and_is_short() -> None:
    assert [path.stem for path in sessions() if f"(examples/{path.stem}.out)" not in MANUAL] == []
    assert len(MANUAL.splitlines()) <= 350


def test_what_the_manual_names_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", MANUAL)

    assert [link for link in links if not (SQL_FOLDER / link).exists()] == []
