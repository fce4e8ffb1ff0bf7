"""Many orders of one hold at the same instant, by CALL: each hold is used once."""

from collections.abc import Callable

from tests.support.database import Database, Row
from tests.support.sale import at_once, hold, insisting, new_key, new_product, pay, stock, tally

Crowd = Callable[[int], list[Database]]


def test_32_orders_of_one_hold_under_different_keys_make_one_order(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 10)
    hold_id = hold(db, product, 2)

    answers = at_once(lambda session: session.one("create_order", hold_id, new_key()), crowd(32))

    assert tally(answers) == {"done": 1, "hold_already_used": 31}
    assert stock(db, product) == (8, 0, 2)


def test_32_orders_of_one_hold_under_the_same_key_are_one_order_and_31_replays(db: Database, crowd: Crowd) -> None:
    product, key = new_product(db, 10), new_key()
    hold_id = hold(db, product, 2)

    answers = at_once(lambda session: session.one("create_order", hold_id, key), crowd(32))

    assert tally(answers) == {"done": 1, "replayed": 31}
    assert stock(db, product) == (8, 0, 2)


def test_32_orders_of_one_hold_without_a_key_make_one_order(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 10)
    hold_id = hold(db, product)

    answers = at_once(lambda session: session.one("create_order", hold_id, None), crowd(32))

    assert tally(answers) == {"done": 1, "hold_already_used": 31}


def test_one_key_for_the_orders_of_16_holds_at_once_makes_one_order_and_leaves_15_holds_live(
    db: Database, crowd: Crowd
) -> None:
    product, key = new_product(db, 16), new_key()
    holds = [hold(db, product) for _ in range(16)]

    answers = at_once(
        lambda b: insisting(lambda: b[0].one("create_order", b[1], key)), zip(crowd(16), holds, strict=True)
    )  # fmt: skip

    assert tally(answers) == {"done": 1, "idempotency_key_reused": 15}
    assert stock(db, product) == (0, 15, 1)


def test_ordering_a_hold_and_releasing_it_at_the_same_instant_has_one_winner(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 4, stripes=2)
    buyer, releaser = crowd(2)
    for _ in range(40):
        hold_id = hold(db, product, 3)

        def act(session: Database, hold_id: str = hold_id) -> Row:
            if session is buyer:
                return session.one("create_order", hold_id, new_key())
            return session.one("release_hold", hold_id)

        ordered, released = at_once(act, [buyer, releaser])

        if isinstance(ordered, Exception):
            assert tally([ordered, released]) == {"hold_released": 1, "done": 1}
            assert stock(db, product) == (4, 0, 0)
        else:
            assert tally([released]) == {"hold_already_used": 1}
            assert stock(db, product) == (1, 0, 3)
            assert pay(db, hold_id, "failed")["order_status"] == "cancelled"


def test_32_releases_of_one_hold_at_once_return_its_units_once(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 10, stripes=4)
    hold_id = hold(db, product, 6)

    answers = at_once(lambda session: session.one("release_hold", hold_id), crowd(32))

    assert tally(answers) == {"done": 1, "replayed": 31}
    assert stock(db, product) == (10, 0, 0)


def test_holds_orders_releases_and_payments_all_at_once_leave_every_unit_counted(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 60, stripes=4, max_per_customer=4)

    def shop(buyer: tuple[int, Database]) -> str:
        number, session = buyer
        hold_id = insisting(lambda: hold(session, product, 1 + number % 2, f"customer {number % 20}"))
        if number % 4 == 0:
            insisting(lambda: session.one("release_hold", hold_id))
            return "released"
        if number % 4 == 1:
            insisting(lambda: pay(session, hold_id))
        insisting(lambda: session.one("create_order", hold_id, new_key()))
        if number % 4 == 1:
            return "paid"
        if number % 4 == 2:
            insisting(lambda: pay(session, hold_id, "failed"))
            return "cancelled"
        return "pending"

    shopped = at_once(shop, enumerate(crowd(40)))

    assert [step for step in shopped if isinstance(step, Exception)] == []
    # Customers 1, 5, 9 … paid for 2 units each, customers 3, 7, 11 … owe for 2 units each.
    assert stock(db, product) == (20, 0, 40)
