"""A sale beside many notifications that the shop is still to be told: what delivering them costs buyers."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from loadtest import stage
from loadtest.lines import HTTP
from loadtest.measure import Round
from loadtest.messages import post_hold
from loadtest.service import serving
from loadtest.testbed import CREATED, Testbed
from sql.server.ports import LOOPBACK
from sql.server.state import Failure, say

CLIENTS = 128
PATIENCE_SECONDS = 20


@dataclass(frozen=True)
class Telling:
    """Holds by HTTP with so many pending notifications, and with none: rounds in pairs."""

    pending: int
    undisturbed: list[Round]
    disturbed: list[Round]


def tell_beside_a_sale(testbed: Testbed, database_url: str, log: Path, pending: int, rounds: int) -> Telling:
    """Rounds by an API of its own on the testbed's database, whose receiver works; it delivers all the while."""
    result = Telling(pending, [], [])
    stage.clear(testbed.database)
    secret = "whsec_" + "A" * 32
    with receiving() as receiver:
        try:
            with serving(database_url, log, FLASHSALE_NOTIFY_URL=receiver, FLASHSALE_NOTIFY_SECRETS=secret) as service:
                told = replace(testbed, service=service)
                for number in range(rounds):
                    say(f"a sale beside {pending:,} pending notifications, round {number + 1} of {rounds}")
                    # There and back again: what drifts with time favours nobody.
                    for beside in (False, True) if number % 2 == 0 else (True, False):
                        done = _sale(told, receiver, pending if beside else 0)
                        (result.disturbed if beside else result.undisturbed).append(done)
                    pair = result.undisturbed[-1], result.disturbed[-1]
                    say(f"  {pair[0].rate:.0f}/s without, {pair[1].rate:.0f}/s with them")
        finally:
            testbed.database.query("CALL set_receivers('[]')")
            testbed.database.query("TRUNCATE TABLE notifications")
    return result


@contextmanager
def receiving() -> Iterator[str]:
    """A receiver that takes everything; its URL."""
    with ThreadingHTTPServer((LOOPBACK, 0), _Receiver) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}/told"
        server.shutdown()


class _Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _sale(testbed: Testbed, receiver: str, pending: int) -> Round:
    testbed.database.query("TRUNCATE TABLE notifications")
    stage.clear(testbed.database)
    product = testbed.product()
    if pending:
        stage.pending_notifications(testbed.database, receiver, pending)
        _await_delivery(testbed)
    done = testbed.load(HTTP, post_hold(product), {CREATED}, CLIENTS)
    told = _states(testbed)
    testbed.checks.equal("notifications pending or delivered", pending, told["pending"] + told["delivered"])
    if pending and not told["pending"]:
        testbed.checks.none("pending notifications after a round", ["all were delivered before it ended"])
    testbed.check_units(product, done.outcomes[CREATED])
    return done


def _states(testbed: Testbed) -> Counter[str]:
    """How many notifications are in which state."""
    rows = testbed.database.query(
        "SELECT state, COUNT(*) AS n FROM notifications WHERE kind = 'hold.expired' GROUP BY state"
    )
    return Counter({row["state"]: row["n"] for row in rows})


def _await_delivery(testbed: Testbed) -> None:
    """Wait until the first was delivered, so that buyers come in the middle of it. Raises Failure."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _states(testbed)["delivered"]:
        if time.monotonic() > deadline:
            raise Failure(f"no notification was delivered within {PATIENCE_SECONDS} s")
        time.sleep(0.02)
