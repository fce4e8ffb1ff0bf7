"""The sale's own numbers for Prometheus: the figures that the board shows, each under its name."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.gateway import ProcedureError, Row, UnavailableError
from api.watch.figures import Figures

log = logging.getLogger("flashsale.api")

EACH = None
"""The column is a JSON object, of a value for each state."""


class Number(NamedTuple):
    """A metric: its name, its help, the columns of show_board or show_totals with its values, each with its state.

    Without columns it is the one of its name. label is what the state is called; "" where there is none. A metric of
    products has a series for each of them.
    """

    name: str
    help: str
    columns: Mapping[str, str | None] = MappingProxyType({})
    label: str = ""
    of_products: bool = False
    counter: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Those of a series."""
        return (("product_id",) if self.of_products else ()) + ((self.label,) if self.label else ())


NUMBERS = (
    Number(
        "stock_units", "Units of a product by state; together its stock",
        {"available": "available", "held": "held", "sold": "sold"}, "state", of_products=True,
    ),
    Number("holds", "Live holds", {"live_holds": ""}, of_products=True),
    Number(
        "orders", "Orders by status",
        {"orders_pending": "pending", "orders_paid": "paid", "orders_cancelled": "cancelled",
         "orders_refunded": "refunded"},
        "status", of_products=True,
    ),
    Number("orders_overdue", "Unpaid orders past pay_by that no sweep closed yet", of_products=True),
    Number("sale_paused", "1 while the sale of a product is paused", of_products=True),
    Number(
        "payments", "Payments by state; of those that are due money has to go back",
        {"payments_waiting": "waiting", "payments_due": "due", "payments_by_state": EACH}, "state",
    ),
    Number(
        "money_due_minor", "Money that has to go back, in minor units of its currency",
        {"money_due_by_currency": EACH}, "currency",
    ),
    Number("oldest_payment_due_seconds", "Since the oldest payment came in of which money has to go back; 0: none"),
    Number("oldest_payment_waiting_seconds", "Since the oldest payment came in that waits for its order; 0: none"),
    Number(
        "disputes", "Payments that were disputed, by how that stands",
        {"disputes_open": "opened", "disputes_won": "won", "disputes_lost": "lost"}, "state",
    ),
    Number(
        "webhooks", "Payment events by outcome",
        {"events_parked": "parked", "events_applied": "applied", "events_ignored": "ignored",
         "events_mismatched": "amount_mismatch", "events_refund_due": "refund_due"},
        "outcome",
    ),
    Number(
        "webhooks_refused", "Deliveries refused for their signature", {"webhooks_refused": EACH}, "reason", counter=True
    ),
    Number(
        "notifications", "What receivers are still to be told, and what they never were",
        {"notifications_pending": "pending", "notifications_failed": "failed"}, "state",
    ),
    Number("oldest_notification_seconds", "Since the oldest notification that is pending was written; 0: none"),
    Number("sweep_lag_seconds", "How long the oldest expired unit has been waiting"),
    Number("sweep_age_seconds", "Since the last sweep began"),
    Number("sweep_late_seconds", "How much of its lag or its age is too much"),
    Number("scheduler_on", "1 while MySQL's event scheduler is ON and the EVENT enabled"),
    Number(
        "group_members", "Nodes of the group: expected, and online",
        {"members": "expected", "members_online": "online"}, "state",
    ),
    Number(
        "group_behind_transactions", "Transactions that the slowest node of the group has received and not applied",
        {"members_behind": ""},
    ),
    Number("group_late_transactions", "How many of them are too many", {"members_late_transactions": ""}),
    Number("node", "The node of the group that answers, by its place; 1 while it sells", {"node_sells": EACH}, "node"),
    Number("invariant_violations", "Rows of check_invariants; anything but 0 is a fault"),
)  # fmt: skip


class SaleNumbers(Collector):
    """Collects on a scrape: the live figures at most a second old, those that need a walk as old as they are."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask MySQL."""
        return []

    def collect(self) -> Iterator[Metric]:
        """One family a metric, and whether MySQL answers."""
        up = GaugeMetricFamily("flashsale_database_up", "1 while MySQL answers show_board in time")
        try:
            live = self._figures.live.fresh()
        except (UnavailableError, ProcedureError) as error:
            if isinstance(error, ProcedureError):
                log.error("%s", error.log_line())
            up.add_metric((), 0)
            yield up
            return
        up.add_metric((), 1)
        yield up
        totals, violations = self._figures.totals.last(), self._figures.violations.last()
        ages = [found[1] for found in (totals, violations) if found]
        if ages:
            yield GaugeMetricFamily(
                "flashsale_counted_age_seconds", "Age of the numbers that need a walk over the history", max(ages)
            )
        yield from _families(live, totals[0] if totals else [], violations[0] if violations else None)


def series(
    live: Sequence[Row], totals: Sequence[Row], violations: Sequence[Row] | None
) -> Iterator[tuple[Number, tuple[str, ...], float]]:
    """Each number with the values of its labels: of what these rows of the procedures have, and nothing else."""
    walked = {row["product_id"]: row for row in totals}
    for row in live:
        product = row["product_id"]
        values = walked.get(product, {}) | row
        if product is None:
            values |= {"node_sells": {row["node"]: row["role"] == "primary"}}
            values |= {} if violations is None else {"invariant_violations": len(violations)}
        for number in NUMBERS:
            if number.of_products == (product is not None):
                of_product = (str(product),) if number.of_products else ()
                for state, value in _states(number, values):
                    yield number, of_product + ((state,) if number.label else ()), float(value)


def _states(number: Number, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for column, state in (number.columns or {number.name: ""}).items():
        value = values.get(column)
        if value is None:  # nobody has counted it yet, or there is none
            continue
        if state is not EACH:
            yield state, value
        else:
            yield from (value if isinstance(value, dict) else msgspec.json.decode(value)).items()


def _families(*rows: Any) -> Iterator[Metric]:
    families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
    for number, labels, value in series(*rows):
        family = families.get(number.name)
        if family is None:
            make = CounterMetricFamily if number.counter else GaugeMetricFamily
            family = families[number.name] = make(f"flashsale_{number.name}", number.help, labels=number.labels)
        family.add_metric(labels, value)
    yield from families.values()
