"""Sessions that hold the rows of a sale, or replace its procedures, while buyers buy."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import mysql.connector
import pytest

from sql.server.private import PrivateServer
from tests.conftest import API_PASSWORD, OPERATOR_PASSWORD
from tests.faults.conftest import redeploy
from tests.support.buyer import Buyer, buyers, problem_of, statuses
from tests.support.database import Database
from tests.support.fault_lengths import times
from tests.support.running_sale import assert_sold_once, running_sale
from tests.support.sale import new_product, stock
from tests.support.service import ROOT, Service
from tests.support.waiting import lock_waits, wait_until


@contextmanager
def locked(session: Database, statement: str, *arguments: object) -> Iterator[None]:
    """While the block runs, the rows of the statement belong to somebody else."""
    session.query("START TRANSACTION")
    session.query(statement + " FOR UPDATE", *arguments)
    try:
        yield
    finally:
        session.query("ROLLBACK")


@pytest.mark.parametrize(
    "rows",
    [
        "SELECT 1 FROM stock_stripes WHERE product_id = %s",
        "SELECT 1 FROM products WHERE product_id = %s",
    ],
)
def test_rows_that_somebody_keeps_locked_make_buyers_wait_and_come_back(
    service: Service, db: Database, connect_as: Callable[..., Database], rows: str
) -> None:
    product = new_product(db, 100, stripes=2)
    with buyers(service.url, 4) as crowd:
        with locked(connect_as("admin"), rows, product), ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda buyer: buyer.hold(product), crowd))
        assert statuses(answers) == {503: 4}
        assert {problem_of(answer) for answer in answers} == {"service_unavailable"}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
        assert stock(db, product) == (100, 0, 0)
        assert [buyer.hold(product).status_code for buyer in crowd] == [201] * 4


def test_a_lock_that_is_given_back_in_time_costs_nobody_the_hold(
    service: Service, db: Database, connect_as: Callable[..., Database]
) -> None:
    product, admin = new_product(db, 4, stripes=1), connect_as("admin")
    with buyers(service.url, 4) as crowd, ThreadPoolExecutor(4) as pool:
        with locked(admin, "SELECT 1 FROM stock_stripes WHERE product_id = %s", product):
            answers = []
            for number, buyer in enumerate(crowd, start=1):  # who came together would wait as one
                answers.append(pool.submit(buyer.hold, product))
                wait_until(lambda number=number: lock_waits(admin) == number)
        assert [answer.result().status_code for answer in answers] == [201] * 4
    assert stock(db, product) == (0, 4, 0)


def is_refused_as_deadlock(session: Database, statement: str, *arguments: object) -> bool:
    """Whether the session is the victim when it locks these rows too."""
    try:
        session.query(statement + " FOR UPDATE", *arguments)
    except mysql.connector.InternalError as error:
        return error.errno == 1213
    return False


def test_a_session_that_locks_in_the_wrong_order_causes_no_error(
    service: Service, db: Database, connect_as: Callable[..., Database]
) -> None:
    product, hostile, admin = new_product(db, 100, stripes=1), connect_as("admin"), connect_as("admin")
    seen, deadlocks, rounds = [], 0, times(6, 60)
    with Buyer(service.url) as buyer, ThreadPoolExecutor(1) as pool:
        for round_ in range(rounds):
            hold_id = buyer.hold(product).json()["hold_id"]
            hostile.query("START TRANSACTION")
            # The victim is the one that changed fewer rows: by turns the buyer and the hostile session.
            for _ in range(8 * (round_ % 2)):
                hostile.query("INSERT INTO stock_adjustments VALUES (NULL, %s, 1, 'x', 'x', NOW())", product)
            hostile.query("UPDATE stock_stripes SET available = available - 1 WHERE product_id = %s", product)
            answer = pool.submit(buyer.release, hold_id)
            wait_until(lambda: lock_waits(admin) == 1)
            deadlocks += is_refused_as_deadlock(hostile, "SELECT 1 FROM holds WHERE hold_id = UUID_TO_BIN(%s)", hold_id)
            hostile.query("ROLLBACK")
            seen.append(answer.result())

    assert 0 < deadlocks < rounds, "both sides were to be the victim"
    assert set(statuses(seen)) <= {200, 503}
    released = statuses(seen).get(200, 0)
    assert stock(db, product) == (100 - rounds + released, rounds - released, 0)


def test_a_sale_goes_on_among_sessions_that_lock_its_rows_in_the_wrong_order(
    service: Service, db: Database, connect_as: Callable[..., Database]
) -> None:
    """Stripes before holds before products is the opposite of what every procedure does."""
    hostile = connect_as("admin")
    rows = [
        "SELECT 1 FROM stock_stripes WHERE product_id = %s ORDER BY stripe DESC",
        "SELECT 1 FROM orders WHERE product_id = %s ORDER BY created_at DESC LIMIT 5",
        "SELECT 1 FROM holds WHERE product_id = %s ORDER BY created_at DESC LIMIT 5",
        "SELECT 1 FROM products WHERE product_id = %s",
    ]
    failed, tries, until = 0, 0, time.monotonic() + 60
    with running_sale(service.url, db) as sale:
        while tries < times(20, 120) or (failed == 0 and time.monotonic() < until):
            tries += 1
            hostile.query("START TRANSACTION")
            try:
                for statement in rows:
                    hostile.query(statement + " FOR UPDATE", sale.product)
            except mysql.connector.Error as error:
                assert error.errno in (1205, 1213)
                failed += 1
            hostile.query("ROLLBACK")
        sale.goes_on(12)

    assert failed > 0, "they never met"
    assert sale.answers.keys() <= {200, 201, 202, 503}
    assert_sold_once(db, sale)


def test_everything_may_be_deployed_anew_while_the_sale_runs(
    service: Service, mysql_server: PrivateServer, db: Database, connect_as: Callable[..., Database]
) -> None:
    admin = connect_as("admin")
    routines = "SELECT routine_name AS name FROM information_schema.routines WHERE routine_schema = DATABASE()"
    names = [row["name"] for row in admin.query(routines)]
    with running_sale(service.url, db) as sale:
        for _ in range(times(1, 5)):
            for name in names:
                admin.query(f"ALTER PROCEDURE {name} COMMENT 'of an older version'")
            deployed = deploy(mysql_server)
            assert set(re.findall(r"loaded procedure (\w+)", deployed)) == set(names)
            sale.goes_on(6)

    assert sale.answers.keys() <= {200, 201, 202, 503}
    # The gateway waits for a procedure that is being replaced: hardly any buyer is sent away.
    assert sale.answers[503] <= sum(sale.answers.values()) // 20
    assert_sold_once(db, sale)


def deploy(server: PrivateServer) -> str:
    """What `make migrate` runs, and what it prints."""
    secrets = {
        "FLASHSALE_ADMIN_URL": server.admin_url(),
        "FLASHSALE_API_PASSWORD": API_PASSWORD,
        "FLASHSALE_OPERATOR_PASSWORD": OPERATOR_PASSWORD,
    }
    done = subprocess.run(
        [sys.executable, "-m", "sql.deploy", "migrate"],
        cwd=ROOT,
        env={**os.environ, **secrets},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_procedures_may_be_replaced_while_the_sale_runs(
    service: Service, mysql_server: PrivateServer, db: Database, connect_as: Callable[..., Database]
) -> None:
    admin = connect_as("admin")
    with running_sale(service.url, db) as sale:
        for procedure in ("create_hold", "_end_holds", "receive_payment_webhook"):
            admin.query(f"DROP PROCEDURE {procedure}")
            redeploy(mysql_server)
            sale.goes_on(6)

    assert sale.answers.keys() <= {200, 201, 202, 503}
    assert_sold_once(db, sale)


def test_a_procedure_that_is_missing_for_long_is_out_of_service(
    service: Service, mysql_server: PrivateServer, db: Database, connect_as: Callable[..., Database]
) -> None:
    product = new_product(db, 1)
    connect_as("admin").query("DROP PROCEDURE get_product")
    try:
        with Buyer(service.url) as buyer:
            answer = buyer.get(f"/api/products/{product}")
            assert (answer.status_code, problem_of(answer)) == (503, "service_unavailable")
            assert int(answer.headers["retry-after"]) >= 1
            assert buyer.hold(product).status_code == 201
    finally:
        redeploy(mysql_server)
