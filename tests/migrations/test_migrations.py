"""What a deployment does to a database: from nothing, again, and over what somebody left behind."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mysql.connector
import pytest

from sql.deploy import migrate
from sql.deploy.deployment import MIGRATIONS
from sql.deploy.objects import SQL_FOLDER, all_objects
from sql.server.private import PrivateServer
from sql.server.programs import obtain_tool
from sql.server.urls import parse
from tests.conftest import OPERATOR_PASSWORD
from tests.support.database import Database
from tests.support.deploying import deploy, deployed
from tests.support.sale import EVENT, at_once, new_product, order, pay, scheduler_off, stock

GOLDEN = Path(__file__).with_name("schema.golden.sql")
SCRATCH = "flashsale_migrations"
REGENERATE = "FLASHSALE_UPDATE_GOLDEN"


def tables(session: Database) -> list[str]:
    """The tables of the sale; those of yoyo and of the deployment are their own."""
    rows = session.query(
        "SELECT table_name AS name FROM information_schema.tables"
        " WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_name NOT REGEXP '^_|^yoyo' ORDER BY 1"
    )
    return [row["name"] for row in rows]


def schema(session: Database) -> str:
    """How every table was made, whatever is in it."""
    texts = [session.query(f"SHOW CREATE TABLE {table}")[0]["Create Table"] for table in tables(session)]
    return "".join(f"{re.sub(r' AUTO_INCREMENT=[0-9]+', '', text)};\n\n" for text in texts).rstrip() + "\n"


def objects(session: Database, *, when: bool = False) -> list[Any]:
    """Every routine, parameter, view and event as the server keeps it; `when` adds when it was made and changed."""
    times = ", created, last_altered" if when else ""
    return [
        session.query(
            "SELECT routine_name, routine_type, routine_definition, routine_comment, definer, security_type, sql_mode,"
            " character_set_client, collation_connection, database_collation, sql_data_access, is_deterministic"
            f"{times} FROM information_schema.routines WHERE routine_schema = DATABASE() ORDER BY 1"
        ),
        session.query(
            "SELECT specific_name, ordinal_position, parameter_mode, parameter_name, dtd_identifier, collation_name"
            " FROM information_schema.parameters WHERE specific_schema = DATABASE() ORDER BY 1, 2"
        ),
        session.query(
            "SELECT table_name, view_definition, definer, security_type, character_set_client, collation_connection"
            " FROM information_schema.views WHERE table_schema = DATABASE() ORDER BY 1"
        ),
        session.query(
            "SELECT event_name, event_definition, event_comment, definer, sql_mode, status, interval_value,"
            f" interval_field, on_completion, collation_connection{times}"
            " FROM information_schema.events WHERE event_schema = DATABASE() ORDER BY 1"
        ),
    ]


@pytest.fixture(scope="module")
def url(mysql_server: PrivateServer) -> Iterator[str]:
    """The address of a deployed database of these tests' own, on the same server."""
    with deployed(mysql_server, SCRATCH) as address:
        yield address
    with Database(mysql_server.admin_url()) as session:
        session.query("DROP USER IF EXISTS reporter@'%'")


@pytest.fixture
def scratch(url: str) -> Iterator[Database]:
    """An administrator's session there; whatever a test did, the next one finds the database as deployed."""
    with Database(url) as session:
        yield session
    deploy(url)


def test_the_tables_are_those_of_the_golden_dump(scratch: Database) -> None:
    made = schema(scratch)
    if os.environ.get(REGENERATE):
        GOLDEN.write_text(made, encoding="utf-8")

    assert made == GOLDEN.read_text(encoding="utf-8"), (
        f"the migrations make other tables than {GOLDEN.name} shows; if that is meant, run"
        f" `{REGENERATE}=1 make test ARGS=tests/migrations` and review the difference"
    )


def test_a_deployment_from_nothing_says_what_it_applied_and_makes_a_working_sale(url: str, scratch: Database) -> None:
    before = schema(scratch)
    scratch.query(f"DROP DATABASE {SCRATCH}")

    said = deploy(url)

    scratch.query(f"USE {SCRATCH}")
    applied = [line for line in said if line.startswith("applied migration ")]
    assert applied == [f"applied migration {path.stem}" for path in sorted(MIGRATIONS.glob("*.sql"))]
    assert "loaded the rows of payment_rules" in said
    assert schema(scratch) == before
    product = new_product(scratch, 5)
    assert pay(scratch, order(scratch, product, 2))["order_status"] == "paid"
    assert stock(scratch, product) == (3, 0, 2)
    assert scratch.call("check_invariants") == []


def test_deploying_again_changes_nothing(url: str, scratch: Database) -> None:
    before = (schema(scratch), objects(scratch, when=True))

    assert deploy(url) == []
    assert (schema(scratch), objects(scratch, when=True)) == before


