"""One customer, many requests at the same instant: the limits are exact, and what comes back can be had again."""

from collections.abc import Callable

import pytest

from tests.support.database import Database, Row
from tests.support.sale import at_once, hold, insisting, new_key, new_product, order, pay, refusal, stock, sweep, tally

Crowd = Callable[[int], list[Database]]


def limited(
    db: Database, units: int, *, customer: int | None = None, percent: int | None = None, pause: int | None = None
) -> int:
    """A product of 8 stripes with these limits."""
    product = new_product(db, units, stripes=8)
    db.one(
        "set_limits",
        product,
        max_per_customer=customer,
        max_unpaid_percent=percent,
        pause_seconds=pause,
        reason="before the sale",
    )
    return product


def ask(product: int, qty: int = 1, customer: str = "alice") -> Callable[[Database], Row]:
    """What each request does."""
    return lambda session: insisting(lambda: session.one("create_hold", product, qty, customer, new_key()))


def at_the_moment_of(db: Database, sessions: list[Database]) -> list[Database]:
    """Let them all live when this session lives."""
    now = db.now()
    for session in sessions:
        session.travel_to(now)
    return sessions


def test_64_requests_of_one_customer_with_holds_and_orders_get_what_is_left_of_the_limit(
    db: Database, crowd: Crowd
) -> None:
    product = limited(db, 1000, customer=9)
    hold(db, product, 2, "alice")
    order(db, product, 1, "alice")
    pay(db, order(db, product, 2, "alice"))

    answers = at_once(ask(product), crowd(64))

    assert tally(answers) == {"done": 4, "customer_limit_reached": 60}
    assert stock(db, product) == (991, 6, 3)


def test_64_requests_of_one_customer_hold_exactly_the_share_that_may_be_unpaid(db: Database, crowd: Crowd) -> None:
    product = limited(db, 250, percent=3)
    order(db, product, 2, "alice")
    pay(db, order(db, product, 3, "alice"))

    answers = at_once(ask(product), crowd(64))

    assert tally(answers) == {"done": 5, "unpaid_limit_reached": 59}
    assert stock(db, product) == (240, 5, 5)


def test_a_payment_frees_its_share_exactly_once_while_the_customer_asks_for_more(db: Database, crowd: Crowd) -> None:
    product = limited(db, 100, percent=4)
    provider, *requests = crowd(9)
    for number in range(8):
        order_id = order(db, product, 2, customer := f"customer {number}")
        hold(db, product, 2, customer)

        paid, *answers = at_once(
            lambda s, o=order_id, c=customer: insisting(lambda: pay(s, o)) if s is provider else ask(product, 1, c)(s),
            [provider, *requests],
        )

        assert not isinstance(paid, Exception), paid
        got = tally(answers)["done"]
        assert set(tally(answers)) <= {"done", "unpaid_limit_reached"}
        for _ in range(2 - got):
            hold(db, product, 1, customer)
        assert refusal(lambda c=customer: hold(db, product, 1, c)).slug == "unpaid_limit_reached"
    assert stock(db, product) == (100 - 8 * 6, 8 * 4, 8 * 2)


@pytest.mark.parametrize("limit", [{"customer": 3}, {"percent": 3}], ids=["per customer", "unpaid"])
@pytest.mark.parametrize("lapsed", ["hold", "order"])
def test_what_expired_is_had_again_exactly_once_by_64_requests_and_a_sweep(
    db: Database, crowd: Crowd, lapsed: str, limit: dict[str, int]
) -> None:
    product = limited(db, 100, **limit)
    (hold if lapsed == "hold" else order)(db, product, 3, "alice")
    db.travel(121 if lapsed == "hold" else 901)
    sweeper, *requests = at_the_moment_of(db, crowd(64))

    swept, *answers = at_once(lambda s: sweep(s) if s is sweeper else ask(product)(s), [sweeper, *requests])

    assert not isinstance(swept, Exception), swept
    assert tally(answers)["done"] == 3
    assert stock(db, product) == (97, 3, 0)


