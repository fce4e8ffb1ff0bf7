"""A sale in which anything may happen next: the rules of a random walk, and what has to be true after every step."""

import datetime
from dataclasses import replace
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, multiple, rule

from tests.support.payment_model import Event, KeyReusedError, Payment
from tests.support.sale import new_key, sweep
from tests.support.sale_model import MAX_PER_HOLD, Bought, Limits
from tests.support.sale_walk import REASON, SaleWalk

MICROSECOND = datetime.timedelta(microseconds=1)


class News(NamedTuple):
    """What the provider says; amounts are in words. `payment` is which of a purchase's, 0 names none."""

    status: str
    amount: str | None = None
    currency: str | None = "EUR"
    payment: int = 1
    names_order: bool = True


class Webhook(NamedTuple):
    """An event that was sent."""

    order_id: str
    key: str
    event: Event
    names_order: bool


def news(*statuses: str, amount: list[str | None] | None = None, currency: str = "EUR") -> st.SearchStrategy[News]:
    """An event of one of these statuses and amounts, of any payment of a purchase."""
    return st.builds(
        News, st.sampled_from(statuses), st.sampled_from(amount or [None]), st.just(currency),
        st.sampled_from([1, 1, 2, 0, 3]), st.sampled_from([True, True, False]),
    )  # fmt: skip


SUCCEEDED = news("succeeded", amount=["full", None])
FAILED = news("failed", amount=["full", None])
REFUNDED = news("refunded", amount=["full", None])
PARTLY_REFUNDED = news("refunded", amount=["half", "less"])
REFUND_FAILED = news("refund_failed", amount=["full", None, "half"])
MISMATCHED = news("succeeded", amount=["more", "less"]) | news("succeeded", "refunded", amount=["full"], currency="USD")
UNMOVED = news("declined", "dispute_opened", "dispute_won", "dispute_lost") | news("refunded", amount=["none"])
ANY = SUCCEEDED | FAILED | REFUNDED | PARTLY_REFUNDED | REFUND_FAILED | MISMATCHED | UNMOVED
PAID, AMISS, UNPAID = News("succeeded"), News("succeeded", "more"), News("failed")
LATE = News("succeeded", payment=3)
# What was done to a purchase before the walk begins.
FATES: dict[str, list[Any]] = {
    "held": [],
    "paid hold": [PAID],
    "pending": ["order"],
    "overdue": ["order"],
    "paid": ["order", PAID],
    "paid twice": ["order", PAID, PAID._replace(payment=2)],
    "paid late": ["order", UNPAID, LATE],
    "lapsed": ["order", UNPAID],
    "amiss": ["order", AMISS],
    "accepted": ["order", AMISS, "accept"],
    "handed over": ["order", PAID, "fulfil"],
    "withdrawn": ["order", "cancel_by_buyer"],
    "refunded": ["order", PAID, News("refunded"), LATE],
    "sold on": ["order", UNPAID, "lose", PAID, "find"],
    "reprocessed": ["order", UNPAID, "lose", PAID, "find", "reprocess"],
}
# 0 is whatever is left.
QUANTITIES = st.sampled_from([0, 0, 1, 2, 3, MAX_PER_HOLD + 1])
CUSTOMERS = st.sampled_from(["ada", "bob", "ada", "cyd", None])
LIVE = st.sampled_from([True, True, False])
KEYS = st.none() | st.integers(1, 4)
# Which payment of a purchase: the one that is due first, or any.
WHICH = st.sampled_from([None, None, None, 1, 2, 0])