def test_every_migration_makes_one_table_that_it_is_named_after_and_none_is_left_out() -> None:
    files = sorted(MIGRATIONS.glob("*"))

    assert [path.name[:4] for path in files] == [f"{number:04}" for number in range(1, len(files) + 1)]
    for path in files:
        code = re.sub(r"--.*$|'(?:[^']|'')*'", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert code.count(";") == 1, path.name
        assert re.findall(r"^CREATE TABLE (\w+) \($", code, re.MULTILINE) == [path.stem.partition(".")[2]]


@pytest.mark.parametrize(
    "change",
    [
        "CREATE DEFINER = flashsale_owner@localhost PROCEDURE get_product (IN in_product_id INT) BEGIN SELECT 1; END",
        "CREATE PROCEDURE get_product (IN in_product_id BIGINT) SQL SECURITY INVOKER SELECT 1",
        "CREATE DEFINER = flashsale_owner@localhost PROCEDURE get_product () SELECT 1",
    ],
)
def test_a_changed_procedure_is_reloaded_and_everybody_keeps_their_right_to_it(
    url: str, scratch: Database, change: str
) -> None:
    before = objects(scratch)
    grants = "SELECT User, Host, Routine_name FROM mysql.procs_priv WHERE Db = DATABASE() ORDER BY 1, 2, 3"
    scratch.query("CREATE USER IF NOT EXISTS reporter@'%'")
    scratch.query("DROP PROCEDURE get_product")
    scratch.query(change)
    for account in ("flashsale_api", "flashsale_dba", "reporter"):
        scratch.query(f"GRANT EXECUTE ON PROCEDURE get_product TO {account}@'%'")
    granted = scratch.query(grants)

    assert deploy(url) == ["loaded procedure get_product"]

    assert objects(scratch) == before
    assert scratch.query(grants) == granted
    assert {"User": "reporter", "Host": "%", "Routine_name": "get_product"} in granted


def test_only_a_changed_documentation_is_reloaded_too(url: str, scratch: Database) -> None:
    before = objects(scratch)
    scratch.query("ALTER PROCEDURE get_product COMMENT 'outdated'")

    assert deploy(url) == ["loaded procedure get_product"]
    assert objects(scratch) == before


def test_a_missing_procedure_view_or_event_comes_back(url: str, scratch: Database) -> None:
    before = objects(scratch)
    for statement in ("DROP PROCEDURE _take_units", "DROP VIEW invariant_violations", "DROP EVENT sweep_expired"):
        scratch.query(statement)

    assert deploy(url) == [
        "loaded view invariant_violations", "loaded procedure _take_units", "loaded event sweep_expired",
    ]  # fmt: skip
    assert objects(scratch) == before


VIEW = "DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW stock_ledger AS"


@pytest.mark.parametrize(
    "change",
    [
        f"CREATE OR REPLACE {VIEW} SELECT 1 AS product_id, 1 AS units",
        "CREATE OR REPLACE ALGORITHM = TEMPTABLE {shown}",
        "CREATE OR REPLACE DEFINER = root@localhost {shown}",
        "CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY INVOKER {shown}",
        "DELETE FROM _loaded_view WHERE view_name = 'stock_ledger'",
    ],
)
def test_a_changed_view_is_reloaded(url: str, scratch: Database, change: str) -> None:
    before = objects(scratch)
    shown = scratch.query("SHOW CREATE VIEW stock_ledger")[0]["Create View"]
    plain = shown[shown.index("VIEW `") :]
    if "TEMPTABLE" in change:
        plain = f"DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER {plain}"
    scratch.query(change.format(shown=plain))

    assert deploy(url) == ["loaded view stock_ledger"]
    assert objects(scratch) == before
    assert scratch.query("SHOW CREATE VIEW stock_ledger")[0]["Create View"] == shown
    assert deploy(url) == []


@pytest.mark.parametrize("view", [item.name for item in all_objects() if item.kind == "VIEW"])
def test_a_view_can_be_made_from_what_mysql_shows_of_it(scratch: Database, view: str) -> None:
    """As a backup does: a column without a name of its own gets one that may be too long."""
    shown = scratch.query(f"SHOW CREATE VIEW {view}")[0]["Create View"]

    scratch.query(f"CREATE OR REPLACE {shown.removeprefix('CREATE ')}")

    assert scratch.query(f"SHOW CREATE VIEW {view}")[0]["Create View"] == shown


def test_a_view_whose_file_changed_is_reloaded(url: str, scratch: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = all_objects()
    other = [
        item._replace(statement=item.statement.replace("'added'", "'came'")) if item.name == "stock_ledger" else item
        for item in wanted
    ]
    assert other != wanted
    monkeypatch.setattr("sql.deploy.objects.all_objects", lambda: other)

    assert deploy(url) == ["loaded view stock_ledger"]
    assert "'came'" in scratch.query("SHOW CREATE VIEW stock_ledger")[0]["Create View"]
    monkeypatch.undo()
    assert deploy(url) == ["loaded view stock_ledger"]


def test_views_of_a_deployment_that_kept_no_note_are_loaded_once(url: str, scratch: Database) -> None:
    scratch.query("DROP TABLE _loaded_view")

    views = [f"loaded view {item.name}" for item in all_objects() if item.kind == "VIEW"]
    assert deploy(url) == views
    assert deploy(url) == []


@pytest.mark.parametrize(
    "change",
    [
        f"{EVENT} DISABLE",
        f"{EVENT} ON SCHEDULE EVERY 1 HOUR",
        f"{EVENT} DO SELECT 1",
        "ALTER EVENT sweep_expired ENABLE",
    ],
)
def test_a_changed_event_is_reloaded_and_runs(url: str, scratch: Database, change: str) -> None:
    before = objects(scratch)
    with scheduler_off(scratch):
        scratch.query(change)

    assert deploy(url) == ["loaded event sweep_expired"]
    assert objects(scratch) == before


def test_what_an_earlier_version_left_behind_is_dropped_and_what_others_made_is_not(
    url: str, scratch: Database
) -> None:
    owner = "DEFINER = flashsale_owner@localhost"
    scratch.query(f"CREATE {owner} PROCEDURE sell_everything () SELECT 1")
    scratch.query(f"CREATE {owner} FUNCTION cheap () RETURNS INT DETERMINISTIC NO SQL RETURN 1")
    scratch.query(f"CREATE {owner} VIEW bargains AS SELECT 1 AS a")
    scratch.query(f"CREATE {owner} EVENT clearance ON SCHEDULE EVERY 1 DAY DO SELECT 1")
    scratch.query("CREATE PROCEDURE my_own_report () SELECT 1")

    assert sorted(deploy(url)) == [
        "dropped event clearance", "dropped function cheap", "dropped procedure sell_everything",
        "dropped view bargains",
    ]  # fmt: skip
    assert scratch.call("my_own_report") == [{"1": 1}]
    scratch.query("DROP PROCEDURE my_own_report")


def test_a_deployment_that_was_killed_does_not_keep_the_next_one_out(url: str, scratch: Database) -> None:
    scratch.query("INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, UTC_TIMESTAMP(), 4194000)")

    assert deploy(url) == []
    assert scratch.value("SELECT COUNT(*) FROM yoyo_lock") == 0


def test_a_deployment_that_stopped_between_two_migrations_is_completed(url: str, scratch: Database) -> None:
    before = schema(scratch)
    scratch.query("DROP TABLE sweep_heartbeat")
    scratch.query("DELETE FROM _yoyo_migration WHERE migration_id = '0010.sweep_heartbeat'")

    assert deploy(url) == ["applied migration 0010.sweep_heartbeat"]
    assert schema(scratch) == before


def test_two_deployments_at_once_wait_for_each_other(url: str, scratch: Database) -> None:
    before = (schema(scratch), objects(scratch))
    scratch.query(f"DROP DATABASE {SCRATCH}")

    done = at_once(deploy, [url, url])

    assert [lines for lines in done if isinstance(lines, Exception)] == []
    assert sorted(len(lines) > 0 for lines in done if isinstance(lines, list)) == [False, True]
    scratch.query(f"USE {SCRATCH}")
    assert (schema(scratch), objects(scratch)) == before


def test_the_plain_client_installs_the_same_objects_with_the_command_that_install_sql_names(
    url: str, scratch: Database
) -> None:
    before = objects(scratch)
    for item in all_objects():
        scratch.query(f"DROP {item.kind} {item.name}")
    address = parse(url)
    install = SQL_FOLDER / "install.sql"
    options = re.search(r"cd sql && mysql (.*) DATABASE < install.sql", install.read_text(encoding="utf-8"))
    assert options
    where = ["--protocol=TCP", f"--host={address.host}", f"--port={address.port}", f"--user={address.user}"]

    done = subprocess.run(
        [*obtain_tool("mysql", lambda _: None), "--no-defaults", *where, *options[1].split(), address.database],
        stdin=install.open("rb"), cwd=SQL_FOLDER, capture_output=True, text=True, check=False,
        env={**os.environ, "MYSQL_PWD": address.password},
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert objects(scratch) == before
    assert deploy(url) == []


def test_a_login_gets_the_password_of_the_last_deployment(url: str, api_url: str) -> None:
    changed = replace(parse(api_url), password="another one")
    try:
        migrate(url, "another one", OPERATOR_PASSWORD, echo=lambda _: None)
        Database(str(changed)).close()
        with pytest.raises(mysql.connector.Error):
            Database(api_url)
    finally:
        deploy(url)
    with Database(api_url) as api:
        assert api.call("list_products") is not None
