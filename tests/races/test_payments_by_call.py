"""Payment events that come many times, too early, or at the very moment of the order."""

from collections.abc import Callable

from tests.support.database import Database, Row
from tests.support.sale import at_once, hold, insisting, new_key, new_product, order, pay, stock, tally

Crowd = Callable[[int], list[Database]]


def test_the_same_failed_payment_50_times_at_once_returns_the_units_once(db: Database, crowd: Crowd) -> None:
    product, key = new_product(db, 10, stripes=4), new_key()
    order_id = order(db, product, 3)

    answers = at_once(lambda session: pay(session, order_id, "failed", key=key), crowd(50))

    assert tally(answers) == {"done": 1, "replayed": 49}
    assert {answer["outcome"] for answer in answers if not isinstance(answer, Exception)} == {"applied"}
    assert stock(db, product) == (10, 0, 0)
    assert pay(db, order_id, "failed", key=key)["deliveries"] == 51


def test_the_same_payment_50_times_at_once_pays_once(db: Database, crowd: Crowd) -> None:
    product, key = new_product(db, 10), new_key()
    order_id = order(db, product, 3)

    answers = at_once(lambda session: pay(session, order_id, amount=3000, currency="EUR", key=key), crowd(50))

    assert tally(answers) == {"done": 1, "replayed": 49}
    assert db.one("get_order", order_id)["status"] == "paid"
    assert db.value("SELECT deliveries FROM payment_webhooks WHERE idempotency_key = %s", key) == 50
    assert stock(db, product) == (7, 0, 3)


def test_50_different_failed_events_of_one_order_at_once_return_the_units_once(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 10, stripes=4)
    order_id = order(db, product, 3)

    answers = at_once(lambda session: pay(session, order_id, "failed"), crowd(50))

    assert sorted(answer["outcome"] for answer in answers) == ["applied"] + ["ignored"] * 49  # type: ignore[index]
    assert stock(db, product) == (10, 0, 0)


def test_50_different_refunds_of_one_order_at_once_return_the_units_once(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 10, stripes=4)
    order_id = order(db, product, 3)
    pay(db, order_id)

    answers = at_once(lambda session: pay(session, order_id, "refunded"), crowd(50))

    assert sorted(answer["outcome"] for answer in answers) == ["applied"] + ["ignored"] * 49  # type: ignore[index]
    assert stock(db, product) == (10, 0, 0)


def test_success_and_failure_at_once_end_in_one_of_the_two_and_the_units_agree(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 10, stripes=2)
    for _ in range(20):
        order_id = order(db, product, 2)
        before = stock(db, product)[0]

        succeeded, failed = at_once(
            lambda s, o=order_id: pay(s[1], o, s[0]), zip(["succeeded", "failed"], crowd(2), strict=True)
        )  # fmt: skip

        tally([succeeded, failed])
        # A failure after the success changes nothing, a success after the failure takes the units back.
        assert db.one("get_order", order_id)["status"] == "paid"
        assert stock(db, product)[0] == before
        assert pay(db, order_id, "refunded")["outcome"] == "applied"


def test_an_early_payment_50_times_at_once_is_parked_once_and_pays_the_order_at_birth(
    db: Database, crowd: Crowd
) -> None:
    product, key = new_product(db, 10), new_key()
    hold_id = hold(db, product)

    answers = at_once(lambda session: pay(session, hold_id, key=key), crowd(50))

    assert tally(answers) == {"done": 1, "replayed": 49}
    assert {answer["outcome"] for answer in answers if not isinstance(answer, Exception)} == {"parked"}
    assert db.one("create_order", hold_id, new_key())["status"] == "paid"
    again = pay(db, hold_id, key=key)
    assert (again["outcome"], again["deliveries"], again["replayed"]) == ("applied", 51, 1)


def test_a_payment_of_an_unknown_order_50_times_at_once_is_parked_once(db: Database, crowd: Crowd) -> None:
    stranger, key = new_key(), new_key()

    answers = at_once(lambda session: pay(session, stranger, key=key), crowd(50))

    assert tally(answers) == {"done": 1, "replayed": 49}
    assert db.query("SELECT outcome, deliveries FROM payment_webhooks WHERE order_uuid = %s", stranger) == [
        {"outcome": "parked", "deliveries": 50}
    ]


