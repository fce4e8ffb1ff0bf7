"""A testbed under measurement: how a round of each line is done, and what is checked after it."""

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
    HOLD_SETS,
    HTTP,
    IN_SETS,
    INSERT,
    ORDER_CALL,
    ORDER_HTTP,
    ORDER_SETS,
    PURCHASE_HTTP,
    SOLD_OUT_CALL,
    SOLD_OUT_HTTP,
    STRIPES,
    WEBHOOK_CALL,
    WEBHOOK_HTTP,
    WEBHOOK_SETS,
    Point,
)  # fmt: skip
from loadtest.measure import WARM_UP_SECONDS, Round, run_round
from loadtest.messages import (
    Requests,
    call_hold,
    call_holds,
    call_order,
    call_orders,
    call_paid,
    call_paids,
    get_product,
    post_hold,
    post_order,
    post_paid,
    post_purchase,
)  # fmt: skip
from loadtest.wire import ALONE, DONE, Http, Mysql, MysqlSets, Wire
from sql.server.ports import LOOPBACK
from sql.server.service import Service
from sql.server.state import Failure

PLENTY = 50_000_000
SOLD_OUT_UNITS = 100
SOLD_OUT = 31101
OK, CREATED, CONFLICT = 200, 201, 409
MAX_PER_CUSTOMER = 2
FASTEST = {
    ORDER_CALL: 4_500, WEBHOOK_CALL: 4_500, ORDER_SETS: 30_000, WEBHOOK_SETS: 30_000, ORDER_HTTP: 12_000,
    WEBHOOK_HTTP: 12_000,
}  # fmt: skip
"""What a line needs rows for, a second: more than two cores can take."""
FASTEST_OLD = 3_000
PREPARED = 25_000
"""Rows that are put on the stage for a round at most. Who is faster ends earlier, and the clock with it."""
INSERTS = """
CREATE TABLE bench.plain_inserts (
  row_id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  idempotency_key VARCHAR(255)    NOT NULL,
  PRIMARY KEY (row_id),
  UNIQUE KEY uq_plain_inserts_idempotency_key (idempotency_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
"""


