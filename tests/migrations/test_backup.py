"""A backup that is taken in the middle of a sale is a whole sale, wherever it is restored."""

import gzip
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sql.deploy.__main__ import main
from sql.deploy.backup import DUMP, read_head, restore, save
from sql.server.private import PrivateServer
from sql.server.state import Failure
from sql.server.urls import parse
from tests.conftest import API_PASSWORD, OPERATOR_PASSWORD
from tests.support.database import Database, Refused
from tests.support.deploying import deployed
from tests.support.sale import hold, new_key, new_product, pay, stock
from tests.support.waiting import wait_until

SOLD, RESTORED = "flashsale_sold", "flashsale_restored"


@pytest.fixture
def sale(mysql_server: PrivateServer) -> Iterator[str]:
    """The address of a database that may be sold from and restored beside."""
    with deployed(mysql_server, SOLD) as address:
        yield address
    with Database(mysql_server.admin_url()) as session:
        session.query(f"DROP DATABASE IF EXISTS {RESTORED}")
        # While something is restored no EVENT of the server runs.
        last = session.value("SELECT MAX(run_id) FROM sweep_heartbeat")
        wait_until(lambda: session.value("SELECT MAX(run_id) FROM sweep_heartbeat") > last)


def quiet(line: str) -> None:
    """Say nothing."""


PASSWORDS = (API_PASSWORD, OPERATOR_PASSWORD)
NAMES = ("FLASHSALE_ADMIN_URL", "FLASHSALE_API_PASSWORD", "FLASHSALE_OPERATOR_PASSWORD")


@pytest.mark.parametrize("log", ["of the server", "copied"])
def test_a_backup_of_a_running_sale_restores_to_its_last_order_and_goes_on(
    sale: str, mysql_server: PrivateServer, tmp_path: Path, log: str
) -> None:
    """And every order that was acknowledged before the server was lost is there, from the binary log."""
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

    dump = tmp_path / "sale.sql.gz"
    restored = mysql_server.admin_url(RESTORED)
    with ThreadPoolExecutor(4) as pool:
        buyers = [pool.submit(buy, f"customer {number}") for number in range(4)]
        wait_until(lambda: len(bought) > 100)
        before = len(bought)
        save(parse(sale), dump, quiet)
        wait_until(lambda: len(bought) > before + 50)
        enough.set()
        for buyer in buyers:
            buyer.result()

    logs = None
    if log == "copied":
        logs = tmp_path / "logs"
        logs.mkdir()
        with Database(sale) as session:
            folder = Path(session.value("SELECT @@GLOBAL.datadir"))
        for path in folder.glob("binlog.[0-9]*"):
            shutil.copy(path, logs)
    restore(parse(restored), dump, PASSWORDS, logs, echo=quiet)

    with Database(restored) as session:
        assert session.call("check_invariants") == []
        paid = {row["id"] for row in session.query("SELECT order_uuid AS id FROM orders WHERE status = 'paid'")}
        assert len(set(bought)) == len(bought) and set(bought) <= paid
        last = bought[-1]
        assert session.one("get_order", last)["status"] == "paid"
        available = stock(session, product)[0]
        session.one("create_order", hold(session, product, 1, "somebody new"), None)
        assert stock(session, product)[0] == available - 1
        last = session.value("SELECT MAX(run_id) FROM sweep_heartbeat")
        wait_until(lambda: session.value("SELECT MAX(run_id) FROM sweep_heartbeat") > last)
        with pytest.raises(Refused, match="product_not_found"):
            hold(session, product + 1)
        assert session.call("check_invariants") == []


def test_a_restore_ends_before_an_accident(sale: str, mysql_server: PrivateServer, tmp_path: Path) -> None:
    with Database(sale) as session:
        product = new_product(session, 10)
        save(parse(sale), tmp_path / "sale.sql.gz", quiet)
        good = hold(session, product)
        wait_until(lambda: session.value("SELECT UTC_TIMESTAMP() > MAX(created_at) FROM holds"))
        accident = str(session.value("SELECT UTC_TIMESTAMP() + INTERVAL 1 SECOND"))
        wait_until(lambda: session.value("SELECT UTC_TIMESTAMP() > %s", accident))
        session.query("DELETE FROM holds")

    restore(parse(mysql_server.admin_url(RESTORED)), tmp_path / "sale.sql.gz", PASSWORDS, None, accident, quiet)

    with Database(mysql_server.admin_url(RESTORED)) as session:
        assert session.one("get_hold", good)["status"] == "active"
    with Database(sale) as session:
        session.query("UPDATE stock_stripes SET available = available + 1 WHERE product_id = %s LIMIT 1", product)


