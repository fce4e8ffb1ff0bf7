"""The API delivers what the outbox holds to real receivers: slow, dead, failing, hanging and redirecting ones."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.database import Database
from tests.support.outbox import make_due, state_of
from tests.support.receiver import SECRET, Message, Receiver
from tests.support.sale import new_payment, new_product, nobody_sweeps, order, pay
from tests.support.service import Service, free_port, refused_settings
from tests.support.waiting import wait_until

SECONDS = 30


@pytest.fixture
def serve(api_url: str, tmp_path: Path, connect_as: Callable[..., Database]) -> Iterator[Callable[..., Service]]:
    """Start the API so that it tells these; in the end it tells nobody any more."""
    running: list[Service] = []

    def start(*urls: str) -> Service:
        service = Service(
            api_url,
            tmp_path / f"gunicorn{len(running)}.log",
            FLASHSALE_NOTIFY_URL=",".join(urls),
            FLASHSALE_NOTIFY_SECRETS=SECRET,
        )
        running.append(service)
        admin = connect_as("admin")
        known = "SELECT receiver FROM notification_receivers"
        wait_until(lambda: {row["receiver"] for row in admin.query(known)} == set(urls), SECONDS)
        return service

    with nobody_sweeps(connect_as("admin")):
        yield start
    for service in running:
        if service.process.poll() is None:
            service.stop()
    connect_as("admin").call("set_receivers", "[]")


def processes_with_sessions(admin: Database) -> set[int]:
    """The process ids of the clients of MySQL."""
    attributes = "SELECT ATTR_VALUE FROM performance_schema.session_connect_attrs WHERE ATTR_NAME = '_pid'"
    return {int(row["ATTR_VALUE"]) for row in admin.query(attributes)}


def test_each_order_is_told_of_signed_once_and_in_order(db: Database, serve: Callable[..., Service]) -> None:
    with Receiver() as shop:
        serve(shop.url)
        product = new_product(db, 20)
        orders = [order(db, product) for _ in range(20)]
        payments = {each: new_payment() for each in orders}
        for each, payment in payments.items():
            pay(db, each, payment=payment)
            pay(db, each, "refunded", payment=payment)

        came = shop.wait_for(*orders, kinds=3)
        for each in orders:
            assert [message.kind for message in came if message.subject == each] == [
                "order.created", "order.paid", "order.refunded",
            ]  # fmt: skip
        assert len({message.message_id for message in came}) == 60
        wait_until(
            lambda: all(state == "delivered" for each in orders for _, state, _, _ in state_of(db, shop.url, each)),
            SECONDS,
        )


def test_a_slow_receiver_gets_each_once_and_in_order(db: Database, serve: Callable[..., Service]) -> None:
    def take_a_second(_: Message) -> int:
        time.sleep(1)
        return 204

    with Receiver() as shop:
        shop.status = take_a_second
        serve(shop.url)
        product = new_product(db, 10)
        orders = [order(db, product) for _ in range(10)]
        for order_id in orders:
            pay(db, order_id)

        came = shop.wait_for(*orders, kinds=2)
        wait_until(lambda: all(state_of(db, shop.url, each)[1][1] == "delivered" for each in orders), SECONDS)
        for order_id in orders:
            told = [each for each in came if each.subject == order_id]
            assert [message.kind for message in told] == ["order.created", "order.paid"]
            assert [attempts for _, _, attempts, _ in state_of(db, shop.url, order_id)] == [1, 1]


def test_a_receiver_that_answers_too_late_is_tried_again(
    db: Database, serve: Callable[..., Service], connect_as: Callable[..., Database]
) -> None:
    with Receiver() as shop:
        shop.open.clear()
        serve(shop.url)
        order_id = order(db, new_product(db, 1))
        wait_until(lambda: state_of(db, shop.url, order_id)[0][3] == "no answer within 10 s", SECONDS)
        shop.open.set()
        make_due(connect_as("admin"), shop.url)

        wait_until(lambda: state_of(db, shop.url, order_id)[0][1] == "delivered", SECONDS)
        first, second = shop.wait_for(order_id)
        assert first == second


def test_a_receiver_that_is_dead_or_hangs_holds_up_neither_another_nor_the_sale(
    db: Database, serve: Callable[..., Service]
) -> None:
    dead = f"http://127.0.0.1:{free_port()}/"
    with Receiver() as hanging, Receiver() as alive:
        hanging.open.clear()
        service = serve(dead, hanging.url, alive.url)
        product = new_product(db, 100)
        orders = [order(db, product) for _ in range(80)]

        came = alive.wait_for(*orders)
        assert len(came) == 80
        wait_until(lambda: state_of(db, dead, orders[0])[0][3] == "ConnectError", SECONDS)
        began = time.monotonic()
        with httpx.Client(base_url=service.url, timeout=10, verify=False) as buyer:
            for number in range(20):
                headers = {"Idempotency-Key": f"{product}-{number}"}
                body = {"product_id": product, "qty": 1}
                assert buyer.post("/api/holds", json=body, headers=headers).status_code == 201
        assert time.monotonic() - began < 5
        # Once it counts as dead one message tries it, not all of them: beyond the first batch of each worker a few.
        assert 3 <= db.value("SELECT SUM(attempts) FROM notifications WHERE receiver = %s", dead) < 60
        assert {state_of(db, hanging.url, each)[0][1] for each in orders} == {"pending"}


def test_what_a_killed_worker_had_claimed_arrives_when_its_lease_is_over(
    db: Database, serve: Callable[..., Service], connect_as: Callable[..., Database]
) -> None:
    with Receiver() as shop:
        shop.open.clear()
        service = serve(shop.url)
        order_id = order(db, new_product(db, 1))
        shop.wait_for(order_id)
        killed, admin = service.workers(), connect_as("admin")
        assert killed <= processes_with_sessions(admin)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        shop.open.set()
        assert [state for _, state, _, _ in state_of(db, shop.url, order_id)] == ["pending"]
        # A claim that one of them sent before it died would take it for another lease.
        wait_until(lambda: not killed & processes_with_sessions(admin))
        make_due(admin, shop.url)

        wait_until(lambda: state_of(db, shop.url, order_id)[0][:2] == ("order.created", "delivered"), SECONDS)
        first, second = shop.wait_for(order_id)
        assert first == second


def test_a_worker_that_is_stopped_gives_back_what_it_has_under_way(db: Database, serve: Callable[..., Service]) -> None:
    with Receiver() as shop:
        shop.open.clear()
        service = serve(shop.url)
        order_id = order(db, new_product(db, 1))
        shop.wait_for(order_id)
        began = time.monotonic()
        service.stop()

        assert time.monotonic() - began < 9
        assert state_of(db, shop.url, order_id) == [("order.created", "pending", 0, None)]
        assert "Traceback" not in service.log.read_text()


def test_none_ends_it(db: Database, serve: Callable[..., Service], api_url: str, tmp_path: Path) -> None:
    with Receiver() as shop:
        serve(shop.url).stop()
        service = Service(api_url, tmp_path / "none.log", FLASHSALE_NOTIFY_URL="none")
        wait_until(lambda: db.query("SELECT * FROM notification_receivers") == [], SECONDS)
        service.stop()


@pytest.mark.parametrize(
    ("url", "secrets", "said"),
    [
        ("ftp://shop.example", SECRET, "must be http or https URLs"),
        ("https://me:secret@shop.example", SECRET, "must be http or https URLs"),
        ("https://", SECRET, "must be http or https URLs"),
        ("https://shop.example", "", "needs FLASHSALE_NOTIFY_SECRETS"),
        ("https://shop.example", "whsec_short", "FLASHSALE_NOTIFY_SECRETS: the secret"),
        ("https://shop.example,https://shop.example", SECRET, "each once"),
    ],
)
def test_settings_that_can_not_be_are_refused_at_start(url: str, secrets: str, said: str) -> None:
    told = refused_settings(
        FLASHSALE_DATABASE_URL="mysql://a:b@127.0.0.1:1/c", FLASHSALE_NOTIFY_URL=url, FLASHSALE_NOTIFY_SECRETS=secrets
    )

    assert said in told
    assert "me:secret" not in told
