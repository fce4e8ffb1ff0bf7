"""`make bench`: holds by CALL and by HTTP against plain INSERTs, on a MySQL of its own with full durability.

Every figure of a run comes from interleaved rounds, so that what the machine does meanwhile hits all of them, and every
round ends with the check that nothing was oversold. Writes loadtest/RESULTS.md, in about three minutes.
QUICK=1: one short round each, about 30 s, for developing; writes to .flashsale/bench/ instead.
"""

import os
import random
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from loadtest import machine, report
from loadtest.database import Database
from loadtest.measure import Requests, Round, family, memory_mb, run_round
from loadtest.service import HOST, ROOT, Service, ServiceError, serving
from loadtest.wire import Http, Mysql, Wire
from sql.deploy import migrate
from sql.server.private import PrivateServer
from sql.server.state import Failure, private_folder, say
from sql.server.urls import Url, parse

CLIENTS = 32
DELAYS = (0, 2000)
"""binlog_group_commit_sync_delay in µs: 0 as shipped, 2000 in the place of a slow, replicated disk."""
STRIPES = 64
PLENTY = 50_000_000
RUSH_STOCK = 2000
# No hold ends during a round: what the sweep does then is not measured here.
HOLD_SECONDS = 86400
SOLD_OUT, HTTP_CREATED, HTTP_OK, HTTP_CONFLICT = 31101, 201, 200, 409
TEMPORARY = ROOT / ".flashsale" / "bench"
INSERTS = """
CREATE TABLE bench.plain_inserts (
  row_id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  idempotency_key VARCHAR(255)    NOT NULL,
  PRIMARY KEY (row_id),
  UNIQUE KEY uq_plain_inserts_idempotency_key (idempotency_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
"""


@dataclass
class Bench:
    """What the rounds need: the ways in, the processes to watch, and what was checked so far."""

    database: Database
    mysql: Mysql
    http: Http
    mysqld: int
    service: Service
    seconds: float
    checks: report.Checks = field(default_factory=report.Checks)
    seed: int = field(default_factory=lambda: random.getrandbits(40))

    def load(self, wire: Wire, requests: Requests, expected: int, until: int | None = None) -> Round:
        """One round. Raises Failure when there was another outcome than `expected` (and `until`)."""
        self.seed += 1
        seconds = 60 if until else self.seconds
        done = run_round(wire, requests, CLIENTS, seconds, self.mysqld, self.service.pid, self.seed, until)
        if strange := set(done.outcomes) - {expected, until}:
            raise Failure(f"{requests.before[:60]!r} was answered with {strange}; the API's log: {_end(self.service)}")
        return done

    def inserts(self) -> Round:
        """The ceiling: autocommitted inserts of one row under a unique key."""
        before = self._rows()
        requests = Requests(b"INSERT INTO bench.plain_inserts (idempotency_key) VALUES ('", b"')")
        done = self.load(self.mysql, requests, 0)
        self.checks.equal("rows inserted", done.outcomes[0], self._rows() - before)
        return done

    def holds_by_call(self, stripes: int) -> Round:
        """create_hold of one unit, on one product."""
        product = self._product(PLENTY, stripes)
        done = self.load(self.mysql, _call(product), 0)
        self._check_units(product, done.outcomes[0])
        return done

    def holds_by_http(self) -> Round:
        """POST /api/holds of one unit, on one product."""
        product = self._product(PLENTY, STRIPES)
        done = self.load(self.http, _post(product), HTTP_CREATED)
        self._check_units(product, done.outcomes[HTTP_CREATED])
        return done

    def rush_by_call(self) -> Round:
        """To the last unit: how long it takes, and that it was the last."""
        product = self._product(RUSH_STOCK, STRIPES)
        done = self.load(self.mysql, _call(product), 0, until=SOLD_OUT)
        self._check_units(product, done.outcomes[0], all_of=RUSH_STOCK)
        return done

    def rush_by_http(self) -> Round:
        """The same through the API."""
        product = self._product(RUSH_STOCK, STRIPES)
        done = self.load(self.http, _post(product), HTTP_CREATED, until=HTTP_CONFLICT)
        self._check_units(product, done.outcomes[HTTP_CREATED], all_of=RUSH_STOCK)
        return done

    def _product(self, stock: int, stripes: int) -> int:
        return self.database.create_product("Benchmark", stock, stripes=stripes, hold_seconds=HOLD_SECONDS)

    def _rows(self) -> int:
        return int(self.database.one("SELECT COUNT(*) AS n FROM bench.plain_inserts")["n"])

    def _check_units(self, product: int, acknowledged: int, all_of: int | None = None) -> None:
        """Nothing oversold, and what buyers were told is what is committed."""
        units = self.database.units(product)
        self.checks.equal(f"units held of product {product}", acknowledged, units["held"])
        self.checks.equal(f"units of product {product}", units["stock_total"], units["free"] + units["held"])
        if all_of is not None:
            self.checks.equal(f"units sold of product {product}, which is sold out", acknowledged, all_of)
        self.checks.none("check_invariants()", self.database.violations())


