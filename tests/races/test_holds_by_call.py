"""Many buyers at the same instant, by CALL: not one unit is held twice, and none is left lying."""

from collections.abc import Callable

import pytest

from tests.support.database import Database, Refused, Row
from tests.support.sale import (
    at_once,
    hold,
    insisting,
    new_key,
    new_product,
    refusal,
    stock,
    tally,
    until_somebody_waits,
)

Crowd = Callable[[int], list[Database]]


def units_got(session: Database, product: int, qty: int) -> int:
    """How many units a buyer who wants `qty` gets: all of them, or none when sold out."""
    try:
        return int(session.one("create_hold", product, qty, None, new_key())["qty"])
    except Refused as refused:
        if refused.slug != "sold_out":
            raise
        return 0


def buy(product: int, qty: int = 1, customer: str | None = None) -> Callable[[Database], Row]:
    """What one buyer of a crowd does."""
    return lambda session: session.one("create_hold", product, qty, customer, new_key())


@pytest.mark.parametrize("stripes", [1, 16])
def test_of_64_buyers_of_the_last_unit_exactly_one_gets_it(db: Database, crowd: Crowd, stripes: int) -> None:
    product = new_product(db, 1, stripes=stripes)

    answers = at_once(buy(product), crowd(64))

    assert tally(answers) == {"done": 1, "sold_out": 63}
    assert stock(db, product) == (0, 1, 0)


@pytest.mark.parametrize("stripes", [1, 16])
def test_400_holds_of_1_to_3_units_sell_100_units_to_the_last_one_and_no_more(
    db: Database, crowd: Crowd, stripes: int
) -> None:
    product = new_product(db, 100, stripes=stripes)
    buyers = crowd(64)
    wishes = [[1 + number % 3 for number in range(buyer, 400, len(buyers))] for buyer in range(len(buyers))]

    def buy_again_and_again(buyer: tuple[Database, list[int]]) -> int:
        session, quantities = buyer
        return sum(units_got(session, product, qty) for qty in quantities)

    bought = at_once(buy_again_and_again, zip(buyers, wishes, strict=True))

    assert sum(len(quantities) for quantities in wishes) == 400
    assert sum(units for units in bought if not isinstance(units, Exception)) == 100
    assert stock(db, product) == (0, 100, 0)


def test_a_hold_of_many_units_and_holds_of_one_never_share_a_unit(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 64, stripes=16, max_per_hold=64)
    buyers = crowd(32)
    wishes = [40 if number % 8 == 0 else 1 for number in range(len(buyers))]

    answers = at_once(
        lambda b: b[0].one("create_hold", product, b[1], None, new_key()), zip(buyers, wishes, strict=True)
    )

    left = 64 - sum(answer["qty"] for answer in answers if not isinstance(answer, Exception))
    assert stock(db, product) == (left, 64 - left, 0)
    assert set(tally(answers)) == {"done", "sold_out"}
    refused = [qty for qty, answer in zip(wishes, answers, strict=True) if isinstance(answer, Refused)]
    assert all(qty > left for qty in refused)


def test_units_that_are_enough_together_are_sold_although_no_stripe_has_enough(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 32, stripes=16)

    answers = at_once(buy(product, 4), crowd(8))

    assert tally(answers) == {"done": 8}


def test_the_same_key_32_times_at_once_makes_one_hold_and_31_replays_of_it(db: Database, crowd: Crowd) -> None:
    product, key = new_product(db, 100), new_key()

    answers = at_once(lambda session: session.one("create_hold", product, 2, "alice", key), crowd(32))

    assert tally(answers) == {"done": 1, "replayed": 31}
    assert len({answer["hold_id"] for answer in answers if not isinstance(answer, Exception)}) == 1
    assert stock(db, product) == (98, 2, 0)


def test_the_same_key_32_times_at_once_for_the_last_unit_never_answers_sold_out(db: Database, crowd: Crowd) -> None:
    for _ in range(5):
        product, key = new_product(db, 1), new_key()
        answers = at_once(lambda session, p=product, k=key: session.one("create_hold", p, 1, None, k), crowd(32))
        assert tally(answers) == {"done": 1, "replayed": 31}


def test_the_same_key_at_once_with_two_quantities_makes_one_hold_and_refuses_the_other(
    db: Database, crowd: Crowd
) -> None:
    product, key = new_product(db, 100), new_key()
    buyers = crowd(32)

    answers = at_once(
        lambda b: b[1].one("create_hold", product, 1 + b[0] % 2, None, key), enumerate(buyers)
    )  # fmt: skip

    assert tally(answers) == {"done": 1, "replayed": 15, "idempotency_key_reused": 16}


def test_the_same_key_at_once_for_a_customer_at_the_limit_makes_one_hold(db: Database, crowd: Crowd) -> None:
    product, key = new_product(db, 100, max_per_customer=2), new_key()

    answers = at_once(lambda session: session.one("create_hold", product, 2, "alice", key), crowd(32))

    assert tally(answers) == {"done": 1, "replayed": 31}


