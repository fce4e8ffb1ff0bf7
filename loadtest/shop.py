"""A shop under measurement: how a round of each line is done, and what is checked after it."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from loadtest import stage
from loadtest.checks import Checks
from loadtest.database import Database
from loadtest.lines import (
    BY_HTTP,
    CALL,
    EMPTY,
    GET_CALL,
    GET_HTTP,
    HTTP,
    INSERT,
    SOLD_OUT_CALL,
    SOLD_OUT_HTTP,
    STRIPES,
    WEBHOOK_CALL,
    WEBHOOK_HTTP,
    Point,
)  # fmt: skip
from loadtest.measure import WARM_UP_SECONDS, Requests, Round, run_round
from loadtest.service import Service
from loadtest.wire import Http, Mysql
from sql.server.state import Failure

PLENTY = 50_000_000
SOLD_OUT_UNITS = 100
DONE, SOLD_OUT = 0, 31101
OK, CREATED, CONFLICT = 200, 201, 409
FASTEST = 4500
"""Webhooks a second that there are orders for: more than two cores can take."""
INSERTS = """
CREATE TABLE bench.plain_inserts (
  row_id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  idempotency_key VARCHAR(255)    NOT NULL,
  PRIMARY KEY (row_id),
  UNIQUE KEY uq_plain_inserts_idempotency_key (idempotency_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
"""


@dataclass
class Shop:
    """What the rounds need: the ways in, the processes to watch, and what was checked so far."""

    database: Database
    mysql: Mysql
    mysqld: int
    service: Service
    empty: Service
    seconds: float
    checks: Checks = field(default_factory=Checks)
    seed: int = field(default_factory=lambda: random.getrandbits(40))

    def measure(self, point: Point) -> Round:
        """One round of a point, from a cleared shop, and its check."""
        self.database.query(f"SET GLOBAL binlog_group_commit_sync_delay = {point.delay}")
        stage.clear(self.database)
        try:
            return self._measures[point.line](point)
        finally:
            self.database.query("SET GLOBAL binlog_group_commit_sync_delay = 0")

    def load(
        self,
        line: str,
        requests: Requests,
        expected: set[int],
        clients: int,
        *,
        seconds: float | None = None,
        until: int | None = None,
        meanwhile: Callable[[], object] | None = None,
        warm_up: bool = True,
    ) -> Round:
        """One round, on the way that the line takes. Raises Failure when there was another outcome than `expected`."""
        self.seed += 1
        service = self.empty if line == EMPTY else self.service
        wire = Http(service.host, service.port) if line in BY_HTTP else self.mysql
        done = run_round(
            wire, requests, clients, seconds or self.seconds, self.mysqld, service.pid, self.seed,
            until, meanwhile, warm_up,
        )  # fmt: skip
        if strange := set(done.outcomes) - expected:
            log = service.log.read_text(errors="replace")[-1000:]
            raise Failure(f"{line} was answered with {strange}; the API's log: {log}")
        return done

    def product(self, stock: int = PLENTY, stripes: int = STRIPES) -> int:
        """A product on sale; its id."""
        return self.database.create_product("Benchmark", stock, stripes=stripes, hold_seconds=stage.HOLD_SECONDS)

    def check_units(self, product: int, acknowledged: int) -> None:
        """Nothing oversold, and what buyers were told is what is committed."""
        units = self.database.units(product)
        self.checks.equal(f"units held of product {product}", acknowledged, units["held"])
        taken = units["held"] + units["pending"] + units["sold"]
        self.checks.equal(f"units of product {product}", units["stock_total"], units["free"] + taken)
        self.checks.none("check_invariants()", self.database.violations())

    @property
    def _measures(self) -> dict[str, Callable[[Point], Round]]:
        return {
            INSERT: self._inserts,
            CALL: self._holds,
            HTTP: self._holds,
            EMPTY: lambda point: self.load(EMPTY, post_hold(1), {CREATED}, point.clients),
            WEBHOOK_CALL: self._webhooks,
            WEBHOOK_HTTP: self._webhooks,
            GET_CALL: self._sold_out,
            GET_HTTP: self._sold_out,
            SOLD_OUT_CALL: self._sold_out,
            SOLD_OUT_HTTP: self._sold_out,
        }

    def _inserts(self, point: Point) -> Round:
        """The ceiling: autocommitted inserts of one row under a unique key."""
        self.database.query("TRUNCATE TABLE bench.plain_inserts")
        statement = (b"INSERT INTO bench.plain_inserts (idempotency_key) VALUES ('", b"')")
        done = self.load(INSERT, Requests(statement), {DONE}, point.clients)
        rows = self.database.one("SELECT COUNT(*) AS n FROM bench.plain_inserts")["n"]
        self.checks.equal("rows inserted", done.outcomes[DONE], rows)
        return done

    def _holds(self, point: Point) -> Round:
        """Holds of one unit, on one product."""
        product = self.product(stripes=point.stripes)
        requests, outcome = (post_hold(product), CREATED) if point.line == HTTP else (call_hold(product), DONE)
        done = self.load(point.line, requests, {outcome}, point.clients)
        self.check_units(product, done.outcomes[outcome])
        return done

    def _webhooks(self, point: Point) -> Round:
        """A succeeded payment for each of many unpaid orders."""
        count = int((self.seconds + WARM_UP_SECONDS + 0.3) * FASTEST)
        product = self.product(count)
        orders = stage.unpaid_orders(self.database, product, count)
        requests, outcome = (post_paid(orders), OK) if point.line == WEBHOOK_HTTP else (call_paid(orders), DONE)
        done = self.load(point.line, requests, {outcome}, point.clients)
        self.checks.equal(
            f"orders paid of product {product}", done.outcomes[outcome], self.database.units(product)["sold"]
        )
        self.check_units(product, 0)
        return done

    def _sold_out(self, point: Point) -> Round:
        """What is asked of a product of which everything is held."""
        product = self.product(SOLD_OUT_UNITS)
        stage.live_holds(self.database, product, SOLD_OUT_UNITS)
        requests, outcome = {
            GET_CALL: (Requests((b"CALL get_product(%d)" % product,)), DONE),
            GET_HTTP: (Requests((b"GET /api/products/%d HTTP/1.1\r\nHost: bench\r\n\r\n" % product,)), OK),
            SOLD_OUT_CALL: (call_hold(product), SOLD_OUT),
            SOLD_OUT_HTTP: (post_hold(product), CONFLICT),
        }[point.line]
        done = self.load(point.line, requests, {outcome}, point.clients)
        self.check_units(product, SOLD_OUT_UNITS)
        return done


def call_hold(product: int) -> Requests:
    """A hold of one unit by CALL."""
    return Requests((b"CALL create_hold(%d, 1, NULL, '" % product, b"')"))


def post_hold(product: int, keys: list[bytes] | None = None) -> Requests:
    """A hold of one unit by HTTP."""
    body = b'{"product_id": %d, "qty": 1}' % product
    head = b"POST /api/holds HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    return Requests((head + b"Content-Length: %d\r\nIdempotency-Key: " % len(body), b"\r\n\r\n" + body), keys)


def call_paid(orders: list[bytes]) -> Requests:
    """The payments of these orders by CALL, with the event as it came, as the API hands it over."""
    event = _payment()
    arguments = b"', 'succeeded', %d, 'EUR', NULL, '" % stage.PRICE
    call = b"CALL receive_payment_webhook('evt-", b"', '", b"', 'pi_", arguments + event[0]
    return Requests((*call, *event[1:-1], event[-1] + b"')"), orders)


def post_paid(orders: list[bytes]) -> Requests:
    """The payments of these orders by HTTP."""
    event = _payment()
    size = sum(map(len, event)) + (len(event) - 1) * len(orders[0])
    head = b"POST /api/payments/webhook HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    return Requests((head + b"Content-Length: %d\r\n\r\n" % size + event[0], *event[1:]), orders)


def _payment() -> tuple[bytes, ...]:
    """A payment event; between its parts stands the id of the order, of which its own and its payment's are made."""
    rest = b'", "status": "succeeded", "amount": %d, "currency": "EUR"}' % stage.PRICE
    return b'{"idempotency_key": "evt-', b'", "order_id": "', b'", "payment_id": "pi_', rest
