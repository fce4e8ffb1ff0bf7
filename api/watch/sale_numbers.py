"""The sale's own numbers, as MySQL counts them, for Prometheus."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.gateway import BlockingCalls, ProcedureError, Row, UnavailableError
from api.watch.cached import Cached

log = logging.getLogger("flashsale.api")

LIVE_SECONDS = 1.0
"""How old the numbers of collect_live_metrics may be."""
LIVE_PATIENCE = 2.0
"""When they take longer MySQL counts as down; a scrape must end in time."""
COUNTED_SECONDS = 5.0
COUNTED_PATIENCE = 0.5
COUNTED_READ_SECONDS = 300
COUNTED_SHARE = 0.02
"""collect_metrics walks over the whole history: it may run for a fiftieth of the time."""


class Number(NamedTuple):
    """A metric of collect_metrics: its name here, its help, what its columns product_id and state are called.

    counted: a row of it needs a walk over the history; of all others collect_live_metrics has every row that there is.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    counter: bool = False
    counted: bool = False


NUMBERS = {
    "stock_units": Number("stock_units", "Units of a product by state; together its stock", ("product_id", "state")),
    "holds": Number("holds", "Live holds", ("product_id",)),
    "orders": Number("orders", "Orders by status", ("product_id", "status"), counted=True),
    "orders_overdue": Number("orders_overdue", "Unpaid orders past pay_by that no sweep closed yet", ("product_id",)),
    "sale_paused": Number("sale_paused", "1 while the sale of a product is paused", ("product_id",)),
    "payments": Number(
        "payments", "Payments by state; of those that are due money has to go back", ("state",), counted=True
    ),
    "money_due": Number("money_due_minor", "Money that has to go back, in minor units of its currency", ("currency",)),
    "oldest_payment_due_seconds": Number(
        "oldest_payment_due_seconds", "Since the oldest payment came in of which money has to go back; 0: none"
    ),
    "oldest_payment_waiting_seconds": Number(
        "oldest_payment_waiting_seconds", "Since the oldest payment came in that waits for its order; 0: none"
    ),
    "disputes": Number("disputes", "Payments that were disputed, by how that stands", ("state",), counted=True),
    "webhooks": Number("webhooks", "Payment events by outcome", ("outcome",), counted=True),
    "webhooks_refused": Number("webhooks_refused", "Deliveries refused for their signature", ("reason",), counter=True),
    "notifications": Number(
        "notifications", "What receivers are still to be told, and what they never were", ("state",)
    ),
    "oldest_notification_seconds": Number(
        "oldest_notification_seconds",
        "Since the oldest notification that is pending was written; 0: none",
    ),
    "sweep_lag_seconds": Number("sweep_lag_seconds", "How long the oldest expired unit has been waiting"),
    "sweep_age_seconds": Number("sweep_age_seconds", "Since the last sweep began"),
    "scheduler_on": Number("scheduler_on", "1 while MySQL's event scheduler is ON and the EVENT enabled"),
    "group_members": Number("group_members", "Nodes of the group: expected, and online", ("state",)),
    "group_behind": Number(
        "group_behind_transactions", "Transactions that the slowest node of the group has received and not applied"
    ),
    "node": Number("node", "The node of the group that answers, by its place; 1 while it sells", ("node",)),
    "invariant_violations": Number(
        "invariant_violations", "Rows of check_invariants; anything but 0 is a fault", counted=True
    ),
}


class SaleNumbers(Collector):
    """Collects on a scrape: the live numbers at most a second old, those that need a walk as old as they are."""

    def __init__(self, gateway: BlockingCalls, patient: BlockingCalls) -> None:
        """`patient` waits for COUNTED_READ_SECONDS, where no request would."""
        self._live = Cached(lambda: gateway.call("collect_live_metrics", ()), LIVE_SECONDS, LIVE_PATIENCE)
        self._counted = Cached(
            lambda: patient.call("collect_metrics", ()), COUNTED_SECONDS, COUNTED_PATIENCE, COUNTED_SHARE
        )

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask MySQL."""
        return []

    def collect(self) -> Iterator[Metric]:
        """One family a metric, and whether MySQL answers."""
        up = GaugeMetricFamily("flashsale_database_up", "1 while MySQL answers collect_live_metrics in time")
        try:
            rows = self._live.fresh()
        except (UnavailableError, ProcedureError) as error:
            if isinstance(error, ProcedureError):
                log.error("%s", error.log_line())
            up.add_metric((), 0)
            yield up
            return
        up.add_metric((), 1)
        yield up
        counted = self._counted.last()
        if counted is not None:
            live = {_key(row) for row in rows}
            rows = rows + [row for row in counted[0] if _is_counted(row) and _key(row) not in live]
            yield GaugeMetricFamily(
                "flashsale_counted_age_seconds", "Age of the numbers that need a walk over the history", counted[1]
            )
        yield from _families(rows)


def _key(row: Row) -> tuple[object, ...]:
    return row["metric"], row["product_id"], row["state"]


def _is_counted(row: Row) -> bool:
    """Whether an older row may stand in. Money that went back meanwhile has none among the live ones: it is not due."""
    number = NUMBERS.get(row["metric"])
    return number is not None and number.counted


def _families(rows: list[Row]) -> Iterator[Metric]:
    families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
    for row in rows:
        number = NUMBERS.get(row["metric"])
        if number is None:  # a newer database; the next version of the API knows it
            continue
        family = families.get(number.name)
        if family is None:
            make = CounterMetricFamily if number.counter else GaugeMetricFamily
            family = families[number.name] = make(f"flashsale_{number.name}", number.help, labels=number.labels)
        columns = [row["product_id"] if label == "product_id" else row["state"] for label in number.labels]
        family.add_metric([str(column) for column in columns], float(row["value"]))
    yield from families.values()
