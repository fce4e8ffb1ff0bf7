"""A walk through a sale beside its model: opened, compared after every step, and forgotten."""

import json
from collections import Counter
from typing import ClassVar

from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.support.database import Database, Refused, Row, committed
from tests.support.payment_model import EVERYTHING, Payment
from tests.support.sale import insisting, new_key, sweep
from tests.support.sale_model import HOLD_SECONDS, MAX_PER_HOLD, PAYMENT_SECONDS, PRICE, Bought, Limits, ModelSale

REASON = "as the test says"
# Only the session that has this lock sweeps: the EVENT must not decide anything in the middle of a step.
SWEEP_LOCK = "CONCAT('sweep.', DATABASE())"
# All that refer to a product, and the products themselves.
TABLES = [
    "customer_units", "stock_stripes", "stock_adjustments", "operator_actions", "holds", "hold_history", "orders",
    "products",
]  # fmt: skip
OF_PURCHASES = " order_id IN (SELECT UUID_TO_BIN(id) FROM JSON_TABLE(%s, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS ids)"


class SaleWalk(RuleBasedStateMachine):
    """One product in the database and in the model; what is done to them is told by the rules of a subclass."""

    db: ClassVar[Database]
    admin: ClassVar[Database]
    checked: ClassVar[Row] = {}
    steps: ClassVar[int] = 0
    met: ClassVar[Counter[tuple[str, str]]] = Counter()
    done: ClassVar[Counter[tuple[str, bool]]] = Counter()

    sale: ModelSale
    product: int
    stranger: str

    def start(self, stock: int, stripes: int, limits: Limits) -> None:
        """Put the product on sale. Beside its purchases there is an id that nobody knows."""
        assert self.db.value(f"SELECT GET_LOCK({SWEEP_LOCK}, 10)") == 1
        self.db.come_back()
        self.sale = ModelSale(stock, limits, self.db.now())
        self.db.travel_to(self.sale.now)
        self.product = self.db.one(
            "create_product", "Limited sneaker", PRICE, "EUR", stock, stripes, HOLD_SECONDS, PAYMENT_SECONDS,
            MAX_PER_HOLD, None, None, None,
        )["product_id"]  # fmt: skip
        self.db.one(
            "set_limits", self.product, max_per_customer=limits.max_per_customer,
            max_unpaid_percent=limits.max_unpaid_percent, pause_seconds=limits.pause_seconds,
            extension_seconds=limits.extension_seconds, reason=REASON,
        )  # fmt: skip
        self.stranger = new_key()
        self.sale.bought[self.stranger] = Bought(self.stranger, 0, sale=self.sale)

    def ask(self, reasons: set[str], procedure: str, *arguments: object) -> Row | None:
        """CALL it. If there are reasons to refuse it, it has to be refused for one of them; else it has to succeed."""
        try:
            answer = insisting(lambda: self.db.one(procedure, *arguments))
        except Refused as refused:
            assert refused.slug in reasons, f"{refused}; expected {reasons or 'success'}"
            return None
        assert not reasons, f"{answer}; expected {reasons}"
        self.done[procedure, bool(answer.get("replayed"))] += 1
        return answer

    def teardown(self) -> None:
        """Forget the product, so that the invariants, which look at everything, stay quick; let others sweep again."""
        self.db.query(f"DO RELEASE_LOCK({SWEEP_LOCK})")
        sweep(self.admin)
        if not hasattr(self, "product"):
            return
        for purchase in self.sale.bought.values():
            self.met.update(purchase.met)
        ids = json.dumps(list(self.sale.bought))
        self.admin.query("START TRANSACTION")
        for table in ("payment_webhooks", "payments"):
            self.admin.query(f"DELETE FROM {table} WHERE {OF_PURCHASES}", ids)
        for table in TABLES:
            self.admin.query(f"DELETE FROM {table} WHERE product_id = %s", self.product)
        self.admin.query("COMMIT")

    # -- comparing

    def adopt_what_was_swept(self) -> None:
        """Whether what ran out was swept is nobody's promise: the next buyer who needs its units may have done it."""
        ended = self.db.query(
            "SELECT hold_uuid AS id, ended_as AS state FROM hold_history WHERE product_id = %s AND ended_as = 'expired'"
            " UNION ALL SELECT order_uuid, status FROM orders WHERE product_id = %s AND status = 'cancelled'",
            self.product, self.product,
        )  # fmt: skip
        for row in ended:
            purchase = self.sale.bought[row["id"]]
            if (row["state"], purchase.state) == ("expired", "expired"):
                purchase.end_hold()
            elif (row["state"], purchase.state) == ("cancelled", "overdue"):
                purchase.sweep()

    @invariant()
    def as_the_model_says(self) -> None:
        """Nothing is violated; units, orders, payments and inbox are the model's, and not one cent is missing."""
        if not hasattr(self, "product"):
            return
        type(self).steps += 1
        self.adopt_what_was_swept()
        self.nothing_is_violated()
        row, sale = self.db.one("get_product", self.product), self.sale
        assert (row["stock_total"], row["available"], row["held"], row["sold"], row["price"]) == (
            sale.stock, sale.available, sale.held, sale.sold, sale.price
        )  # fmt: skip
        self.orders_are_right()
        self.inbox_is_right()
        self.money_is_right()

    def nothing_is_violated(self) -> None:
        """Asked again only when something was committed since: half of the steps are reads and refusals."""
        now = committed(self.admin)
        if now != self.checked:
            assert self.admin.call("check_invariants") == []
            type(self).checked = now

    def orders_are_right(self) -> None:
        """Each order is what it is in the model."""
        rows = self.db.query(
            "SELECT order_uuid, status, cancelled_as, fulfilled_at IS NOT NULL AS fulfilled,"
            " amount_minor FROM orders WHERE product_id = %s", self.product,
        )  # fmt: skip
        assert {tuple(row.values()) for row in rows} == {
            (order_id, purchase.order_status, purchase.cancelled_as, int(purchase.fulfilled), purchase.cost)
            for order_id, purchase in self.sale.bought.items() if purchase.order_status
        }  # fmt: skip

    def inbox_is_right(self) -> None:
        """Each event did what it did in the model."""
        rows = self.db.query(
            f"SELECT idempotency_key, payment_id, outcome, deliveries FROM payment_webhooks WHERE {OF_PURCHASES}",
            json.dumps(list(self.sale.bought)),
        )
        assert {tuple(row.values()) for row in rows} == {
            (key, payment.payment_id, event.outcome, event.deliveries)
            for purchase in self.sale.bought.values() for payment in purchase.payments.values()
            for key, event in purchase.inbox.items() if any(event is told for told in payment.events)
        }  # fmt: skip

    def money_is_right(self) -> None:
        """For each payment what came in is what pays, is due, went back or waits, as the tables and the model say."""
        rows = self.db.query(
            "SELECT payment_id, order_uuid, state, amount_minor, currency, refunded_minor, returning_minor, dispute"
            f" FROM payments WHERE {OF_PURCHASES}", json.dumps(list(self.sale.bought)),
        )  # fmt: skip
        due = {row["payment_id"]: row["amount_due"] for row in self.db.call("list_refunds_due")}
        payments = [p for purchase in self.sale.bought.values() for p in purchase.payments.values()]
        facts = ("payment_id", "state", "amount_minor", "currency", "dispute")
        assert {tuple(row[name] for name in facts) for row in rows} == {
            (p.payment_id, p.state, p.amount, p.currency, p.dispute) for p in payments
        }  # fmt: skip
        assert due == {p.payment_id: None if p.is_due == EVERYTHING else p.is_due for p in payments if p.is_due}
        model = {payment.payment_id: payment for payment in payments}
        for row in rows:
            if row["amount_minor"] is not None:
                books = in_the_books(row, due.get(row["payment_id"], 0))
                assert books == of_the_model(model[row["payment_id"]])
                assert sum(books) == row["amount_minor"]


def in_the_books(row: Row, due: int) -> tuple[float, ...]:
    """What of a payment pays its order, is due, went back and waits, as the tables say."""
    pays = row["amount_minor"] - row["returning_minor"] if row["state"] == "paying" else 0
    waits = row["amount_minor"] - row["refunded_minor"] if row["state"] == "waiting" else 0
    return pays, due, row["refunded_minor"], waits


def of_the_model(payment: Payment) -> tuple[float, ...]:
    """The same, as the model says."""
    pays = payment.came_in - payment.told if payment.standing == "paying" else 0
    return pays, payment.is_due, payment.went_back, payment.left if payment.standing == "waiting" else 0
