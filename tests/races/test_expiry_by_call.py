"""Expired units and a crowd that wants them: each comes back once, to somebody, without a sweep."""

from collections.abc import Callable

import pytest

from tests.support.database import Database, Refused, Row
from tests.support.sale import at_once, hold, insisting, new_key, new_product, order, pay, refusal, stock, sweep, tally

Crowd = Callable[[int], list[Database]]


def in_the_future(sessions: list[Database], seconds: float) -> list[Database]:
    """Let them all live later; the EVENT stays in the present and sweeps nothing of what expires then."""
    for session in sessions:
        session.travel(seconds)
    return sessions


@pytest.mark.parametrize("stripes", [1, 16])
def test_64_buyers_at_once_all_get_a_unit_when_every_unit_is_in_expired_unswept_holds(
    db: Database, crowd: Crowd, stripes: int
) -> None:
    product = new_product(db, 100, stripes=stripes, max_per_hold=1)
    for session in (sessions := crowd(10)):
        session.come_back()
    at_once(lambda session: [hold(session, product) for _ in range(10)], sessions)
    assert stock(db, product) == (0, 100, 0)

    answers = at_once(lambda s: s.one("create_hold", product, 1, None, new_key()), in_the_future(crowd(64), 121))

    assert tally(answers) == {"done": 64}


def test_64_buyers_at_once_all_get_a_unit_when_every_unit_is_in_overdue_orders(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 64, stripes=16, max_per_hold=4)
    at_once(lambda session: [order(session, product, 4) for _ in range(2)], crowd(8))
    assert stock(db, product) == (0, 0, 64)

    answers = at_once(lambda s: s.one("create_hold", product, 1, None, new_key()), in_the_future(crowd(64), 901))

    assert tally(answers) == {"done": 64}


@pytest.mark.parametrize("stripes", [1, 16])
def test_64_buyers_at_once_share_one_big_expired_hold(db: Database, crowd: Crowd, stripes: int) -> None:
    product = new_product(db, 64, stripes=stripes, max_per_hold=64)
    hold(db, product, 64)

    answers = at_once(lambda s: s.one("create_hold", product, 1, None, new_key()), in_the_future(crowd(64), 121))

    assert tally(answers) == {"done": 64}


def test_32_customers_at_once_get_their_limit_again_when_all_they_have_is_expired(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 64, stripes=16, max_per_customer=2)
    customers = list(enumerate(crowd(32)))
    at_once(lambda c: hold(c[1], product, 2, f"customer {c[0]}"), customers)
    in_the_future([session for _, session in customers], 121)

    answers = at_once(lambda c: c[1].one("create_hold", product, 2, f"customer {c[0]}", new_key()), customers)

    assert tally(answers) == {"done": 32}


def test_one_customer_with_expired_units_asks_32_times_at_once_and_gets_exactly_the_limit(
    db: Database, crowd: Crowd
) -> None:
    product = new_product(db, 100, stripes=16, max_per_customer=3)
    for _ in range(3):
        hold(db, product, 1, "alice")

    answers = at_once(
        lambda s: s.one("create_hold", product, 1, "alice", new_key()), in_the_future(crowd(32), 121)
    )  # fmt: skip

    assert tally(answers) == {"done": 3, "customer_limit_reached": 29}


def test_sweeping_and_buying_at_once_returns_each_expired_unit_once(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 40, stripes=4)
    for _ in range(20):
        hold(db, product, 1)
        order(db, product, 1)
    sweeper, *buyers = in_the_future(crowd(33), 901)

    answers = at_once(
        lambda s: sweep(s) if s is sweeper else s.one("create_hold", product, 1, None, new_key()), [sweeper, *buyers]
    )

    assert tally(answers[1:]) == {"done": 32}
    assert stock(sweeper, product) == (8, 32, 0)