def test_a_restore_beside_buyers_is_refused(mysql_server: PrivateServer, api_url: str, tmp_path: Path) -> None:
    save(parse(mysql_server.admin_url()), tmp_path / "sale.sql.gz", quiet)
    with Database(api_url), pytest.raises(Failure, match="stop it first"):
        restore(parse(mysql_server.admin_url()), tmp_path / "sale.sql.gz", PASSWORDS, echo=quiet)


def whole(file: Path) -> bytes:
    """A backup as it should be, unpacked."""
    return gzip.decompress(file.read_bytes())


@pytest.fixture(scope="module")
def good_backup(mysql_server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole backup, for the tests that spoil a copy of it."""
    file = tmp_path_factory.mktemp("backup") / "whole.sql.gz"
    save(parse(mysql_server.admin_url()), file, quiet)
    return file


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: b"",
        lambda file: b"no gzip",
        lambda file: gzip.compress(b"-- MySQL dump\n"),
        lambda file: file.read_bytes()[:-1000],
        lambda file: file.read_bytes()[:-1000] + b"?" + file.read_bytes()[-999:],
        lambda file: gzip.compress(whole(file)[:-60]),
    ],
    ids=["empty", "no gzip", "no end", "cut off", "a wrong byte", "a dump that ended early"],
)
def test_what_is_no_backup_is_refused_before_anything_is_replaced(
    spoil: Callable[[Path], bytes], good_backup: Path, mysql_server: PrivateServer, tmp_path: Path
) -> None:
    url = parse(mysql_server.admin_url())
    file = tmp_path / "sale.sql.gz"
    file.write_bytes(spoil(good_backup))
    with Database(str(url)) as session:
        product = new_product(session, 1)

    with pytest.raises(Failure, match=r"is no backup|is not the whole of a backup"):
        restore(url, file, PASSWORDS, echo=quiet)

    with Database(str(url)) as session:
        assert stock(session, product)[0] == 1


def test_a_time_that_is_none_is_refused_before_anything_is_replaced(sale: str, tmp_path: Path) -> None:
    save(parse(sale), tmp_path / "sale.sql.gz", quiet)
    with Database(sale) as session:
        product = new_product(session, 1)

    with pytest.raises(Failure, match="UNTIL must be"):
        restore(parse(sale), tmp_path / "sale.sql.gz", PASSWORDS, until="tomorrow", echo=quiet)

    with Database(sale) as session:
        assert stock(session, product)[0] == 1


def test_after_a_restore_that_failed_in_the_middle_nobody_sells_and_the_next_does_not_repeat_it(
    sale: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it did to the tables is in the binary log, after the last order."""
    file, broken = tmp_path / "sale.sql.gz", tmp_path / "broken.sql.gz"
    with Database(sale) as session:
        product = new_product(session, 10, hold_seconds=3600)
        hold(session, product)
        save(parse(sale), file, quiet)
        held = hold(session, product)
    text = whole(file).replace(b"CREATE TABLE `_yoyo_migration`", b"CREATE TABLEAU `_yoyo_migration`")
    broken.write_bytes(gzip.compress(text))

    with pytest.raises(Failure, match="restore it again"):
        restore(parse(sale), broken, PASSWORDS, echo=quiet)
    for name, value in zip(NAMES, (sale, *PASSWORDS), strict=True):
        monkeypatch.setenv(name, value)
    assert (main(["migrate"]), "make restore" in capsys.readouterr().err) == (1, True)
    for _ in range(2):
        restore(parse(sale), file, PASSWORDS, echo=quiet)

        with Database(sale) as session:
            assert session.one("get_hold", held)["status"] == "active"
            assert stock(session, product) == (8, 2, 0)
            assert session.call("check_invariants") == []
            assert session.query("SHOW TABLES LIKE '\\_unfinished%%'") == []
            later = hold(session, product)
            session.one("release_hold", later)


def test_a_log_that_does_not_reach_back_to_the_backup_is_refused(mysql_server: PrivateServer, tmp_path: Path) -> None:
    save(parse(mysql_server.admin_url()), tmp_path / "sale.sql.gz", quiet)
    log = read_head(tmp_path / "sale.sql.gz").log
    with pytest.raises(Failure, match=log):
        restore(parse(mysql_server.admin_url(RESTORED)), tmp_path / "sale.sql.gz", PASSWORDS, tmp_path, echo=quiet)


def test_a_backup_that_fails_leaves_nothing(mysql_server: PrivateServer, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no backup was made"):
        save(parse(mysql_server.admin_url("nowhere")), tmp_path / "sale.sql.gz", quiet)
    assert list(tmp_path.iterdir()) == []
    assert "--single-transaction" in DUMP
