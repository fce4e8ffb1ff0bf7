"""`make soak`: a sale for ten minutes, in which neither the API nor MySQL may grow.

Every second the memory of each process is written down; after a third of the time, when caches and buffers are full, a
straight line is laid through what follows. What it rises until the end has to stay within GROWTH of the mean.
"""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from loadtest.database import Database
from loadtest.service import serving
from sql.deploy import migrate
from sql.server.ports import LOOPBACK
from sql.server.private import PrivateServer
from sql.server.state import STATE, Failure, say

SECONDS = 600
CLIENTS = 16
GROWTH = 0.05
# Small, so that it is full, and does not grow any more, before the measurement begins.
BUFFER_POOL = "16M"
STOCK = 1_000_000_000

Samples = dict[str, list[tuple[float, float]]]


def main(arguments: list[str]) -> int:
    """Run for so many seconds, print the figures, and return 1 when something grew or was sold wrongly."""
    if len(arguments) > 1 or not all(argument.isdigit() and int(argument) >= 30 for argument in arguments):
        say("usage: make soak SECONDS=600 (30 at least)")
        return 2
    seconds = int(arguments[0]) if arguments else SECONDS
    STATE.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir=STATE))
    try:
        return soak(folder, seconds)
    except Failure as failure:
        say(str(failure))
        return 1
    except KeyboardInterrupt:
        say("stopped; what was started is stopped too")
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def soak(folder: Path, seconds: int) -> int:
    """The sale, on a server of its own in `folder`."""
    with ExitStack() as stack:
        say("starting a MySQL of the soak's own")
        root_password, password, unused = (secrets.token_urlsafe(12) for _ in range(3))
        settings = {"innodb_buffer_pool_size": BUFFER_POOL}
        server = stack.enter_context(
            PrivateServer(folder, root_password=root_password, settings=settings, echo=lambda _: None)
        )
        migrate(server.admin_url(), password, unused, echo=lambda _: None)
        database = stack.enter_context(Database(server.admin_url()))
        product = database.create_product("soak", STOCK, stripes=16, hold_seconds=5)
        service = stack.enter_context(serving(server.url("flashsale_api", password), folder / "gunicorn.log"))
        answers: Counter[int] = Counter()
        over = threading.Event()
        crowd = [
            threading.Thread(target=_buy, args=(service.port, product, over, answers, number))
            for number in range(CLIENTS)
        ]
        stack.callback(over.set)
        for buyer in crowd:
            buyer.start()
        assert server.pid is not None
        processes = {"mysqld": server.pid} | {f"worker {pid}": pid for pid in service.workers()}
        say(f"{CLIENTS} clients buy for {seconds} s")
        samples = _watch(processes, seconds)
        over.set()
        for buyer in crowd:
            buyer.join()
        grown = _print(samples, seconds, answers)
        violations = database.violations()
        print(f"check_invariants: {len(violations)} violations {violations[:3] or ''}")
        return 1 if grown or violations or set(answers) - {200, 201, 202, 503} else 0


def _buy(port: int, product: int, over: threading.Event, answers: Counter[int], number: int) -> None:
    """A client: holds that are bought, given back, or forgotten until they expire; a new connection now and then."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
    turn = number

    def send(method: str, path: str, body: object = None) -> dict[str, str]:
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answers[answer.status] += 1
        document: dict[str, str] = json.loads(answer.read())
        return document

    while not over.is_set():
        turn += 1
        hold_id = send("POST", "/api/holds", {"product_id": product, "qty": 1}).get("hold_id")
        if hold_id is None:
            over.wait(1)
        elif turn % 3 == 0:
            send("POST", "/api/orders", {"hold_id": hold_id})
            event = {"idempotency_key": secrets.token_hex(16), "order_id": hold_id, "payment_id": f"pi_{hold_id}"}
            send("POST", "/api/payments/webhook", event | {"status": "succeeded"})
        elif turn % 3 == 1:
            send("DELETE", f"/api/holds/{hold_id}")
        if turn % 100 == 0:
            connection.close()
    connection.close()


def _watch(processes: dict[str, int], seconds: int) -> Samples:
    """Megabytes of each process, once a second: (seconds since the beginning, MB)."""
    samples: Samples = {name: [] for name in processes}
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        for name, pid in processes.items():
            samples[name].append((elapsed, _resident_mb(pid)))
        time.sleep(1)
    return samples


def _print(samples: Samples, seconds: int, answers: Counter[int]) -> bool:
    """The figures; whether anything grew."""
    total = sum(answers.values())
    print(f"{total} requests, {total / seconds:.0f}/s, by status: {dict(sorted(answers.items()))}")
    print(f"{'memory, MB':<16}{'begin':>8}{'end':>8}{'slope/min':>11}{'growth':>9}")
    grown = False
    for name, all_of_it in samples.items():
        steady = [sample for sample in all_of_it if sample[0] >= seconds / 3]
        line = statistics.linear_regression(*zip(*steady, strict=True))
        mean = statistics.fmean(megabytes for _, megabytes in steady)
        growth = line.slope * (steady[-1][0] - steady[0][0]) / mean
        grown |= growth > GROWTH
        verdict = "GREW" if growth > GROWTH else "flat"
        print(f"{name:<16}{steady[0][1]:>8.1f}{steady[-1][1]:>8.1f}{line.slope * 60:>11.3f}{growth:>8.1%} {verdict}")
    return grown


def _resident_mb(pid: int) -> float:
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