def main() -> int:
    """Measure, write the report and print where it is; the exit status."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    quick = bool(os.environ.get("QUICK"))
    target = TEMPORARY / "RESULTS.md" if quick else ROOT / "loadtest" / "RESULTS.md"
    folder = Path(tempfile.mkdtemp(prefix="mysql-", dir=private_folder(TEMPORARY)))
    try:
        results = measure(folder, seconds=0.7 if quick else 2.5, rounds=1 if quick else 5)
    except (Failure, ServiceError) as failure:
        say(f"\n{failure}")
        return 1
    except KeyboardInterrupt:
        say("\nstopped; what was started is stopped too")
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    target.write_text(report.markdown(results), encoding="utf-8")
    print(report.summary(results))
    print(f"\nwritten to {target}")
    return 1 if results.checks.faults else 0


def measure(folder: Path, seconds: float, rounds: int) -> report.Results:
    """All rounds, on a server that lives for them in `folder`; on the disk of the project, never in memory."""
    with ExitStack() as stack:
        say("starting a MySQL of the benchmark's own")
        root_password, password, unused = (secrets.token_urlsafe(12) for _ in range(3))
        server = stack.enter_context(PrivateServer(folder, root_password=root_password, echo=lambda _: None))
        migrate(server.admin_url(), password, unused, echo=lambda _: None)
        database = Database(server.admin_url())
        stack.callback(database.close)
        for statement in ("CREATE DATABASE bench", INSERTS, "GRANT INSERT ON bench.* TO flashsale_api@'%'"):
            database.query(statement)
        url = str(Url("flashsale_api", password, HOST, server.port, "flashsale"))
        # caching_sha2_password wants one encrypted login of an account; the generators then log in without.
        Database(url).close()
        service = stack.enter_context(serving(url, folder / "gunicorn.log"))
        assert server.pid is not None
        address = parse(url)
        bench = Bench(database, Mysql(address), Http(HOST, service.port), server.pid, service, seconds)
        figures = {delay: _measure_at(bench, delay, rounds) for delay in DELAYS}
        rushes = {"CALL": bench.rush_by_call(), "HTTP": bench.rush_by_http()}
        workers = [memory_mb(pid) for pid in family(service.pid)[1:]]
        return report.Results(
            machine=machine.describe(database, folder),
            clients=CLIENTS, stripes=STRIPES, seconds=seconds, rounds=rounds, rush_stock=RUSH_STOCK,
            figures=figures, rushes=rushes, workers=workers, checks=bench.checks,
        )  # fmt: skip


def _measure_at(bench: Bench, delay: int, rounds: int) -> report.Figures:
    """Every series, round by round, at a delay of the group commit."""
    bench.database.query(f"SET GLOBAL binlog_group_commit_sync_delay = {delay}")
    series = _series(bench, delay)
    figures: report.Figures = {name: [] for name in series}
    for number in range(rounds):
        say(f"binlog_group_commit_sync_delay = {delay}, round {number + 1} of {rounds}")
        # There and back again: what drifts with time favours no series.
        for name in list(series)[:: 1 if number % 2 == 0 else -1]:
            figures[name].append(series[name]())
            say(f"  {name:<28}{figures[name][-1].rate:>8.0f}/s")
    bench.database.query("SET GLOBAL binlog_group_commit_sync_delay = 0")
    return figures


def _series(bench: Bench, delay: int) -> Mapping[str, Callable[[], Round]]:
    """What is measured at a delay, by name. Reading does not commit, so it is measured once."""
    writing: dict[str, Callable[[], Round]] = {
        report.INSERT: bench.inserts,
        report.COUNTER: lambda: bench.holds_by_call(1),
        report.CALL: lambda: bench.holds_by_call(STRIPES),
        report.HTTP: bench.holds_by_http,
    }
    if delay:
        return writing
    product = _sell_out(bench)
    read = b"GET /api/products/%d HTTP/1.1\r\nHost: bench\r\n\r\n" % product
    return writing | {
        report.GET_HTTP: lambda: bench.load(bench.http, Requests(read), HTTP_OK),
        report.SOLD_OUT_HTTP: lambda: bench.load(bench.http, _post(product), HTTP_CONFLICT),
        report.GET_CALL: lambda: bench.load(bench.mysql, Requests(b"CALL get_product(%d)" % product), 0),
        report.SOLD_OUT_CALL: lambda: bench.load(bench.mysql, _call(product), SOLD_OUT),
    }


def _sell_out(bench: Bench) -> int:
    """A product of which everything is held, by 100 live holds."""
    product = bench.database.create_product("Sold out", 100, stripes=STRIPES, hold_seconds=HOLD_SECONDS)
    for number in range(100):
        bench.database.query("CALL create_hold(%s, 1, NULL, %s)", product, f"sold out {number}")
    return product


def _call(product: int) -> Requests:
    return Requests(b"CALL create_hold(%d, 1, NULL, '" % product, b"')")


def _post(product: int) -> Requests:
    body = b'{"product_id": %d, "qty": 1}' % product
    head = b"POST /api/holds HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    return Requests(head + b"Content-Length: %d\r\nIdempotency-Key: " % len(body), b"\r\n\r\n" + body)


def _end(service: Service) -> str:
    return service.log.read_text(errors="replace")[-1000:]


if __name__ == "__main__":
    sys.exit(main())