@dataclass
class Testbed:
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
        """One round of a point, from a cleared testbed, and its check."""
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
        done = run_round(
            self._wire(line, service), requests, clients // requests.size, seconds or self.seconds, self.mysqld,
            service.pid, self.seed, until, meanwhile, warm_up,
        )  # fmt: skip
        if strange := set(done.outcomes) - expected - {ALONE}:
            log = service.log.read_text(errors="replace")[-1000:]
            raise Failure(f"{line} was answered with {strange}; the API's log: {log}")
        if line in IN_SETS:
            self.checks.equal(f"plain requests that {line} left to single CALLs", 0, done.outcomes[ALONE])
        return done

    def product(self, stock: int = PLENTY, stripes: int = STRIPES, *, limited: bool = False) -> int:
        """A product on sale; its id."""
        return self.database.create_product(
            "Benchmark", stock, stripes=stripes, hold_seconds=stage.HOLD_SECONDS,
            max_per_customer=MAX_PER_CUSTOMER if limited else None,
        )  # fmt: skip

    def check_units(self, product: int, acknowledged: int) -> None:
        """Nothing oversold, and what buyers were told is what is committed."""
        units = self.database.units(product)
        self.checks.equal(f"units held of product {product}", acknowledged, units["held"])
        taken = units["held"] + units["pending"] + units["sold"]
        self.checks.equal(f"units of product {product}", units["stock_total"], units["free"] + taken)
        self.checks.none("check_invariants()", self.database.violations())

    def _wire(self, line: str, service: Service) -> Wire:
        if line in BY_HTTP:
            return Http(LOOPBACK, service.port)
        return MysqlSets(self.mysql.address) if line in IN_SETS else self.mysql

    @property
    def _measures(self) -> dict[str, Callable[[Point], Round]]:
        return {
            INSERT: self._inserts,
            EMPTY: lambda point: self.load(EMPTY, post_hold(1), {CREATED}, point.clients),
            PURCHASE_HTTP: self._purchases,
            **dict.fromkeys((CALL, HOLD_SETS, HTTP), self._holds),
            **dict.fromkeys((ORDER_CALL, ORDER_SETS, ORDER_HTTP), self._orders),
            **dict.fromkeys((WEBHOOK_CALL, WEBHOOK_SETS, WEBHOOK_HTTP), self._webhooks),
            **dict.fromkeys((GET_CALL, GET_HTTP, SOLD_OUT_CALL, SOLD_OUT_HTTP), self._sold_out),
        }

    def _inserts(self, point: Point) -> Round:
        """The ceiling: autocommitted inserts of one row under a unique key."""
        self.database.query("TRUNCATE TABLE bench.plain_inserts")
        statement = (b"INSERT INTO bench.plain_inserts (idempotency_key) VALUES ('", b"')")
        done = self.load(INSERT, Requests(statement), {DONE}, point.clients)
        rows = self.database.value("SELECT COUNT(*) FROM bench.plain_inserts")
        self.checks.equal("rows inserted", done.outcomes[DONE], rows)
        return done

    def _holds(self, point: Point) -> Round:
        """Holds of one unit, on one product."""
        product = self.product(stripes=point.stripes, limited=point.limited)
        requests, outcome = {
            CALL: lambda: (call_hold(product), DONE),
            HOLD_SETS: lambda: (call_holds(product, point.size, customers=point.limited), DONE),
            HTTP: lambda: (post_hold(product, customers=point.limited), CREATED),
        }[point.line]()
        done = self.load(point.line, requests, {outcome}, point.clients)
        self.check_units(product, done.outcomes[outcome])
        return done

    def _orders(self, point: Point) -> Round:
        """An order of each of many live holds."""
        count = self._count(point)
        product = self.product(count)
        holds = stage.live_holds(self.database, product, count)
        requests, outcome = {
            ORDER_CALL: lambda: (call_order(holds), DONE),
            ORDER_SETS: lambda: (call_orders(holds, point.size), DONE),
            ORDER_HTTP: lambda: (post_order(holds), CREATED),
        }[point.line]()
        done = self.load(point.line, requests, {outcome}, point.clients)
        made = done.outcomes[outcome]
        self.checks.equal(f"orders made of product {product}", made, self.database.units(product)["pending"])
        self.check_units(product, count - made)
        return done

    def _webhooks(self, point: Point) -> Round:
        """A succeeded payment for each of many unpaid orders."""
        count = self._count(point)
        product = self.product(count)
        orders = stage.unpaid_orders(self.database, product, count)
        requests, outcome = {
            WEBHOOK_CALL: lambda: (call_paid(orders), DONE),
            WEBHOOK_SETS: lambda: (call_paids(orders, point.size), DONE),
            WEBHOOK_HTTP: lambda: (post_paid(orders), OK),
        }[point.line]()
        done = self.load(point.line, requests, {outcome}, point.clients)
        self.checks.equal(
            f"orders paid of product {product}", done.outcomes[outcome], self.database.units(product)["sold"]
        )
        self.check_units(product, 0)
        return done

    def _purchases(self, point: Point) -> Round:
        """Buyers who hold, order and pay one unit, and again; a second, and the CPU, of a whole purchase."""
        product = self.product()
        done = self.load(point.line, post_purchase(product), {CREATED, OK}, point.clients)
        units = self.database.units(product)
        ordered, paid = units["pending"] + units["sold"], done.outcomes[OK]
        self.checks.equal(f"holds and orders of product {product}", done.outcomes[CREATED], units["holds"] + ordered)
        self.checks.equal(f"orders paid of product {product}", paid, units["sold"])
        self.check_units(product, done.outcomes[CREATED] - 2 * ordered)
        return done._replace(
            rate=done.rate / 3, mysqld_us=done.mysqld_us * 3, api_us=done.api_us * 3, client_us=done.client_us * 3
        )

    def _count(self, point: Point) -> int:
        """How many rows there have to be for a round."""
        fastest = FASTEST_OLD if point.old else FASTEST[point.line]
        return min(int((self.seconds + WARM_UP_SECONDS + 0.3) * fastest), PREPARED)

    def _sold_out(self, point: Point) -> Round:
        """What is asked of a product of which everything is held."""
        product = self.product(SOLD_OUT_UNITS)
        stage.live_holds(self.database, product, SOLD_OUT_UNITS)
        requests, outcome = {
            GET_CALL: (Requests((b"CALL get_product(%d)" % product,)), DONE),
            GET_HTTP: (get_product(product), OK),
            SOLD_OUT_CALL: (call_hold(product), SOLD_OUT),
            SOLD_OUT_HTTP: (post_hold(product), CONFLICT),
        }[point.line]
        done = self.load(point.line, requests, {outcome}, point.clients)
        self.check_units(product, SOLD_OUT_UNITS)
        return done
