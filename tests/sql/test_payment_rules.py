"""Every state of an order meets every payment event: once, again, changed, and twice at the same instant.

What has to come out is said by tests/support/payment_model.py, which knows nothing of the SQL.
"""

import itertools
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import NamedTuple

import pytest

from tests.support.database import Database
from tests.support.pairwise import all_pairs
from tests.support.payment_model import RULES, Event, KeyReusedError, Purchase, Rule
from tests.support.payment_story import AMOUNT, QTY, REASON, STOCK, SUCCESS, Story
from tests.support.sale import at_once, insisting, new_key, refusal

Connect = Callable[..., Database]
Early = Callable[[], None]

# -- what happens to a purchase; `early` are the events that come while its units are only held


def unknown(story: Story, early: Early) -> None:
    """Nothing has this id."""
    early()


def unknown_for_long(story: Story, early: Early) -> None:
    early()
    story.wait(901)
    story.sweep()


def held(story: Story, early: Early) -> None:
    story.hold()
    early()


def held_beyond_its_time(story: Story, early: Early) -> None:
    story.hold()
    early()
    story.wait(121)


def hold_expired(story: Story, early: Early) -> None:
    held_beyond_its_time(story, early)
    story.sweep()


def held_for_long(story: Story, early: Early) -> None:
    story.hold()
    early()
    story.wait(90121)


def held_for_long_and_swept(story: Story, early: Early) -> None:
    held_for_long(story, early)
    story.sweep()


def hold_released(story: Story, early: Early) -> None:
    held(story, early)
    story.release()


def hold_stopped(story: Story, early: Early) -> None:
    held(story, early)
    story.stop_sale()


def pending(story: Story, early: Early) -> None:
    held(story, early)
    story.order()


def free_of_charge(story: Story, early: Early) -> None:
    story.hold(price=0)
    early()
    story.order()


def pending_of_a_stopped_sale(story: Story, early: Early) -> None:
    pending(story, early)
    story.stop_sale()


def overdue(story: Story, early: Early) -> None:
    pending(story, early)
    story.wait(901)


def overdue_and_swept(story: Story, early: Early) -> None:
    overdue(story, early)
    story.sweep()


def another_payment_failed(story: Story, early: Early) -> None:
    pending(story, early)
    story.deliver(replace(FAILURE, payment_id=story.payment(9)))


def sold_on(story: Story, early: Early) -> None:
    another_payment_failed(story, early)
    story.others_hold(min(STOCK - QTY + 1, STOCK - story.purchase.units_sold))


def limit_reached(story: Story, early: Early) -> None:
    story.hold("alice", max_per_customer=QTY)
    early()
    story.order()
    story.deliver(FAILURE)
    if story.purchase.state == "lapsed":
        story.others_hold(1, "alice")
        story.purchase.limit_reached = True


def limit_begun_without_a_customer(story: Story, early: Early) -> None:
    another_payment_failed(story, early)
    if story.purchase.state == "lapsed":
        story.db.one("set_limits", story.product, max_per_customer=STOCK, reason=REASON)
        story.purchase.limit_reached = True


def lapsed_and_stopped(story: Story, early: Early) -> None:
    another_payment_failed(story, early)
    story.stop_sale()


def stopped_and_lapsed(story: Story, early: Early) -> None:
    pending_of_a_stopped_sale(story, early)
    story.wait(901)
    story.sweep()


def withdrawn_by_the_operator(story: Story, early: Early) -> None:
    pending(story, early)
    story.cancel("cancel_order", "fraud")


def withdrawn_by_the_buyer(story: Story, early: Early) -> None:
    pending(story, early)
    story.cancel("cancel_pending_order")


def paid(story: Story, early: Early) -> None:
    pending(story, early)
    if story.purchase.state != "paid":
        story.deliver(replace(SUCCESS, payment_id=story.payment(9)))


def fulfilled(story: Story, early: Early) -> None:
    paid(story, early)
    story.fulfil()


def refunded(story: Story, early: Early) -> None:
    paid(story, early)
    for number in (9, 2, 1):
        story.deliver(replace(REFUND, payment_id=story.payment(number)))


FATES = [
    unknown, unknown_for_long, held, held_beyond_its_time, hold_expired, held_for_long, held_for_long_and_swept,
    hold_released, hold_stopped, pending, free_of_charge, pending_of_a_stopped_sale, overdue, overdue_and_swept,
    another_payment_failed, sold_on, limit_reached, limit_begun_without_a_customer, lapsed_and_stopped,
    stopped_and_lapsed, withdrawn_by_the_operator, withdrawn_by_the_buyer, paid, fulfilled, refunded,
]  # fmt: skip

# -- what the provider may say

