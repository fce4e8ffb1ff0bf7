"""A sale in which anything may happen next: the rules of a random walk, and what has to be true after every step."""

import datetime
import json
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from tests.support.database import Database, Refused, Row
from tests.support.payment_model import Event, KeyReusedError
from tests.support.sale import insisting, new_key, sweep
from tests.support.sale_model import HOLD_SECONDS, MAX_PER_HOLD, PAYMENT_SECONDS, PRICE, Bought, Limits, Sale

MICROSECOND = datetime.timedelta(microseconds=1)


def event(*statuses: str, amount: list[str | None], currency: str = "EUR") -> st.SearchStrategy[Event]:
    """An event of one of these statuses and amounts; amounts are in words."""
    return st.builds(Event, st.sampled_from(statuses), st.sampled_from(amount), st.just(currency))  # type: ignore[arg-type]


SUCCEEDED = event("succeeded", amount=["full", None])
FAILED = event("failed", amount=["full", None])
REFUNDED = event("refunded", amount=["full", None])
PARTLY_REFUNDED = event("refunded", amount=["half", "less"])
MISMATCHED = event("succeeded", "refunded", amount=["more"]) | event(
    "succeeded", "refunded", amount=["full"], currency="USD"
)
EVENTS = SUCCEEDED | FAILED | REFUNDED | PARTLY_REFUNDED | MISMATCHED
PAID, UNPAID = Event("succeeded", None, None), Event("failed", None, None)
FATES = ["held", "held", "pending", "pending", "overdue", "paid", "cancelled", "refund_due", "reprocessed"]
# 0 is whatever is left.
QUANTITIES = st.sampled_from([0, 0, 1, 2, 3, MAX_PER_HOLD + 1])
CUSTOMERS = st.sampled_from(["ada", "bob", "ada", "cyd", None])
LIVE = st.sampled_from([True, True, False])
KEYS = st.none() | st.integers(1, 4)
REASON = "as the test says"
# Whoever has this lock sweeps, and nobody else: the EVENT must not decide anything in the middle of a step.
SWEEP_LOCK = "CONCAT('sweep.', DATABASE())"
# All that refer to a product, and the products themselves.
TABLES = [
    "customer_units", "stock_stripes", "stock_adjustments", "operator_actions", "holds", "hold_history", "orders",
    "products",
]  # fmt: skip


