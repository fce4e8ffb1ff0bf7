"""kill -9 of the node that sells, again and again, while buyers hold units through the API."""

import http.client
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from loadtest.database import Database
from sql.group import forming
from sql.group.nodes import Node
from sql.server.ports import LOOPBACK
from sql.server.service import Service
from sql.server.state import Failure, say

BUYERS = 4
PAUSE_SECONDS = 0.02
"""Between two requests of a buyer, answered or refused."""
PATIENCE_SECONDS = 60
STOCK = 10_000_000


def kill_again_and_again(nodes: Sequence[Node], password: str, service: Service, kills: int) -> list[float]:
    """Seconds from each kill to the first hold that was asked for afterwards and acknowledged.

    The group is whole again before the next one. Raises Failure when no hold is made for a minute, or one is lost.
    """
    took = []
    for number in range(kills):
        primary = forming.form(nodes, password, lambda _: None)
        with Database(primary.admin_url()) as database:
            product = database.create_product("Fail-over", STOCK, hold_seconds=3600)
        with _buyers(service, product) as made:
            _await_one(made, time.monotonic())
            killed = time.monotonic()
            primary.kill()
            took.append(_await_one(made, killed) - killed)
        say(f"  kill {number + 1}: {took[-1]:.1f} s")
        _check(nodes, product, len(made))
    return took


@contextmanager
def _buyers(service: Service, product: int) -> Iterator[list[tuple[float, float]]]:
    """Buyers at work; of each hold that was acknowledged, when it was asked for and when that was said."""
    made: list[tuple[float, float]] = []
    over = threading.Event()
    threads = [threading.Thread(target=_buy, args=(service, product, made, over)) for _ in range(BUYERS)]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _buy(service: Service, product: int, made: list[tuple[float, float]], over: threading.Event) -> None:
    body = json.dumps({"product_id": product, "qty": 1})
    connection = http.client.HTTPConnection(LOOPBACK, service.port, timeout=10)
    while not over.is_set():
        began = time.monotonic()
        try:
            connection.request("POST", "/api/holds", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            if answer.status == http.HTTPStatus.CREATED:
                made.append((began, time.monotonic()))
        except (OSError, http.client.HTTPException):
            connection.close()
        time.sleep(PAUSE_SECONDS)
    connection.close()


def _await_one(made: list[tuple[float, float]], since: float) -> float:
    """When the first hold was acknowledged that was asked for since then."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        ends = [ended for began, ended in list(made) if began >= since]
        if ends:
            return min(ends)
        time.sleep(0.005)
    raise Failure(f"no hold was made for {PATIENCE_SECONDS} s")


def _check(nodes: Sequence[Node], product: int, acknowledged: int) -> None:
    """What was acknowledged is there; a hold whose answer was lost may be there as well. No rule is broken."""
    primary = forming.primary_of(nodes)
    if primary is None:
        raise Failure("no node sells")
    with Database(primary.admin_url()) as database:
        held = database.units(product)["held"]
        violations = database.violations()
    if held < acknowledged or violations:
        raise Failure(f"{acknowledged} holds were acknowledged and {held} are there; {violations}")