@pytest.mark.parametrize("limit", [{"customer": 2}, {"percent": 2}], ids=["per customer", "unpaid"])
def test_what_a_cancelled_order_gives_back_is_had_again_exactly_once(
    db: Database, crowd: Crowd, limit: dict[str, int]
) -> None:
    product = limited(db, 100, **limit)
    operator, *requests = crowd(9)
    for number in range(8):
        order_id = order(db, product, 2, customer := f"customer {number}")

        cancelled, *answers = at_once(
            lambda s, o=order_id, c=customer: insisting(lambda: s.one("cancel_order", o, "wrong address"))
            if s is operator else ask(product, 1, c)(s),
            [operator, *requests],
        )  # fmt: skip

        assert not isinstance(cancelled, Exception), cancelled
        assert set(tally(answers)) <= {"done", "customer_limit_reached", "unpaid_limit_reached"}
        for _ in range(2 - tally(answers)["done"]):
            hold(db, product, 1, customer)
        assert refusal(lambda c=customer: hold(db, product, 1, c)).slug.endswith("limit_reached")
    assert stock(db, product) == (100 - 8 * 2, 8 * 2, 0)


def test_a_late_payment_and_a_new_hold_never_both_get_what_the_limit_leaves(db: Database, crowd: Crowd) -> None:
    product = limited(db, 100, customer=2)
    provider, buyer = crowd(2)
    for number in range(20):
        order_id = order(db, product, 2, customer := f"customer {number}")
        pay(db, order_id, "failed")

        paid, held = at_once(
            lambda s, o=order_id, c=customer: insisting(lambda: pay(s, o)) if s is provider else ask(product, 1, c)(s),
            [provider, buyer],
        )

        assert not isinstance(paid, Exception), paid
        assert (paid["outcome"], paid["order_status"], *tally([held])) in {
            ("applied", "paid", "customer_limit_reached"), ("refund_due", "cancelled", "done"),
        }  # fmt: skip


def test_a_customer_who_is_forgotten_while_asking_for_more_is_counted_right_under_either_name(
    db: Database, crowd: Crowd
) -> None:
    product = limited(db, 1000, customer=4)
    operator, *requests = crowd(9)
    for number in range(8):
        hold(db, product, 2, customer := f"forgettable {number}")

        forgotten, *answers = at_once(
            lambda s, c=customer: insisting(lambda: s.one("forget_customer", c, "asked by letter"))
            if s is operator else ask(product, 1, c)(s),
            [operator, *requests],
        )  # fmt: skip

        assert not isinstance(forgotten, Exception), forgotten
        assert set(tally(answers)) <= {"done", "customer_limit_reached"}
        # Whatever came before has the new name, and whatever comes afterwards is of somebody new.
        units = db.query(
            "SELECT customer_id, units FROM customer_units WHERE product_id = %s AND customer_id IN (%s, %s)",
            product, customer, forgotten["customer_id"],
        )  # fmt: skip
        assert sum(row["units"] for row in units) == 2 + tally(answers)["done"]
        assert all(row["units"] <= 4 for row in units)


def test_nobody_of_64_holds_during_the_pause_also_while_the_lapsed_hold_is_swept(db: Database, crowd: Crowd) -> None:
    product = limited(db, 100, pause=60)
    expires_at = db.one("create_hold", product, 3, "alice", None)["expires_at"]
    db.travel_to(expires_at)
    sweeper, *requests = at_the_moment_of(db, crowd(64))

    swept, *answers = at_once(lambda s: sweep(s) if s is sweeper else ask(product)(s), [sweeper, *requests])

    assert not isinstance(swept, Exception), swept
    assert tally(answers) == {"customer_paused": 63}
    hold(db, product, 1, "bob")
    assert stock(db, product) == (99, 1, 0)


@pytest.mark.parametrize("swept", [False, True], ids=["unswept", "swept"])
def test_all_of_64_hold_at_the_instant_the_pause_ends(db: Database, crowd: Crowd, swept: bool) -> None:
    product = limited(db, 100, pause=60)
    order_id = order(db, product, 3, "alice")
    db.travel_to(db.one("get_order", order_id)["pay_by"])
    if swept:
        sweep(db)
    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "customer_paused"
    db.travel_to(db.value("SELECT pay_by + INTERVAL 60 SECOND FROM orders WHERE order_uuid = %s", order_id))

    assert tally(at_once(ask(product), at_the_moment_of(db, crowd(64)))) == {"done": 64}