def test_a_payment_fired_at_the_instant_of_its_order_always_pays_it_in_200_races(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 200, stripes=16)
    pairs = [(session, hold(db, product)) for session in crowd(40)[::2] for _ in range(10)]
    providers = crowd(40)[1::2]
    for first in range(10):
        races = pairs[first::10]
        acts: list[Callable[[], Row]] = []
        for (buyer, hold_id), provider in zip(races, providers, strict=True):
            acts.append(lambda s=buyer, h=hold_id: s.one("create_order", h, new_key()))
            acts.append(lambda s=provider, h=hold_id: pay(s, h, amount=1000, currency="EUR"))
        tally(at_once(lambda act: act(), acts))
        for _, hold_id in races:
            assert db.one("get_order", hold_id)["status"] == "paid"

    assert db.value(
        "SELECT COUNT(*) FROM payment_webhooks JOIN orders USING (order_id)"
        " WHERE product_id = %s AND outcome <> 'applied'",
        product,
    ) == 0  # fmt: skip
    assert stock(db, product) == (0, 0, 200)


def test_one_event_key_for_two_orders_at_once_acts_on_one_and_is_refused_for_the_other(
    db: Database, crowd: Crowd
) -> None:
    product = new_product(db, 40, stripes=2)
    for _ in range(20):
        orders, key = [order(db, product), order(db, product)], new_key()

        answers = at_once(lambda p, k=key: pay(p[0], p[1], key=k), zip(crowd(2), orders, strict=True))

        assert tally(answers) == {"done": 1, "idempotency_key_reused": 1}
        assert sorted(db.one("get_order", each)["status"] for each in orders) == ["paid", "pending"]


def test_late_payments_of_20_cancelled_orders_at_once_retake_exactly_what_is_left(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 20, stripes=4)
    orders = [order(db, product) for _ in range(20)]
    for each in orders:
        pay(db, each, "failed")
    for _ in range(12):
        hold(db, product)

    answers = at_once(lambda p: insisting(lambda: pay(p[0], p[1])), zip(crowd(20), orders, strict=True))

    outcomes = sorted(answer["outcome"] for answer in answers)  # type: ignore[index]
    assert outcomes == ["applied"] * 8 + ["refund_due"] * 12
    assert stock(db, product) == (0, 12, 8)


def test_a_late_payment_and_buyers_at_once_never_share_a_unit(db: Database, crowd: Crowd) -> None:
    provider, *buyers = crowd(9)
    for _ in range(10):
        product = new_product(db, 4, stripes=4, max_per_hold=4)
        order_id = order(db, product, 4)
        pay(db, order_id, "failed")

        def act(session: Database, product: int = product, order_id: str = order_id) -> Row:
            if session is provider:
                return insisting(lambda: pay(session, order_id))
            return session.one("create_hold", product, 1, None, new_key())

        paid, *held = at_once(act, [provider, *buyers])

        assert not isinstance(paid, Exception)
        if paid["outcome"] == "applied":
            assert tally(held) == {"sold_out": 8}
            assert stock(db, product) == (0, 0, 4)
        else:
            assert paid["outcome"] == "refund_due"
            assert tally(held) == {"done": 4, "sold_out": 4}
            assert stock(db, product) == (0, 4, 0)


def test_an_overdue_order_that_is_paid_at_the_instant_of_the_sweep_is_paid_and_its_units_are_kept(
    db: Database, crowd: Crowd
) -> None:
    product = new_product(db, 3)
    provider, sweeper = crowd(2)
    for _ in range(20):
        order_id = order(db, product, 3)
        sweeper.travel(901)

        paid, swept = at_once(
            lambda s, o=order_id: pay(s, o) if s is provider else s.one("sweep"), [provider, sweeper]
        )  # fmt: skip

        tally([paid, swept])
        assert db.one("get_order", order_id)["status"] == "paid"
        assert stock(db, product) == (0, 0, 3)
        pay(db, order_id, "refunded")