class SaleMachine(RuleBasedStateMachine):
    """One product of random limits, a few customers, and whatever comes to somebody's mind."""

    db: ClassVar[Database]
    admin: ClassVar[Database]
    steps: ClassVar[int] = 0
    met: ClassVar[Counter[tuple[str, str]]] = Counter()
    done: ClassVar[Counter[tuple[str, bool]]] = Counter()

    purchases = Bundle("purchases")
    webhooks = Bundle("webhooks")

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

    def live_or(self, hold_id: str, live: bool) -> str:
        """A hold that is live, if one is wanted and there is one; else this one."""
        held = [i for i, purchase in self.sale.bought.items() if purchase.state == "held"]
        return held[-1] if live and held else hold_id

    @initialize(
        target=purchases,
        stock=st.integers(3, 8),
        stripes=st.integers(1, 3),
        limits=st.builds(
            Limits,
            st.none() | st.none() | st.integers(2, 5),
            st.none() | st.none() | st.sampled_from([25, 50]),
            st.none() | st.none() | st.sampled_from([60, 600]),
            st.none() | st.sampled_from([30, 100]),
        ),
        so_far=st.lists(st.tuples(st.integers(1, 2), CUSTOMERS, st.sampled_from(FATES)), min_size=3, max_size=6),
    )
    def open(self, stock: int, stripes: int, limits: Limits, so_far: list[Any]) -> Any:
        """Put the product on sale, and have a few purchases under way."""
        assert self.db.value(f"SELECT GET_LOCK({SWEEP_LOCK}, 10)") == 1
        self.db.come_back()
        self.sale = Sale(stock, limits, self.db.now())
        self.db.travel_to(self.sale.now)
        self.product = self.db.one(
            "create_product", "Limited sneaker", PRICE, "EUR", stock, stripes, HOLD_SECONDS, PAYMENT_SECONDS,
            MAX_PER_HOLD, None, None, None,
        )["product_id"]  # fmt: skip
        self.db.one(
            "set_limits", self.product, limits.max_per_customer, limits.max_unpaid_percent, limits.pause_seconds,
            limits.extension_seconds, REASON,
        )  # fmt: skip
        self.stranger = new_key()
        self.sale.bought[self.stranger] = Bought(0, 1000, "unknown", sale=self.sale)
        self.come_and_go()
        for qty, customer, fate in so_far:
            held = self.try_to_hold(qty, customer, None)
            if isinstance(held, str) and fate != "held":
                self.order(held, None)
                self.bring_to(held, fate)
        if "overdue" in [fate for _, _, fate in so_far]:
            self.wait(901)
        return multiple(*list(self.sale.bought)[1:])

    def come_and_go(self) -> None:
        """One buyer does, and repeats, what chance alone rarely does to the same purchase."""
        key = f"{self.product}-0"
        held = self.try_to_hold(1, "ada", key)
        self.try_to_hold(1, "ada", key)
        self.extend(held, False, True)
        self.release(held, False)
        self.release(held, False)
        held = self.try_to_hold(1, "ada", None)
        self.order(held, 0)
        self.order(held, 0)
        self.cancel(held)
        self.cancel(held)

    def bring_to(self, order_id: str, fate: str) -> None:
        """Let an order become what chance alone rarely makes of one."""
        events = {"paid": [PAID], "cancelled": [UNPAID], "refund_due": [UNPAID]}.get(fate, [])
        self.events(order_id, events)
        if fate == "refund_due":
            free = self.sale.available
            self.adjust(-free)
            self.events(order_id, [PAID])
            self.adjust(free)
            assert self.sale.bought[order_id].state == "refund_due"
        elif fate == "reprocessed":
            self.bring_to(order_id, "refund_due")
            [paid] = [key for key, event in self.sale.bought[order_id].inbox.items() if event.status == "succeeded"]
            self.reprocess((order_id, paid, PAID))
            assert self.sale.bought[order_id].state == "paid"

    @rule(target=purchases, qty=QUANTITIES, customer=CUSTOMERS, key=KEYS)
    def hold(self, qty: int, customer: str | None, key: int | None) -> Any:
        """Somebody holds units, or repeats what they sent."""
        return self.try_to_hold(qty, customer, None if key is None else f"{self.product}-{key}")

    @rule(target=purchases, qty=st.integers(1, 3), customer=CUSTOMERS)
    def hold_and_order(self, qty: int, customer: str | None) -> Any:
        """Somebody holds units and orders them."""
        held = self.try_to_hold(qty, customer, None)
        if isinstance(held, str):
            self.order(held, None)
        return held

    def try_to_hold(self, qty: int, customer: str | None, sent: str | None) -> Any:
        """Hold units if that is possible; the id of the hold."""
        qty = qty or max(1, min(self.sale.available, MAX_PER_HOLD))
        known = [(i, p) for i, p in self.sale.bought.items() if sent and p.key == sent]
        if known and (known[0][1].qty, known[0][1].customer) != (qty, customer):
            reasons = {"idempotency_key_reused"}
        else:
            reasons = set() if known else self.sale.refusals(qty, customer)
        held = self.ask(reasons, "create_hold", self.product, qty, customer, sent)
        if held is None:
            return multiple()
        assert held["replayed"] == bool(known)
        if known:
            assert held["hold_id"] == known[0][0]
            return multiple()
        self.sale.hold(held["hold_id"], qty, customer, sent)
        assert held["expires_at"] == self.sale.bought[held["hold_id"]].due_at
        return held["hold_id"]

    def ended(self, purchase: Bought, ordered: str = "hold_already_used") -> set[str]:
        """Why a hold is not live any more."""
        if purchase.state == "held":
            return set()
        if purchase.state == "unknown":
            return {"hold_not_found"}
        if purchase.order_status is not None:
            return {ordered}
        return {"hold_released" if purchase.released else "hold_expired"}

    @rule(hold_id=purchases, live=LIVE)
    def release(self, hold_id: str, live: bool) -> None:
        """Somebody gives units back."""
        hold_id = self.live_or(hold_id, live)
        purchase = self.sale.bought[hold_id]
        reasons = set() if purchase.released else self.ended(purchase)
        answer = self.ask(reasons, "release_hold", hold_id)
        if answer is not None:
            assert answer["replayed"] == purchase.released
            purchase.released = True
            if purchase.state == "held":
                purchase.state = "hold_ended"

    @rule(hold_id=purchases, live=LIVE, again=st.booleans())
    def extend(self, hold_id: str, live: bool, again: bool) -> None:
        """Somebody needs more time."""
        hold_id = self.live_or(hold_id, live)
        purchase, seconds = self.sale.bought[hold_id], self.sale.limits.extension_seconds
        reasons = self.ended(purchase)
        if seconds is None and purchase.state != "unknown":
            reasons |= {"extension_not_allowed"}
        answer = self.ask(reasons, "extend_hold", hold_id)
        if answer is not None:
            assert answer["replayed"] == purchase.extended
            if not purchase.extended:
                purchase.due_at += datetime.timedelta(seconds=seconds or 0)
            purchase.extended = True
            assert answer["expires_at"] == purchase.due_at
            if again:
                self.extend(hold_id, False, False)

    @rule(hold_id=purchases, key=KEYS)
    def order(self, hold_id: str, key: int | None) -> None:
        """Somebody orders, or repeats an order."""
        sent = None if key is None else f"{self.product}-{key}"
        purchase = self.sale.bought[hold_id]
        of_key = [p for p in self.sale.bought.values() if sent and p.order_key == sent]
        repeated = of_key == [purchase]
        reasons = {"idempotency_key_reused"} if of_key and not repeated else self.ended(purchase)
        answer = self.ask(set() if repeated else reasons, "create_order", hold_id, sent)
        if answer is not None:
            assert answer["replayed"] == repeated
            if not repeated:
                self.sale.order(purchase, sent)

    def deliver(self, order_id: str, key: str, event: Event) -> None:
        """Deliver an event to the sale and to the model."""
        purchase = self.sale.bought[order_id]
        replayed = key in purchase.inbox
        late = purchase.state == "cancelled" and not purchase.can_take_back()
        self.met["sold_on" if late else purchase.state, purchase.kind(event)] += 1
        try:
            expected = purchase.receive(key, deepcopy(event))
        except KeyReusedError:
            expected = None
        reasons = set() if expected else {"idempotency_key_reused"}
        sent = (event.status, event.amount, event.currency, None, None)
        answer = self.ask(reasons, "receive_payment_webhook", key, order_id, *sent)
        if answer is not None and expected is not None:
            self.look()
            assert (answer["outcome"], answer["order_status"]) == (expected.outcome, purchase.order_status)
            assert (answer["deliveries"], answer["replayed"]) == (expected.deliveries, replayed)

    def events(self, order_id: str, events: list[Event]) -> Any:
        """The provider has news of a payment."""
        amount = self.sale.bought[order_id].amount
        known = {"full": amount, "less": amount - 1, "half": amount // 2, "more": amount + 1, None: None}
        webhooks = [(order_id, new_key(), Event(e.status, known[e.amount], e.currency)) for e in events]
        for webhook in webhooks:
            self.deliver(*webhook)
        return multiple(*webhooks)

    @rule(target=webhooks, order_id=purchases, event=SUCCEEDED)
    def succeeded(self, order_id: str, event: Event) -> Any:
        """A payment succeeded."""
        return self.events(order_id, [event])

    @rule(target=webhooks, order_id=purchases, event=FAILED)
    def failed(self, order_id: str, event: Event) -> Any:
        """A payment failed."""
        return self.events(order_id, [event])

    @rule(target=webhooks, order_id=purchases, event=MISMATCHED)
    def mismatched(self, order_id: str, event: Event) -> Any:
        """The provider speaks of other money than the order does."""
        return self.events(order_id, [event])

    @rule(target=webhooks, order_id=purchases, event=REFUNDED)
    def refunded(self, order_id: str, event: Event) -> Any:
        """All money went back."""
        return self.events(order_id, [event])

    @rule(target=webhooks, order_id=purchases, event=PARTLY_REFUNDED)
    def partly_refunded(self, order_id: str, event: Event) -> Any:
        """Some money went back."""
        return self.events(order_id, [event])

    @rule(target=webhooks, events=st.lists(EVENTS, max_size=1))
    def nothing_known(self, events: list[Any]) -> Any:
        """The provider has news of something that nobody knows, or the operator has sent that money back."""
        if events:
            return self.events(self.stranger, events)
        self.record_refund(self.stranger)
        return multiple()

    @rule(webhook=webhooks, changed=st.booleans())
    def event_again(self, webhook: tuple[str, str, Event], changed: bool) -> None:
        """The provider repeats itself, or sends something else under a key that it has used."""
        order_id, key, event = webhook
        self.deliver(order_id, key, Event(event.status, (event.amount or 0) + 1, "EUR") if changed else event)

    @rule(seconds=st.sampled_from([1, 121, 901]))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.travel(self.sale.now + datetime.timedelta(seconds=seconds))

    @rule(early=st.booleans())
    def wait_for_the_next_end(self, early: bool) -> None:
        """Time passes until the very instant at which something lapses, or the last one before."""
        due = [p.due_at for p in self.sale.bought.values() if p.state in ("held", "pending")]
        if due:
            self.travel(max(self.sale.now, min(due) - early * MICROSECOND))

    def travel(self, moment: datetime.datetime) -> None:
        """Go to a moment."""
        self.db.travel_to(moment)
        self.sale.advance(moment)

    @rule()
    def sweep(self) -> None:
        """The housekeeping runs."""
        sweep(self.db)
        self.sale.sweep()

    @rule(order_id=purchases)
    def cancel(self, order_id: str) -> None:
        """The operator cancels an order."""
        purchase = self.sale.bought[order_id]
        status = purchase.order_status
        reasons = {None: {"order_not_found"}, "pending": set[str](), "cancelled": set[str]()}
        answer = self.ask(reasons.get(status, {"order_not_cancellable"}), "cancel_order", order_id, REASON)
        if answer is not None:
            assert answer["replayed"] == (status == "cancelled")
            purchase.state = "cancelled"

    @rule(delta=st.integers(-4, 3).filter(bool))
    def adjust(self, delta: int) -> None:
        """The operator finds or withdraws units."""
        reasons = {"stock_in_use"} if self.sale.available + delta < 0 else set[str]()
        if self.ask(reasons, "adjust_stock", self.product, delta, REASON) is not None:
            self.sale.stock += delta

    @rule(start=st.sampled_from([None] * 3 + [-60, 60]), length=st.sampled_from([None] * 3 + [30, 3600]))
    def set_window(self, start: int | None, length: int | None) -> None:
        """The operator opens, closes or reschedules the sale."""
        sale, seconds = self.sale, lambda count: datetime.timedelta(seconds=count)
        sale.starts_at = None if start is None else sale.now + seconds(start)
        sale.ends_at = None if length is None else (sale.starts_at or sale.now) + seconds(length)
        self.ask(set(), "set_sale_window", self.product, sale.starts_at, sale.ends_at, REASON)

    @rule(order_id=purchases)
    def record_refund(self, order_id: str) -> None:
        """The operator has sent money back."""
        purchase = self.sale.bought[order_id]
        trial = replace(purchase, inbox=deepcopy(purchase.inbox))
        trial.give_up_waiting()
        due = trial.due()
        if due or any(event.outcome == "refunded" for event in trial.inbox.values()):
            reasons = set[str]()
        else:
            reasons = {"refund_not_due" if purchase.order_status or purchase.inbox else "order_not_found"}
        answer = self.ask(reasons, "record_refund", order_id, REASON)
        if answer is not None:
            assert answer["replayed"] == (due == [])
            trial.record_refund()
            self.sale.bought[order_id] = trial

    @rule(webhook=webhooks)
    def reprocess(self, webhook: tuple[str, str, Event]) -> None:
        """The operator has an event decided anew."""
        order_id, key, _ = webhook
        purchase = self.sale.bought[order_id]
        event = purchase.inbox[key]
        number = self.db.value("SELECT webhook_id FROM payment_webhooks WHERE idempotency_key = %s", key)
        decided = (event.outcome == "parked" and purchase.state == "hold_ended") or (
            event.outcome == "refund_due" and purchase.state == "refund_due" and purchase.can_take_back()
        )
        reasons = set[str]() if decided or event.reprocessed else {"webhook_settled"}
        answer = self.ask(reasons, "reprocess_webhook", number)
        if answer is not None:
            assert answer["replayed"] == (not decided)
            if decided:
                purchase.reprocess(event)

    def teardown(self) -> None:
        """Forget the product, so that the invariants, which look at everything, stay quick; let others sweep again."""
        self.db.query(f"DO RELEASE_LOCK({SWEEP_LOCK})")
        sweep(self.admin)
        if not hasattr(self, "product"):
            return
        self.admin.query("START TRANSACTION")
        for order_id in self.sale.bought:
            self.admin.query("DELETE FROM payment_webhooks WHERE order_id = UUID_TO_BIN(%s)", order_id)
        for table in TABLES:
            self.admin.query(f"DELETE FROM {table} WHERE product_id = %s", self.product)
        self.admin.query("COMMIT")

    def look(self) -> list[Row]:
        """What the database has of orders and events; whether what lapsed was swept is nobody's promise: adopt it."""
        rows = self.db.query(
            "SELECT 'hold' AS what, hold_uuid AS id, NULL AS name, ended_as AS state, NULL AS count FROM hold_history"
            " WHERE product_id = %s AND ended_as = 'expired'"
            " UNION ALL SELECT 'order', order_uuid, NULL, status, refunded_minor FROM orders WHERE product_id = %s"
            " UNION ALL SELECT 'event', order_uuid, idempotency_key, outcome, deliveries FROM payment_webhooks"
            " WHERE order_id IN"
            " (SELECT UUID_TO_BIN(id) FROM JSON_TABLE(%s, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS ids)",
            self.product, self.product, json.dumps(list(self.sale.bought)),
        )  # fmt: skip
        for row in rows:
            purchase = self.sale.bought[row["id"]]
            if (row["state"], purchase.state) == ("expired", "expired"):
                purchase.state = "hold_ended"
            elif (row["state"], purchase.state) == ("cancelled", "overdue"):
                purchase.state = "cancelled"
            elif row["what"] == "event" and purchase.state == "hold_ended" and row["state"] != "parked":
                purchase.settle()  # when the end of a hold is noticed, what was parked is settled
        return rows

    @invariant()
    def as_the_model_says(self) -> None:
        """Nothing is violated; stock, orders and inbox are the model's."""
        if not hasattr(self, "product"):
            return
        type(self).steps += 1
        rows, sale = self.look(), self.sale
        assert self.admin.call("check_invariants") == []
        row = self.db.one("get_product", self.product)
        assert (row["stock_total"], row["available"], row["held"], row["sold"]) == (
            sale.stock, sale.available, sale.units("held"), sale.units("pending", "paid")
        )  # fmt: skip
        assert {(row["id"], row["state"], row["count"]) for row in rows if row["what"] == "order"} == {
            (order_id, purchase.order_status, purchase.refunded)
            for order_id, purchase in sale.bought.items() if purchase.order_status
        }  # fmt: skip
        assert {(row["name"], row["state"], row["count"]) for row in rows if row["what"] == "event"} == {
            (key, event.outcome, event.deliveries)
            for purchase in sale.bought.values() for key, event in purchase.inbox.items()
        }  # fmt: skip