@pytest.mark.parametrize("limit", [None, 1])
def test_a_repeat_that_races_with_the_release_of_its_hold_never_makes_a_second_one(
    db: Database, crowd: Crowd, limit: int | None
) -> None:
    releaser, *repeaters = crowd(5)
    product = new_product(db, 50, stripes=4, max_per_customer=limit)
    for _ in range(30):
        key = new_key()
        first = hold(db, product, 1, "alice", key)

        def act(session: Database, first: str = first, key: str = key) -> Row:
            if session is releaser:
                return session.one("release_hold", first)
            return insisting(lambda: session.one("create_hold", product, 1, "alice", key))

        released, *repeats = at_once(act, [releaser, *repeaters])

        assert tally([released, *repeats]) == {"done": 1, "replayed": 4}
        assert {repeat["hold_id"] for repeat in repeats if not isinstance(repeat, Exception)} == {first}
        assert stock(db, product) == (50, 0, 0)


@pytest.mark.parametrize("limit", [None, 1])
def test_a_repeat_that_waited_while_its_hold_was_made_and_released_returns_it(
    db: Database, connect_as: Callable[..., Database], crowd: Crowd, limit: int | None
) -> None:
    product, key = new_product(db, 5, stripes=1, max_per_customer=limit), new_key()
    first = hold(db, product, 1, "alice")
    admin, [repeater] = connect_as("admin"), crowd(1)
    admin.query("START TRANSACTION")
    admin.query("UPDATE holds SET idempotency_key = %s WHERE hold_id = UUID_TO_BIN(%s)", key, first)

    def act(session: Database) -> Row | None:
        if session is repeater:
            return session.one("create_hold", product, 1, "alice", key)
        until_somebody_waits(admin)
        admin.query(
            "INSERT INTO hold_history (hold_id, product_id, qty, unit_price_minor, customer_id, idempotency_key,"
            " created_at, expires_at, ended_at, ended_as)"
            " SELECT hold_id, product_id, qty, unit_price_minor, customer_id, idempotency_key, created_at, expires_at,"
            " created_at, 'released' FROM holds WHERE hold_id = UUID_TO_BIN(%s)", first,
        )  # fmt: skip
        admin.query("DELETE FROM holds WHERE hold_id = UUID_TO_BIN(%s)", first)
        admin.query("UPDATE customer_units SET units = 0, unpaid_units = 0 WHERE product_id = %s", product)
        admin.query("UPDATE stock_stripes SET available = 5 WHERE product_id = %s", product)
        admin.query("COMMIT")
        return None

    repeated, _ = at_once(act, [repeater, admin])

    assert not isinstance(repeated, Exception), repeated
    assert repeated is not None
    assert (repeated["hold_id"], repeated["status"], repeated["replayed"]) == (first, "released", 1)
    assert stock(db, product) == (5, 0, 0)


def test_64_requests_of_one_customer_at_once_get_exactly_the_limit(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 1000, stripes=16, max_per_customer=5)

    answers = at_once(buy(product, 1, "alice"), crowd(64))

    assert tally(answers) == {"done": 5, "customer_limit_reached": 59}
    assert stock(db, product) == (995, 5, 0)


def test_customers_at_once_are_limited_each_for_themselves(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 64, stripes=16, max_per_customer=2)
    buyers = crowd(64)

    answers = at_once(
        lambda b: b[1].one("create_hold", product, 1, f"customer {b[0] % 16}", new_key()), enumerate(buyers)
    )  # fmt: skip

    assert tally(answers) == {"done": 32, "customer_limit_reached": 32}


def test_stock_withdrawn_in_the_middle_of_the_sale_is_never_sold_as_well(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 60, stripes=16)
    operator, *buyers = crowd(41)

    def act(session: Database) -> object:
        if session is operator:
            return [session.one("adjust_stock", product, -4, "damaged") for _ in range(10)]
        return session.one("create_hold", product, 1, None, new_key())

    answers = at_once(act, [operator, *buyers])

    withdrawn = 0 if isinstance(answers[0], Refused) else 40
    held = tally(answers[1:])["done"]
    available, held_now, _ = stock(db, product)
    total = db.one("get_product", product)["stock_total"]
    assert held == held_now
    assert available + held == total
    assert total in ({20} if withdrawn else {60 - 4 * n for n in range(10)})


def test_stock_added_in_the_middle_of_the_sale_is_sold_to_the_last_unit(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 10, stripes=4)
    operator, *buyers = crowd(33)

    def act(session: Database) -> int:
        if session is operator:
            for _ in range(5):
                session.one("adjust_stock", product, 4, "found some")
            return 0
        return sum(units_got(session, product, 1) for _ in range(4))

    answers = at_once(act, [operator, *buyers])
    held = sum(answer for answer in answers if not isinstance(answer, Exception))
    assert not isinstance(answers[0], Exception)

    assert stock(db, product) == (30 - held, held, 0)
    for _ in range(30 - held):
        hold(db, product)
    assert refusal(lambda: hold(db, product)).slug == "sold_out"
