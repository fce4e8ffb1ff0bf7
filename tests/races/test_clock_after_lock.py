"""Who waits for a lock decides by the clock and by the rows that are there when it is granted."""

import datetime
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.support.database import Database, Refused, Row
from tests.support.hold_sets import answers, hold_set, wish
from tests.support.sale import at_once, hold, new_key, new_product, order, pay, refusal, stock, sweep, tally
from tests.support.waiting import Waiting, locked, until

Crowd = Callable[[int], list[Database]]
SECOND = datetime.timedelta(seconds=1)
MICROSECOND = datetime.timedelta(microseconds=1)

PRODUCT = "SELECT 1 FROM products WHERE product_id = %s FOR UPDATE"
STRIPES = "SELECT 1 FROM stock_stripes WHERE product_id = %s FOR UPDATE"
HOLD = "SELECT 1 FROM holds WHERE hold_id = UUID_TO_BIN(%s) FOR UPDATE"
ORDER = "SELECT 1 FROM orders WHERE order_id = UUID_TO_BIN(%s) FOR UPDATE"


@pytest.fixture
def admin(connect_as: Callable[..., Database]) -> Database:
    """Somebody who locks rows, changes them at will, and sees who waits."""
    return connect_as("admin")


@pytest.fixture
def begin(admin: Database) -> Iterator[Waiting]:
    """`begin(call)`: it waits for a lock by now."""
    with ThreadPoolExecutor(4) as pool:
        yield Waiting(admin, pool)


def refused(answer: "Future[Row]") -> Refused:
    """What a call that waited was refused for."""
    return refusal(answer.result)


# -- create_hold


@pytest.mark.parametrize("limit", [None, 5])
def test_a_buyer_who_waits_for_the_product_until_the_sale_is_over_gets_nothing(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting, limit: int | None
) -> None:
    ends = db.now() + SECOND
    product = new_product(db, 10, max_per_customer=limit, sale_ends_at=ends)
    [buyer] = crowd(1)

    with locked(admin, PRODUCT, product):
        answer = begin(lambda: buyer.one("create_hold", product, 1, "ada", new_key()))
        until(db, ends)

    assert refused(answer).slug == "sale_ended"
    assert stock(db, product) == (10, 0, 0)


@pytest.mark.parametrize("limit", [None, 5])
def test_a_buyer_who_waits_for_the_stock_until_the_sale_is_over_gets_nothing(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting, limit: int | None
) -> None:
    ends = db.now() + SECOND
    product = new_product(db, 10, stripes=1, max_per_customer=limit, sale_ends_at=ends)
    [buyer] = crowd(1)

    with locked(admin, STRIPES, product):
        answer = begin(lambda: buyer.one("create_hold", product, 1, "ada", new_key()))
        until(db, ends)

    assert refused(answer).slug == "sale_ended"
    assert stock(db, product) == (10, 0, 0)


@pytest.mark.parametrize("limit", [None, 5])
def test_a_hold_that_waited_longer_than_a_hold_lasts_has_all_of_its_time_left(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting, limit: int | None
) -> None:
    product = new_product(db, 10, stripes=1, max_per_customer=limit, hold_seconds=1)
    [buyer] = crowd(1)

    with locked(admin, STRIPES, product):
        answer = begin(lambda: buyer.one("create_hold", product, 1, "ada", new_key()))
        until(db, db.now() + 1.1 * SECOND)
        released_at = db.now()
    made = answer.result()

    assert made["created_at"] >= released_at
    assert made["expires_at"] == made["created_at"] + SECOND