FAILURE = Event("failed")
REFUND = Event("refunded", AMOUNT, "EUR")
PART = Event("refunded", AMOUNT // 4, "EUR")
MISMATCH = Event("succeeded", AMOUNT - 1, "EUR")
EVENTS = {
    "succeeded": SUCCESS,
    "succeeded without amount": Event("succeeded"),
    "succeeded with another amount": MISMATCH,
    "succeeded in another currency": Event("succeeded", AMOUNT, "USD"),
    "succeeded with nothing": Event("succeeded", 0, "EUR"),
    "declined": Event("declined"),
    "failed": FAILURE,
    "refunded": REFUND,
    "refunded without amount": Event("refunded"),
    "partly refunded": PART,
    "nothing refunded": Event("refunded", 0),
    "refunded too much": Event("refunded", AMOUNT + 1, "EUR"),
    "refunded in another currency": Event("refunded", AMOUNT, "USD"),
    "refund failed": Event("refund_failed"),
    "part of a refund failed": Event("refund_failed", AMOUNT // 4, "EUR"),
    "dispute opened": Event("dispute_opened"),
    "dispute won": Event("dispute_won"),
    "dispute lost": Event("dispute_lost"),
}
# What the provider has told of the same payment before.
BEFORE: dict[str, list[Event]] = {
    "new": [],
    "declined": [Event("declined")],
    "failed": [FAILURE],
    "received": [SUCCESS],
    "received amiss": [MISMATCH],
    "partly refunded": [SUCCESS, PART],
    "refunded": [SUCCESS, REFUND],
    "refunded before it came": [REFUND, SUCCESS],
    "refund failed": [SUCCESS, REFUND, Event("refund_failed")],
    "disputed": [Event("dispute_opened"), SUCCESS],
}
NAMED = ["order and payment", "the order", "the payment"]
ANOTHER = {"alone": [], "another received": [SUCCESS], "another amiss": [MISMATCH], "another failed": [FAILURE]}
MANNERS = ["again", "changed", "under two keys", "twice at an instant", "under two keys at an instant"]


class Case(NamedTuple):
    """A purchase, what was told of a payment, and when; another payment; what comes now, how named, and how."""

    fate: Callable[[Story, Early], None]
    before: str
    early: bool
    another: str
    event: str
    named: str
    manner: str

    def __str__(self) -> str:
        time = "early" if self.early else "late"
        return f"{self.fate.__name__}-{time} {self.before}-{self.another}-{self.event}-{self.named}-{self.manner}"


CASES = [
    Case(*row)  # type: ignore[arg-type]
    for row in all_pairs([FATES, [*BEFORE], [True, False], [*ANOTHER], [*EVENTS], NAMED, MANNERS])
]
CASES += [
    Case(fate, before, early, "alone", event, "order and payment", "again")
    for fate in FATES
    for before, early, event in [
        ("new", False, "succeeded"), ("new", False, "succeeded with another amount"), ("new", False, "failed"),
        ("received", True, "refunded"), ("failed", True, "succeeded"),
    ]
]  # fmt: skip
MET: set[tuple[str, str]] = set()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_event_does_what_the_model_says_however_it_comes(db: Database, connect_as: Connect, case: Case) -> None:
    story = Story(db)
    payment = None if case.named == "the order" else "named"

    def tell() -> None:
        for event in ANOTHER[case.another]:
            story.deliver(replace(event, payment_id=story.payment(2)))
        for event in BEFORE[case.before]:
            story.deliver(replace(event, payment_id=payment and story.payment(1)))

    case.fate(story, tell if case.early else lambda: None)
    if not case.early:
        tell()
    event = replace(EVENTS[case.event], payment_id=payment and story.payment(1))
    # An event that names the payment alone finds it only if it was told of before.
    named = case.named != "the payment" or story.payment(1) not in story.purchase.payments
    story.ends_as_the_model_says()

    if "instant" in case.manner:
        comes_twice_at_once(story, connect_as("dba"), event, named, case.manner)
    else:
        key = new_key()
        story.deliver(event, key, named)
        story.ends_as_the_model_says()
        if case.manner == "changed":
            is_refused_with_other_content(story, event, named, key)
        else:
            story.deliver(event, key if case.manner == "again" else new_key(), named)

    story.ends_as_the_model_says()
    MET.update(story.purchase.met)


def comes_twice_at_once(story: Story, twin: Database, event: Event, named: bool, manner: str) -> None:
    """Two sessions deliver it at the same instant, under a key or two."""
    twin.travel_to(story.db.now())
    first = new_key()
    second = first if manner == "twice at an instant" else new_key()

    answers = at_once(
        lambda delivery: insisting(lambda: story.send(event, delivery[1], named, delivery[0])),
        [(story.db, first), (twin, second)],
    )

    assert not any(isinstance(answer, Exception) for answer in answers), answers
    rows = [answer for answer in answers if not isinstance(answer, Exception)]
    # The two events are the same but for their keys; whichever came first, the inbox keeps them in that order.
    for row in sorted(rows, key=lambda row: (row["webhook_id"], row["replayed"])):
        story.purchase.receive(row["idempotency_key"], deepcopy(event))
        story.prolong()
    assert sorted(row["replayed"] for row in rows) == ([0, 1] if first == second else [0, 0])


def is_refused_with_other_content(story: Story, event: Event, named: bool, key: str) -> None:
    """The key of an event is not for another one."""
    for changed in [
        replace(event, status="failed" if event.status != "failed" else "succeeded"),
        replace(event, amount=(event.amount or 0) + 7),
        replace(event, currency="CHF"),
        replace(event, payment_id=story.payment(7)),
    ]:
        with pytest.raises(KeyReusedError):
            story.purchase.receive(key, changed)
        refused = refusal(lambda c=changed: story.send(c, key, named))
        assert (refused.slug, refused.sqlstate) == ("idempotency_key_reused", "45422")


# -- the same events in any order


def held_until_ordered(story: Story, tell: Early) -> None:
    pending(story, tell)


def held_until_released(story: Story, tell: Early) -> None:
    hold_released(story, tell)


def told_of(fate: Callable[[Story, Early], None]) -> Callable[[Story, Early], None]:
    """The events come after all that."""

    def then(story: Story, tell: Early) -> None:
        fate(story, lambda: None)
        tell()

    then.__name__ = f"after {fate.__name__}"
    return then


SETS = [
    ("succeeded", "failed"),
    ("succeeded", "succeeded"),
    ("succeeded", "refunded"),
    ("succeeded", "refunded too much"),
    ("succeeded without amount", "partly refunded"),
    ("succeeded in another currency", "refunded in another currency"),
    ("succeeded with another amount", "partly refunded"),
    ("failed", "refunded"),
    ("succeeded", "refund failed", "refunded"),
    ("succeeded", "part of a refund failed", "partly refunded"),
    ("succeeded", "failed", "refunded"),
    ("succeeded", "partly refunded", "refunded without amount"),
    ("succeeded", "refunded", "refunded"),
    ("succeeded", "dispute opened", "dispute won"),
    ("succeeded", "declined", "failed", "refunded"),
    ("succeeded", "partly refunded", "refunded", "part of a refund failed"),
    ("succeeded", "refunded", "refunded", "refund failed"),
]
STAGES = [held, held_until_ordered, held_until_released, *map(told_of, [pending, hold_released, overdue_and_swept])]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
@pytest.mark.parametrize("names", SETS, ids=", ".join)
def test_the_events_of_a_payment_end_in_the_same_in_any_order(
    db: Database, names: Sequence[str], stage: Callable[[Story, Early], None]
) -> None:
    ends = set()
    for number, order in enumerate(sorted(set(itertools.permutations(names)))):
        story = Story(db)
        payment = story.payment(1) if number % 3 else None

        def tell(story: Story = story, order: Sequence[str] = order, payment: str | None = payment) -> None:
            for name in order:
                story.deliver(replace(EVENTS[name], payment_id=payment))

        stage(story, tell)
        story.ends_as_the_model_says()
        ends.add(end(story.purchase))

    assert len(ends) == 1


def end(purchase: Purchase) -> tuple[object, ...]:
    """What must not depend on the order in which the events came."""
    [payment] = purchase.payments.values()
    facts = payment.state, payment.amount, payment.told, payment.went_back, payment.is_due, payment.dispute
    return *facts, purchase.state, purchase.fulfilled


# Not commutative, as decided: the first success says how much it is, and while an order waits for its money the failure
# of a payment cancels it, but not the failure of one that was received with another amount.
AMOUNTS = {"succeeded with another amount", "succeeded in another currency", "succeeded with nothing"}


@pytest.mark.parametrize("size", [2, 3, 4])
def test_the_model_itself_does_not_depend_on_the_order_of_events(size: int) -> None:
    for names in itertools.combinations([name for name in EVENTS if name not in AMOUNTS], size):
        if {"dispute won", "dispute lost"} <= set(names):
            continue
        for stage in ("held", "pending", "lapsed"):
            ends = set()
            for order in itertools.permutations(names):
                purchase = Purchase(qty=QTY, cost=AMOUNT, state=stage)
                for name in order:
                    purchase.receive(name, replace(EVENTS[name], payment_id="pi"))
                if stage == "held":
                    purchase.order()
                ends.add(end(purchase))
            assert len(ends) == 1, (names, stage, ends)


# -- the table


def units_move(state: str, rule: Rule) -> str:
    """What happens to the units of an order in this state."""
    before = Purchase(state=state.replace("fulfilled", "paid").replace("overdue", "pending")).units_sold
    after = Purchase(state=rule.order_becomes or state).units_sold if rule.order_becomes else before
    moves = {(0, 1): "take back", (1, 0): "stay" if state == "fulfilled" else "return"}
    return moves.get((before, after), "stay")


def test_every_row_of_the_rules_is_the_models_and_was_met(db: Database) -> None:
    rows = db.query("SELECT * FROM payment_rules")

    assert sorted((row["order_state"], row["payment"]) for row in rows) == sorted(RULES)
    for row in rows:
        rule = RULES[row["order_state"], row["payment"]]
        becomes = rule.payment_becomes.replace("settled", "due")  # a payment that is due, and of which nothing is left
        status = Purchase(state=rule.order_becomes or "unknown").order_status
        assert (row["payment_becomes"], row["order_becomes"]) == (becomes, status), row
        assert row["outcome"] == (rule.outcome or row["outcome"]), row
        assert row["units"] == units_move(row["order_state"], rule), row
    if len(MET) > 1:  # not if only this test runs
        assert set(RULES) == MET