class SaleMachine(SaleWalk):
    """One product of random limits, a few customers, and whatever comes to somebody's mind."""

    purchases = Bundle("purchases")
    webhooks = Bundle("webhooks")

    def live_or(self, hold_id: str, live: bool) -> str:
        """A hold that is live, if one is wanted and there is one; else this one."""
        held = [i for i, purchase in self.sale.bought.items() if purchase.state == "held"]
        return held[-1] if live and held else hold_id

    @initialize(
        target=purchases,
        stock=st.integers(4, 9),
        stripes=st.integers(1, 3),
        limits=st.builds(
            Limits,
            st.none() | st.none() | st.integers(2, 5),
            st.none() | st.none() | st.sampled_from([25, 50]),
            st.none() | st.none() | st.sampled_from([60, 600]),
            st.none() | st.sampled_from([30, 100]),
        ),
        so_far=st.lists(
            st.tuples(st.integers(1, 2), CUSTOMERS, st.sampled_from([*FATES]), ANY), min_size=3, max_size=6
        ),
        stopped=st.sampled_from([False] * 4 + [True]),
    )
    def open(self, stock: int, stripes: int, limits: Limits, so_far: list[Any], stopped: bool) -> Any:
        """Put the product on sale, and have a few purchases under way, and news of each."""
        self.start(stock, stripes, limits)
        self.come_and_go()
        bought = []
        for qty, customer, fate, told in so_far:
            held = self.try_to_hold(qty, customer, None)
            if isinstance(held, str):
                bought.append((held, told))
                for deed in FATES[fate]:
                    self.do(held, deed)
        self.stop_sale(stopped)
        if "overdue" in [fate for _, _, fate, _ in so_far]:
            self.wait(901)
        for held, told in bought:
            self.events(held, [told])
        return multiple(*list(self.sale.bought)[1:])

    def come_and_go(self) -> None:
        """One buyer does, and repeats, what chance alone rarely does to the same purchase."""
        key = f"{self.product}-0"
        held = self.try_to_hold(1, "ada", key)
        self.try_to_hold(1, "ada", key)
        self.extend(held, False, True)
        self.order(held, 0)
        self.order(held, 0)
        self.events(held, [AMISS, UNPAID._replace(payment=2)])
        self.cancel(held)
        self.cancel(held)
        held = self.try_to_hold(1, "ada", None)
        self.order(held, None)
        self.events(held, [PAID, AMISS._replace(payment=2)])
        self.record_refund(held, 2)
        self.record_refund(held, 2)
        self.fulfil(held)
        self.fulfil(held)
        held = self.try_to_hold(1, "bob", None)
        if isinstance(held, str):
            self.order(held, None)
            self.cancel_by_buyer(held)
            self.cancel_by_buyer(held)
        held = self.try_to_hold(1, "cyd", None)
        if isinstance(held, str):
            self.release(held, False)
            self.release(held, False)

    def do(self, order_id: str, deed: Any) -> None:
        """Let something happen to a purchase that chance alone rarely does."""
        if isinstance(deed, News):
            self.events(order_id, [deed])
        elif deed == "order":
            self.order(order_id, None)
        elif deed == "lose":
            self.lost = self.sale.available
            self.adjust(-self.lost)
        elif deed == "find":
            self.adjust(self.lost)
        elif deed == "accept":
            self.accept(order_id, None)
        elif deed == "reprocess":
            paid = [(key, e) for key, e in self.sale.bought[order_id].inbox.items() if e.status == "succeeded"]
            self.reprocess(Webhook(order_id, *paid[-1], True))
        else:
            getattr(self, deed)(order_id)

    # -- buyers

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
        assert (held["expires_at"], held["unit_price"]) == (self.sale.bought[held["hold_id"]].ends_at, self.sale.price)
        return held["hold_id"]

    def ended(self, purchase: Bought, ordered: str = "hold_already_used") -> set[str]:
        """Why a hold is not live any more."""
        if purchase.state == "held":
            return set()
        if purchase.state == "unknown":
            return {"hold_not_found"}
        if purchase.order_status is not None:
            return {ordered}
        return {"hold_expired" if purchase.ended_as == "expired" else "hold_released"}

    @rule(hold_id=purchases, live=LIVE)
    def release(self, hold_id: str, live: bool) -> None:
        """Somebody gives units back, also paid ones."""
        hold_id = self.live_or(hold_id, live)
        purchase = self.sale.bought[hold_id]
        released = purchase.ended_as == "released"
        answer = self.ask(set() if released else self.ended(purchase), "release_hold", hold_id)
        if answer is not None:
            assert answer["replayed"] == released
            if not released:
                purchase.end("released")

    @rule(hold_id=purchases, live=LIVE, again=st.booleans())
    def extend(self, hold_id: str, live: bool, again: bool) -> None:
        """Somebody needs more time."""
        hold_id = self.live_or(hold_id, live)
        purchase, seconds = self.sale.bought[hold_id], self.sale.limits.extension_seconds
        paid = purchase.state == "held" and purchase.paid_until is not None
        reasons = self.ended(purchase)
        if seconds is None and purchase.state != "unknown" and not paid:
            reasons |= {"extension_not_allowed"}
        answer = self.ask(reasons, "extend_hold", hold_id)
        if answer is not None:
            assert answer["replayed"] == (purchase.extended or paid)
            if not purchase.extended and not paid:
                purchase.due_at += datetime.timedelta(seconds=seconds or 0)
                purchase.extended = True
            assert answer["expires_at"] == purchase.ends_at + (self.sale.now - purchase.clock)
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
                purchase.order_key = sent
                purchase.order()

    @rule(order_id=purchases)
    def cancel_by_buyer(self, order_id: str) -> None:
        """The buyer does not want the order any more."""
        purchase = self.sale.bought[order_id]
        status = purchase.order_status
        reasons = {None: {"order_not_found"}, "pending": set[str](), "cancelled": set[str]()}
        answer = self.ask(reasons.get(status, {"order_not_cancellable"}), "cancel_pending_order", order_id)
        if answer is not None:
            assert answer["replayed"] == (status == "cancelled")
            if status == "pending":
                purchase.cancel(by_buyer=True)

    # -- the provider

    def deliver(self, webhook: Webhook) -> None:
        """Deliver an event to the sale and to the model; no two come at the same microsecond."""
        self.travel(self.sale.now + MICROSECOND)
        order_id, key, event, names_order = webhook
        purchase = self.sale.bought[order_id]
        replayed = key in purchase.inbox
        try:
            expected = purchase.receive(key, replace(event))
        except KeyReusedError:
            expected = None
        reasons = set() if expected else {"idempotency_key_reused"}
        answer = self.ask(
            reasons, "receive_payment_webhook", key, order_id if names_order else None, event.payment_id, event.status,
            event.amount, event.currency, None, None,
        )  # fmt: skip
        if answer is not None and expected is not None:
            self.adopt_what_was_swept()
            payment = purchase.payment_told_of(expected)
            assert (answer["outcome"], answer["order_status"], answer["payment_id"], answer["payment_state"]) == (
                expected.outcome, purchase.order_status, payment.payment_id, payment.state,
            )  # fmt: skip
            assert (answer["deliveries"], answer["replayed"]) == (expected.deliveries, replayed)

    def events(self, order_id: str, told: list[News]) -> Any:
        """The provider has news of payments."""
        purchase = self.sale.bought[order_id]
        cost = 1000 if purchase.cost is None else purchase.cost
        amounts = {"full": cost, "less": max(cost - 1, 0), "half": cost // 2, "more": cost + 1, "none": 0, None: None}
        webhooks = []
        for status, amount, currency, number, names_order in told:
            payment = f"pi_{number}_{order_id}" if number else None
            event = Event(status, amounts[amount], currency, payment)
            webhooks.append(Webhook(order_id, new_key(), event, names_order or payment not in purchase.payments))
            self.deliver(webhooks[-1])
        return multiple(*webhooks)

    @rule(target=webhooks, order_id=purchases, told=SUCCEEDED)
    def succeeded(self, order_id: str, told: News) -> Any:
        """A payment succeeded."""
        return self.events(order_id, [told])

    @rule(target=webhooks, order_id=purchases, told=SUCCEEDED, refunded=REFUNDED | PARTLY_REFUNDED)
    def succeeded_and_refunded(self, order_id: str, told: News, refunded: News) -> Any:
        """A payment succeeded and went back."""
        return self.events(order_id, [told, refunded._replace(payment=told.payment)])

    @rule(target=webhooks, order_id=purchases, told=FAILED)
    def failed(self, order_id: str, told: News) -> Any:
        """A payment failed."""
        return self.events(order_id, [told])

    @rule(target=webhooks, order_id=purchases, told=MISMATCHED)
    def mismatched(self, order_id: str, told: News) -> Any:
        """The provider speaks of other money than the order does."""
        return self.events(order_id, [told])

    @rule(target=webhooks, order_id=purchases, told=REFUNDED | PARTLY_REFUNDED)
    def refunded(self, order_id: str, told: News) -> Any:
        """Money went back."""
        return self.events(order_id, [told])

    @rule(target=webhooks, order_id=purchases, told=REFUND_FAILED)
    def refund_failed(self, order_id: str, told: News) -> Any:
        """Money that went back came back."""
        return self.events(order_id, [told])

    @rule(target=webhooks, order_id=purchases, told=UNMOVED)
    def unmoved(self, order_id: str, told: News) -> Any:
        """The provider has news that move no units."""
        return self.events(order_id, [told])

    @rule(target=webhooks, told=ANY)
    def nothing_known(self, told: News) -> Any:
        """The provider has news of something that nobody knows."""
        return self.events(self.stranger, [told])

    @rule(webhook=webhooks, changed=st.booleans())
    def event_again(self, webhook: Webhook, changed: bool) -> None:
        """The provider repeats itself, or sends something else under a key that it has used."""
        other = replace(webhook.event, amount=(webhook.event.amount or 0) + 1)
        self.deliver(webhook._replace(event=other) if changed else webhook)

    # -- time

    @rule(seconds=st.sampled_from([1, 121, 901]))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.travel(self.sale.now + datetime.timedelta(seconds=seconds))

    @rule(early=st.booleans())
    def wait_for_the_next_end(self, early: bool) -> None:
        """Time passes until the very instant at which something lapses, or the last one before."""
        due = [p.ends_at for p in self.sale.bought.values() if p.state in ("held", "pending")]
        if due:
            self.travel(max(self.sale.now, min(due) - early * MICROSECOND))

    def travel(self, moment: datetime.datetime) -> None:
        """Go to a moment."""
        self.db.travel_to(moment)
        self.sale.advance(moment)

    @rule(after=st.sampled_from([0, 0, 121, 901]))
    def sweep(self, after: int) -> None:
        """The housekeeping runs, perhaps after a while."""
        self.wait(after)
        sweep(self.db)
        self.sale.sweep()

    # -- the shop

    @rule(order_id=purchases)
    def cancel(self, order_id: str) -> None:
        """The operator cancels an order."""
        purchase = self.sale.bought[order_id]
        status = purchase.order_status
        free = status == "paid" and purchase.cost == 0 and not purchase.fulfilled
        reasons = {None: {"order_not_found"}, "pending": set[str](), "cancelled": set[str]()}
        refused = set[str]() if free else reasons.get(status, {"order_not_cancellable"})
        answer = self.ask(refused, "cancel_order", order_id, REASON)
        if answer is not None:
            assert answer["replayed"] == (purchase.state == "withdrawn")
            purchase.cancel(by_buyer=False)

    @rule(order_id=purchases)
    def fulfil(self, order_id: str) -> None:
        """Somebody hands over what was paid."""
        purchase = self.sale.bought[order_id]
        status = "paid" if purchase.fulfilled else purchase.order_status
        reasons = {None: {"order_not_found"}, "paid": set[str]()}
        answer = self.ask(reasons.get(status, {"order_not_fulfillable"}), "fulfil_order", order_id)
        if answer is not None:
            assert answer["replayed"] == purchase.fulfilled
            purchase.fulfilled = True

    @rule(delta=st.integers(-4, 3).filter(bool))
    def adjust(self, delta: int) -> None:
        """The operator finds or withdraws units."""
        if delta:
            reasons = {"stock_in_use"} if self.sale.available + delta < 0 else set[str]()
            if self.ask(reasons, "adjust_stock", self.product, delta, REASON) is not None:
                self.sale.stock += delta

    @rule(start=st.sampled_from([None] * 3 + [-60, 60]), length=st.sampled_from([None] * 3 + [30, 3600]))
    def set_window(self, start: int | None, length: int | None) -> None:
        """The operator opens, closes or reschedules the sale, also one that was stopped."""
        sale, seconds = self.sale, lambda count: datetime.timedelta(seconds=count)
        sale.starts_at = None if start is None else sale.now + seconds(start)
        sale.ends_at = None if length is None else (sale.starts_at or sale.now) + seconds(length)
        self.ask(set(), "set_sale_window", self.product, sale.starts_at, sale.ends_at, REASON)
        sale.stopped = False

    @rule(price=st.sampled_from([1000, 1000, 500, 0]))
    def set_price(self, price: int) -> None:
        """The next hold costs something else."""
        self.ask(set(), "set_price", self.product, price, REASON)
        self.sale.price = price

    @rule(sure=st.sampled_from([False] * 5 + [True]))
    def stop_sale(self, sure: bool) -> None:
        """The sale is over, at once."""
        if sure:
            self.ask(set(), "stop_sale", self.product, REASON)
            self.sale.stop()

    @rule(sure=st.sampled_from([False] * 4 + [True]))
    def pause_sale(self, sure: bool) -> None:
        """The shop is down: nothing new is held, and nothing runs out."""
        if sure:
            answer = self.ask(set(), "pause_sale", self.product, REASON)
            self.sale.pause()
            assert answer and answer["paused_at"] == self.sale.paused_at

    @rule(seconds=st.sampled_from([0, 0, 30, 901]))
    def resume_sale(self, seconds: int) -> None:
        """The shop is back, perhaps after a while."""
        if self.sale.paused_at is not None:
            self.wait(seconds)
        self.ask(set(), "resume_sale", self.product, REASON)
        self.sale.resume()

    def which(self, order_id: str, number: int | None) -> tuple[str, Payment | None]:
        """A payment of a purchase: the one that is due first, or that with this number."""
        purchase = self.sale.bought[order_id]
        name = f"pi_{number}_{order_id}" if number else order_id
        if number is None and purchase.due:
            name = purchase.due[0].payment_id
        return name, purchase.payments.get(name)

    @rule(order_id=purchases, number=WHICH)
    def record_refund(self, order_id: str, number: int | None) -> None:
        """The operator has sent money back."""
        name, payment = self.which(order_id, number)
        if payment is not None:
            self.sale.bought[order_id].decide_alone(payment)
        replayed = payment is not None and payment.state == "settled"
        if payment is None:
            reasons = {"payment_not_found"}
        else:
            reasons = set[str]() if payment.is_due or replayed else {"refund_not_due"}
        answer = self.ask(reasons, "record_refund", name, REASON)
        if answer is not None:
            assert payment and answer["replayed"] == replayed
            if not replayed:
                self.sale.bought[order_id].record_refund(payment)

    @rule(order_id=purchases, number=WHICH)
    def accept(self, order_id: str, number: int | None) -> None:
        """The operator takes another amount as the price."""
        purchase = self.sale.bought[order_id]
        name, payment = self.which(order_id, number)
        reasons = {"payment_not_found"} if payment is None else {"payment_not_acceptable"}
        pays = payment is not None and payment.standing == "paying"
        if payment and (pays or purchase.may_accept(payment)):
            reasons = set()
        elif payment and purchase.state == "lapsed":
            reasons |= {"sold_out"}
        answer = self.ask(reasons, "accept_payment", name, REASON)
        if answer is not None:
            assert payment and answer["replayed"] == pays
            if not pays:
                purchase.accept(payment)

    @rule(webhook=webhooks)
    def reprocess(self, webhook: Webhook) -> None:
        """The operator has an event decided anew."""
        purchase = self.sale.bought[webhook.order_id]
        event = purchase.inbox[webhook.key]
        number = self.db.value("SELECT webhook_id FROM payment_webhooks WHERE idempotency_key = %s", webhook.key)
        payment = purchase.payment_told_of(event)
        decided = purchase.may_decide_anew(payment)
        reasons = set[str]() if decided or webhook.key in purchase.reprocessed else {"webhook_settled"}
        answer = self.ask(reasons, "reprocess_webhook", number)
        if answer is not None:
            assert answer["replayed"] == (not decided)
            if decided:
                purchase.reprocessed.add(webhook.key)
                purchase.reprocess(payment)