@pytest.mark.parametrize("sweeping", [("sweep",), ("expire_holds", 1000)], ids=lambda call: call[0])
@pytest.mark.parametrize("expires_first", [False, True])
def test_ordering_a_hold_and_expiring_it_at_the_same_instant_has_one_winner(
    db: Database, crowd: Crowd, expires_first: bool, sweeping: tuple[str, ...]
) -> None:
    product = new_product(db, 10, stripes=2)
    buyer, sweeper = crowd(2)
    for _ in range(25):
        made = db.one("create_hold", product, 2, None, new_key())
        buyer.travel_to(made["expires_at"] if expires_first else made["created_at"])
        sweeper.travel_to(made["expires_at"])

        def act(session: Database, hold_id: str = made["hold_id"]) -> Row:
            if session is buyer:
                return session.one("create_order", hold_id, new_key())
            return sweep(session, *sweeping)

        ordered, swept = at_once(act, [buyer, sweeper])

        assert tally([swept]) == {"done": 1}
        sweep(sweeper, *sweeping)  # the sweep may have skipped the hold while the order looked at it
        ended_as = db.value("SELECT ended_as FROM hold_history WHERE hold_uuid = %s", made["hold_id"])
        if isinstance(ordered, Exception):
            assert tally([ordered]) == {"hold_expired": 1}
            assert ended_as == "expired"
            assert stock(db, product) == (10, 0, 0)
        else:
            assert not expires_first
            assert ended_as == "ordered"
            assert stock(db, product) == (8, 0, 2)
            pay(db, made["hold_id"], "failed")


def test_releasing_a_hold_and_buying_its_expired_units_at_the_same_instant_counts_them_once(
    db: Database, crowd: Crowd
) -> None:
    product = new_product(db, 2)
    releaser, buyer = crowd(2)
    for _ in range(25):
        made = db.one("create_hold", product, 2, None, new_key())
        releaser.travel_to(made["created_at"])
        buyer.travel_to(made["expires_at"])

        def act(session: Database, hold_id: str = made["hold_id"]) -> Row:
            if session is releaser:
                return insisting(lambda: session.one("release_hold", hold_id))
            return insisting(lambda: session.one("create_hold", product, 2, None, new_key()))

        released, bought = at_once(act, [releaser, buyer])

        assert not isinstance(bought, Exception), bought
        assert tally([released]) in ({"done": 1}, {"hold_expired": 1})
        buyer.one("release_hold", bought["hold_id"])
        assert stock(db, product) == (2, 0, 0)


def test_a_hold_that_expires_while_its_order_waits_for_it_is_refused(
    db: Database, connect_as: Callable[..., Database], crowd: Crowd
) -> None:
    product = new_product(db, 1, hold_seconds=1)
    admin = connect_as("admin")
    made = db.one("create_hold", product, 1, None, new_key())
    admin.query("START TRANSACTION")
    admin.query("SELECT * FROM holds WHERE hold_id = UUID_TO_BIN(%s) FOR UPDATE", made["hold_id"])

    def act(session: Database) -> Row | None:
        if session is admin:
            while admin.value("SELECT SYSDATE(6) <= %s", made["expires_at"]):
                pass
            admin.query("COMMIT")
            return None
        return session.one("create_order", made["hold_id"], new_key())

    _, ordered = at_once(act, [admin, *crowd(1)])

    assert isinstance(ordered, Refused)
    assert ordered.slug == "hold_expired"
    assert stock(db, product) == (1, 0, 0)


def test_a_big_wish_among_expired_holds_is_met_while_others_take_single_units(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 60, stripes=16, max_per_hold=30)
    for _ in range(60):
        hold(db, product)
    buyers = in_the_future(crowd(31), 121)
    big = buyers[0]

    answers = at_once(lambda s: s.one("create_hold", product, 30 if s is big else 1, None, new_key()), buyers)

    assert tally(answers) == {"done": 31}
    assert refusal(lambda: hold(big, product)).slug == "sold_out"
