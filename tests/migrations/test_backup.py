"""A backup that is taken in the middle of a sale is a whole sale, wherever it is restored."""

import os
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sql.deploy.objects import SQL_FOLDER
from sql.server.private import PrivateServer
from sql.server.programs import find_programs
from sql.server.urls import parse
from tests.support.database import Database, Refused
from tests.support.deploying import deploy, deployed
from tests.support.sale import hold, new_key, new_product, pay, scheduler_off, stock
from tests.support.waiting import wait_until

SOLD, RESTORED = "flashsale_sold", "flashsale_restored"
DUMP = "mysqldump --single-transaction --routines --events --no-tablespaces --set-gtid-purged=OFF"


@pytest.fixture
def sale(mysql_server: PrivateServer) -> Iterator[str]:
    """The address of a database that may be sold from and restored beside."""
    with deployed(mysql_server, SOLD) as address:
        yield address
    with Database(mysql_server.admin_url()) as session:
        session.query(f"DROP DATABASE IF EXISTS {RESTORED}")


def client(program: str, address: str, *options: str, **streams: object) -> None:
    """Run mysqldump or mysql as the administrator; it must succeed."""
    url, programs = parse(address), find_programs(lambda _: None)
    command = [*programs.loader, str(programs.mysql.with_name(program)), "--no-defaults", "--protocol=TCP"]
    command += [f"--host={url.host}", f"--port={url.port}", f"--user={url.user}", *options, url.database]
    environment = {**os.environ, "MYSQL_PWD": url.password}
    subprocess.run(command, env=environment, check=True, timeout=60, **streams)  # type: ignore[call-overload]


def test_a_backup_of_a_running_sale_restores_to_a_sale_that_adds_up_and_goes_on(
    sale: str, mysql_server: PrivateServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Database(sale) as session:
        product = new_product(session, 100_000, max_per_customer=100_000)
    enough, bought = threading.Event(), []

    def buy(customer: str) -> None:
        with Database(sale) as buyer:
            while not enough.is_set():
                order_id = hold(buyer, product, 1, customer)
                pay(buyer, order_id)
                buyer.one("create_order", order_id, new_key())
                hold(buyer, product, 2, customer)
                bought.append(order_id)

    dump = tmp_path_factory.mktemp("backup") / "sale.sql"
    restored = mysql_server.admin_url(RESTORED)
    with ThreadPoolExecutor(4) as pool:
        buyers = [pool.submit(buy, f"customer {number}") for number in range(4)]
        wait_until(lambda: len(bought) > 100)
        before = len(bought)
        with dump.open("wb") as output:
            client("mysqldump", sale, *DUMP.split()[1:], stdout=output)
        wait_until(lambda: len(bought) > before)
        enough.set()
        for buyer in buyers:
            buyer.result()

    with Database(mysql_server.admin_url()) as session, scheduler_off(session):
        deploy(restored)
        with dump.open("rb") as script:
            client("mysql", restored, stdin=script)
        deploy(restored)

    with Database(restored) as session:
        assert session.call("check_invariants") == []
        paid = {row["id"] for row in session.query("SELECT order_uuid AS id FROM orders WHERE status = 'paid'")}
        assert set(bought[:before]) <= paid
        available = stock(session, product)[0]
        session.one("create_order", hold(session, product, 1, "somebody new"), None)
        assert stock(session, product)[0] == available - 1
        last = session.value("SELECT MAX(run_id) FROM sweep_heartbeat")
        wait_until(lambda: session.value("SELECT MAX(run_id) FROM sweep_heartbeat") > last)
        with pytest.raises(Refused, match="product_not_found"):
            hold(session, product + 1)
        assert session.call("check_invariants") == []


def test_the_manual_names_the_command_that_was_tried() -> None:
    assert DUMP in (SQL_FOLDER / "README.md").read_text(encoding="utf-8")