def test_a_hold_costs_what_the_product_costs_after_the_wait(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product = new_product(db, 10, price=1000)
    [buyer] = crowd(1)

    with locked(admin, "UPDATE products SET price_minor = 2000 WHERE product_id = %s", product):
        answer = begin(lambda: buyer.one("create_hold", product, 1, None, new_key()))

    assert answer.result()["unit_price"] == 2000


def test_twins_of_which_one_waits_for_stock_and_one_for_the_key_have_one_hold(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product, key = new_product(db, 10, stripes=1), new_key()

    with locked(admin, STRIPES, product):
        answers = [begin(lambda s=session: s.one("create_hold", product, 1, None, key)) for session in crowd(2)]
    made = [answer.result() for answer in answers]

    assert len({row["hold_id"] for row in made}) == 1
    assert sorted(row["replayed"] for row in made) == [0, 1]
    assert stock(db, product) == (9, 1, 0)


def test_a_repeat_that_waits_while_its_hold_is_given_back_hears_that_and_holds_nothing(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product, key = new_product(db, 10, stripes=1), new_key()
    hold_id = hold(db, product, 1, key=key)
    releaser, buyer = crowd(2)

    with locked(admin, STRIPES, product):
        released = begin(lambda: releaser.one("release_hold", hold_id))
        answer = begin(lambda: buyer.one("create_hold", product, 1, None, key))
    assert released.result()["status"] == "released"

    assert (answer.result()["hold_id"], answer.result()["status"]) == (hold_id, "released")
    assert answer.result()["replayed"] == 1
    assert stock(db, product) == (10, 0, 0)


# -- create_holds


@pytest.mark.parametrize("limit", [None, 5])
@pytest.mark.parametrize("lock", [PRODUCT, STRIPES])
def test_a_set_that_waits_until_the_sale_is_over_gets_nothing(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting, limit: int | None, lock: str
) -> None:
    ends = db.now() + SECOND
    product = new_product(db, 10, stripes=1, max_per_customer=limit, sale_ends_at=ends)
    [buyer] = crowd(1)

    with locked(admin, lock, product):
        waiting = begin(lambda: hold_set(buyer, [wish(product, 1, "ada"), wish(product, 1, "bob")]))
        until(db, ends)

    assert answers(waiting.result()) == ["sale_ended", "sale_ended"]
    assert stock(db, product) == (10, 0, 0)


def test_a_set_that_waits_for_the_product_until_the_sale_begins_is_served(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    starts = db.now() + SECOND
    product = new_product(db, 10, sale_starts_at=starts)
    [buyer] = crowd(1)

    with locked(admin, PRODUCT, product):
        waiting = begin(lambda: hold_set(buyer, [wish(product), wish(product)]))
        until(db, starts)

    # A buyer who came before is told to ask alone, or has a hold: nobody is told that it has not started.
    assert set(answers(waiting.result())) <= {"done", "alone"}


@pytest.mark.parametrize("limit", [None, 5])
def test_a_set_that_waited_longer_than_a_hold_lasts_has_all_of_its_time_left(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting, limit: int | None
) -> None:
    product = new_product(db, 10, stripes=1, max_per_customer=limit, hold_seconds=1)
    [buyer] = crowd(1)

    with locked(admin, STRIPES, product):
        waiting = begin(lambda: hold_set(buyer, [wish(product, 1, "ada"), wish(product, 1, "bob")]))
        until(db, db.now() + 1.1 * SECOND)
        released_at = db.now()

    for made in waiting.result():
        assert made["answer"] == "done"
        assert made["created_at"] >= released_at
        assert made["expires_at"] == made["created_at"] + SECOND
    assert stock(db, product) == (8, 2, 0)


def test_a_set_costs_what_the_product_costs_after_the_wait(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product = new_product(db, 10, price=1000)
    [buyer] = crowd(1)

    with locked(admin, "UPDATE products SET price_minor = 2000 WHERE product_id = %s", product):
        waiting = begin(lambda: hold_set(buyer, [wish(product)]))

    assert waiting.result()[0]["unit_price"] == 2000


@pytest.mark.parametrize("stripes", [1, 3])
def test_a_set_that_waits_for_a_twin_of_one_of_it_leaves_that_one_alone(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting, stripes: int
) -> None:
    product, key = new_product(db, 10, stripes=stripes), new_key()
    first, second = crowd(2)

    with locked(admin, STRIPES, product):
        made = begin(lambda: [first.one("create_hold", product, 1, None, key)])
        waiting = begin(lambda: hold_set(second, [wish(product), wish(product, key=key), wish(product)]))

    assert made.result()[0]["replayed"] == 0
    assert answers(waiting.result()) == ["done", "alone", "done"]
    assert stock(db, product) == (7, 3, 0)


def test_a_repeat_in_a_set_that_waits_while_its_hold_is_given_back_holds_nothing(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product, key = new_product(db, 10, stripes=1), new_key()
    hold_id = hold(db, product, 1, key=key)
    releaser, buyer = crowd(2)

    with locked(admin, STRIPES, product):
        released = begin(lambda: [releaser.one("release_hold", hold_id)])
        waiting = begin(lambda: hold_set(buyer, [wish(product, key=key), wish(product)]))

    assert released.result()[0]["status"] == "released"
    assert answers(waiting.result()) == ["alone", "done"]
    assert stock(db, product) == (9, 1, 0)


def test_a_set_that_waits_for_a_customer_who_is_counted_meanwhile_leaves_him_alone(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product = new_product(db, 10, stripes=1, max_per_customer=1)
    first, second = crowd(2)

    with locked(admin, STRIPES, product):
        made = begin(lambda: [first.one("create_hold", product, 1, "bob", new_key())])
        waiting = begin(lambda: hold_set(second, [wish(product, 1, name) for name in ("cyd", "bob", "ada")]))

    assert made.result()[0]["status"] == "active"
    assert answers(waiting.result()) == ["done", "alone", "done"]


def test_a_set_that_waits_while_its_units_are_withdrawn_gets_what_is_left(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product = new_product(db, 10, stripes=1)
    operator, buyer = crowd(2)

    with locked(admin, STRIPES, product):
        withdrawn = begin(lambda: [operator.one("adjust_stock", product, -8, "lost")])
        waiting = begin(lambda: hold_set(buyer, [wish(product), wish(product), wish(product)]))

    assert withdrawn.result()
    assert answers(waiting.result()) == ["done", "done", "sold_out"]
    assert stock(db, product) == (0, 2, 0)


# -- what becomes of a hold


def extendable(db: Database, **options: int) -> int:
    """A product whose holds may be extended by a minute."""
    product = new_product(db, 10, **options)
    db.one("set_limits", product, extension_seconds=60, reason="patience")
    return product


@pytest.mark.parametrize("act", ["extend_hold", "release_hold", "create_order"])
def test_a_hold_that_expires_while_its_buyer_waits_for_it_is_expired(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting, act: str
) -> None:
    made = db.one("create_hold", extendable(db, hold_seconds=1), 1, None, new_key())
    [buyer] = crowd(1)
    arguments = [None] if act == "create_order" else []

    with locked(admin, HOLD, made["hold_id"]):
        answer = begin(lambda: buyer.one(act, made["hold_id"], *arguments))
        until(db, made["expires_at"])

    assert refused(answer).slug == "hold_expired"


def test_an_order_that_waits_for_the_product_until_the_hold_expired_is_refused(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product = new_product(db, 10, hold_seconds=1)
    made = db.one("create_hold", product, 1, None, new_key())
    [buyer] = crowd(1)

    with locked(admin, PRODUCT, product):
        answer = begin(lambda: buyer.one("create_order", made["hold_id"], None))
        until(db, made["expires_at"])

    assert refused(answer).slug == "hold_expired"


def test_an_order_that_waited_has_all_of_its_time_to_pay(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    hold_id = hold(db, new_product(db, 10, payment_seconds=1))
    [buyer] = crowd(1)

    with locked(admin, HOLD, hold_id):
        answer = begin(lambda: buyer.one("create_order", hold_id, None))
        until(db, db.now() + SECOND)
        released_at = db.now()

    assert answer.result()["created_at"] >= released_at
    assert answer.result()["pay_by"] == answer.result()["created_at"] + SECOND


def test_a_sale_that_is_stopped_while_an_order_waits_has_no_order(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product = new_product(db, 10, stripes=1)
    hold_id = hold(db, product)
    operator, buyer = crowd(2)

    with locked(admin, STRIPES, product):
        stopped = begin(lambda: operator.one("stop_sale", product, "wrong photo"))
        answer = begin(lambda: buyer.one("create_order", hold_id, None))
    stopped.result()

    assert refused(answer).slug == "hold_released"
    assert stock(db, product) == (10, 0, 0)


def test_an_extension_that_was_acknowledged_is_never_lost_to_a_sweep(db: Database, crowd: Crowd) -> None:
    product = extendable(db)
    extender, sweeper = crowd(2)
    extended = 0
    for _ in range(60):
        made = db.one("create_hold", product, 1, None, new_key())
        extender.travel_to(made["expires_at"] - MICROSECOND)
        sweeper.travel_to(made["expires_at"])

        def act(session: Database, hold_id: str = made["hold_id"]) -> Row:
            return session.one("extend_hold", hold_id) if session is extender else sweep(session)

        answer, swept = at_once(act, [extender, sweeper])

        assert tally([swept]) == {"done": 1}
        if isinstance(answer, Refused):
            assert answer.slug == "hold_expired"
        else:
            assert not isinstance(answer, Exception), answer
            assert answer["expires_at"] == made["expires_at"] + 60 * SECOND
            assert sweeper.one("get_hold", made["hold_id"])["status"] == "active"
            sweeper.one("release_hold", made["hold_id"])
            extended += 1
    assert extended > 0
    assert stock(db, product) == (10, 0, 0)


@pytest.mark.parametrize(
    "change",
    [
        "expires_at = expires_at + INTERVAL 60 SECOND",
        "order_at = expires_at, unpaid_until = expires_at, expires_at = '9999-12-31'",
    ],
)
@pytest.mark.parametrize("customer", [None, "ada"])
def test_a_buyer_who_waits_for_an_expired_hold_leaves_it_alone_if_it_was_extended_or_paid(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting, change: str, customer: str | None
) -> None:
    product = new_product(db, 1, max_per_customer=customer and 1)
    made = db.one("create_hold", product, 1, customer, new_key())
    [buyer] = crowd(1)
    buyer.travel_to(made["expires_at"])

    with locked(admin, f"UPDATE holds SET {change} WHERE hold_id = UUID_TO_BIN(%s)", made["hold_id"]):
        answer = begin(lambda: buyer.one("create_hold", product, 1, customer, new_key()))

    assert refused(answer).slug in ("sold_out", "customer_limit_reached")
    assert buyer.one("get_hold", made["hold_id"])["status"] == "active"
    admin.query(
        "UPDATE holds SET order_at = NULL, unpaid_until = NULL, expires_at = %s WHERE hold_id = UUID_TO_BIN(%s)",
        made["expires_at"],
        made["hold_id"],
    )


# -- what becomes of an order


def test_an_order_that_is_made_while_it_is_cancelled_is_whole_or_gone_with_its_units(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    """`create_order` has its row by then, and waits for that of its hold's history."""
    product = new_product(db, 10, max_per_customer=5)
    hold_id = hold(db, product, 2, "ada")
    buyer, operator = crowd(2)

    admin.query("START TRANSACTION")
    admin.query(
        "INSERT INTO hold_history"
        " (hold_id, product_id, qty, unit_price_minor, created_at, expires_at, ended_at, ended_as)"
        " SELECT hold_id, product_id, qty, unit_price_minor, created_at, expires_at, expires_at, 'ordered' FROM holds"
        " WHERE hold_id = UUID_TO_BIN(%s)",
        hold_id,
    )
    made = begin(lambda: buyer.one("create_order", hold_id, None))
    cancelled = begin.begin(lambda: operator.one("cancel_order", hold_id, "fraud"))
    admin.query("ROLLBACK")

    assert made.result()["status"] == "pending"
    if cancelled.exception() is None:
        assert stock(db, product) == (10, 0, 0)
    else:
        assert refused(cancelled).slug == "order_not_found"
        assert stock(db, product) == (8, 0, 2)


def test_an_order_that_is_paid_while_its_buyer_waits_to_cancel_it_stays_paid(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    order_id = order(db, new_product(db, 10))
    provider, buyer = crowd(2)

    with locked(admin, ORDER, order_id):
        paid = begin(lambda: pay(provider, order_id))
        answer = begin(lambda: buyer.one("cancel_pending_order", order_id))

    assert paid.result()["order_status"] == "paid"
    assert refused(answer).slug == "order_not_cancellable"


def test_money_for_an_order_that_is_cancelled_while_it_waits_is_due(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product = new_product(db, 10, stripes=1)
    order_id = order(db, product)
    buyer, provider = crowd(2)

    with locked(admin, STRIPES, product):
        cancelled = begin(lambda: buyer.one("cancel_pending_order", order_id))
        paid = begin(lambda: pay(provider, order_id))

    assert cancelled.result()["status"] == "cancelled"
    assert (paid.result()["outcome"], paid.result()["order_status"]) == ("refund_due", "cancelled")
    assert stock(db, product) == (10, 0, 0)


def test_an_order_that_is_overdue_when_its_payment_was_waited_for_is_paid_and_its_customer_pauses(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product = new_product(db, 10, payment_seconds=1)
    db.one("set_limits", product, pause_seconds=600, reason="no hoarding")
    order_id = order(db, product, 1, "ada")
    pay_by = db.one("get_order", order_id)["pay_by"]
    [provider] = crowd(1)

    with locked(admin, ORDER, order_id):
        answer = begin(lambda: pay(provider, order_id))
        until(db, pay_by)

    assert answer.result()["order_status"] == "paid"
    assert refusal(lambda: hold(db, product, 1, "ada")).slug == "customer_paused"
    assert db.value("SELECT paused_until FROM customer_units WHERE product_id = %s", product) == pay_by + 600 * SECOND


def test_a_hold_that_expires_while_its_payment_waits_is_not_brought_back_to_life(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product = new_product(db, 10, hold_seconds=1)
    made = db.one("create_hold", product, 1, None, new_key())
    [provider] = crowd(1)

    with locked(admin, HOLD, made["hold_id"]):
        answer = begin(lambda: pay(provider, made["hold_id"]))
        until(db, made["expires_at"])

    assert answer.result()["payment_state"] == "waiting"
    assert refusal(lambda: db.one("get_hold", made["hold_id"])).slug == "hold_expired"
    assert refusal(lambda: db.one("create_order", made["hold_id"], None)).slug == "hold_expired"


def test_a_payment_that_turns_out_to_be_for_another_order_while_it_is_accepted_does_not_pay_the_first(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product, payment = new_product(db, 10), new_key()
    first, second = order(db, product), order(db, product)
    db.one("receive_payment_webhook", new_key(), first, payment, "declined", None, None, None, None)
    [operator] = crowd(1)

    with locked(admin, ORDER, first):
        answer = begin(lambda: operator.one("accept_payment", payment, "the rest was paid in cash"))
        moved = db.one("receive_payment_webhook", new_key(), second, payment, "succeeded", 999, None, None, None)
    assert (moved["order_id"], moved["payment_state"]) == (second, "due")
    answered = answer.result()

    assert (answered["order_id"], answered["status"], answered["amount"]) == (second, "paid", 999)
    assert db.one("get_order", first)["status"] == "pending"
