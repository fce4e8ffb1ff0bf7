"""gunicorn is stopped or loses its workers while buyers buy."""

import http.client
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import httpx

from tests.support.buyer import Buyer, buyers, insist
from tests.support.database import Database
from tests.support.fault_lengths import times
from tests.support.running_sale import assert_sold_once, running_sale
from tests.support.sale import new_key, new_product, stock
from tests.support.service import Service
from tests.support.waiting import lock_waits, wait_until

BUYERS = 6


@contextmanager
def holds_under_way(
    service: Service, admin: Database, product: int, keys: list[str]
) -> Iterator[list[Future[httpx.Response]]]:
    """Requests for holds, which MySQL is at work on, in sets, or which wait for it; none ends before the block does."""
    begun: list[str] = []

    def ask(buyer: Buyer, key: str) -> httpx.Response:
        begun.append(key)
        return buyer.hold(product, 1, key)

    with buyers(service.url, len(keys)) as crowd, ThreadPoolExecutor(len(keys)) as pool:
        for buyer in crowd:  # A connection that no worker has accepted yet would be the next worker's.
            assert buyer.get("/healthz").status_code == 200
        admin.query("START TRANSACTION")
        admin.query("SELECT 1 FROM stock_stripes WHERE product_id = %s FOR UPDATE", product)
        try:
            # A cold machine may be slower than the API's patience.
            answers = [
                pool.submit(insist, partial(ask, buyer, key), 60) for buyer, key in zip(crowd, keys, strict=True)
            ]
            wait_until(lambda: len(begun) >= len(keys) and lock_waits(admin) > 0, 25)
            yield answers
        finally:
            admin.query("ROLLBACK")


def test_sigterm_lets_requests_finish_that_have_begun(
    own_service: Service, db: Database, connect_as: Callable[..., Database]
) -> None:
    product, keys = new_product(db, BUYERS, stripes=1), [new_key() for _ in range(BUYERS)]

    with holds_under_way(own_service, connect_as("admin"), product, keys) as answers:
        own_service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: lets_nobody_in(own_service))

    assert [answer.result().status_code for answer in answers] == [201] * BUYERS
    assert own_service.process.wait(timeout=15) == 0
    assert stock(db, product) == (0, BUYERS, 0)


def lets_nobody_in(service: Service) -> bool:
    """Whether a new buyer is turned away."""
    try:
        Buyer(service.url, timeout=1).get("/healthz")
    except (OSError, http.client.HTTPException):
        return True
    return False


def test_sigterm_in_a_rush_leaves_no_hold_that_its_buyer_was_not_told_of(own_service: Service, db: Database) -> None:
    product, told = new_product(db, 100_000, stripes=8), []

    def buy_until_closed(buyer: Buyer) -> None:
        try:
            while True:
                answer = buyer.hold(product)
                assert answer.status_code == 201, answer.text
                told.append(answer.json()["hold_id"])
        except (OSError, http.client.HTTPException):
            return

    with buyers(own_service.url, BUYERS) as crowd, ThreadPoolExecutor(BUYERS) as pool:
        rush = [pool.submit(buy_until_closed, buyer) for buyer in crowd]
        wait_until(lambda: len(told) > 50)
        own_service.process.send_signal(signal.SIGTERM)
        for each in rush:
            each.result()

    assert own_service.process.wait(timeout=15) == 0
    kept = db.query("SELECT hold_uuid FROM holds WHERE product_id = %s", product)
    assert sorted(row["hold_uuid"] for row in kept) == sorted(told)


def test_a_hold_whose_answer_was_lost_with_the_worker_is_given_to_who_asks_again(
    own_service: Service, db: Database, connect_as: Callable[..., Database]
) -> None:
    product, keys = new_product(db, BUYERS, stripes=1), [new_key() for _ in range(BUYERS)]

    with holds_under_way(own_service, connect_as("admin"), product, keys) as answers:
        for worker in own_service.workers():
            os.kill(worker, signal.SIGKILL)
        for answer in answers:
            assert isinstance(answer.exception(timeout=10), OSError | http.client.HTTPException)

    with Buyer(own_service.url) as buyer:
        repeats = {key: insist(partial(buyer.hold, product, 1, key)) for key in keys}
    # Those that MySQL was at work on, and those that it had not heard of.
    assert {answer.status_code for answer in repeats.values()} <= {200, 201}
    assert any(answer.headers.get("idempotent-replayed") == "true" for answer in repeats.values())
    rows = db.query("SELECT idempotency_key, hold_uuid FROM holds WHERE product_id = %s", product)
    made = {row["idempotency_key"]: row["hold_uuid"] for row in rows}
    assert {key: answer.json()["hold_id"] for key, answer in repeats.items()} == made
    assert stock(db, product) == (0, BUYERS, 0)


def test_workers_killed_in_the_middle_of_a_sale_lose_and_double_nothing(own_service: Service, db: Database) -> None:
    with running_sale(own_service.url, db) as sale:
        for _ in range(times(3, 25)):
            victims = own_service.workers()
            for victim in victims:
                os.kill(victim, signal.SIGKILL)
            wait_until(lambda: not own_service.workers() & victims)  # noqa: B023 - called at once
            sale.goes_on(12)

    assert sale.answers[0] > 0, "nobody noticed"
    assert sale.answers.keys() <= {0, 200, 201, 202, 503}
    assert_sold_once(db, sale)


def test_a_master_killed_in_the_middle_of_a_sale_is_replaced_and_nothing_is_lost(
    own_service: Service, api_url: str, db: Database
) -> None:
    running = own_service
    with running_sale(own_service.url, db) as sale:
        for _ in range(times(1, 5)):
            running.process.kill()
            running.process.wait()
            # What a supervisor does: it starts another on the same port, where the orphaned workers still finish.
            running = Service(api_url, own_service.log, port=own_service.port)
            sale.goes_on(12)
    running.stop()

    assert sale.answers.keys() <= {0, 200, 201, 202, 503}
    assert_sold_once(db, sale)
