"""Sets of buyers beside other sets, single buyers, the sweep and operators: exact, and without a deadlock."""

import random
import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.database import Database, Refused
from tests.support.hold_sets import Request, hold_set, wish
from tests.support.sale import at_once, hold, new_key, new_product, order, stock, sweep, total
from tests.support.storm import deadlocks, last_deadlock

Crowd = Callable[[int], list[Database]]


@pytest.fixture
def admin(connect_as: Callable[..., Database]) -> Database:
    """Somebody who sees how many deadlocks there were."""
    return connect_as("admin")


def serve(session: Database, requests: list[Request]) -> Counter[str]:
    """What the buyers of a set hear in the end: those who were left alone ask create_hold. Units are counted, too."""
    heard: Counter[str] = Counter()
    for row, wanted in zip(hold_set(session, requests), requests, strict=True):
        if row["answer"] == "alone":
            try:
                row = session.one("create_hold", *wanted.values())
            except Refused as refused:
                heard[refused.slug] += 1
                continue
        elif row["answer"] == "refused":
            heard[row["message"].partition(":")[0]] += 1
            continue
        heard["replayed" if row["replayed"] else "done"] += 1
        heard["units"] += row["qty"] * (not row["replayed"])
    return heard


@pytest.mark.parametrize("size", [1, 2, 8, 40, 100])
@pytest.mark.parametrize("stripes", [1, 16])
def test_400_buyers_in_sets_of_every_size_get_exactly_100_units(
    db: Database, crowd: Crowd, admin: Database, size: int, stripes: int
) -> None:
    product, before = new_product(db, 100, stripes=stripes), deadlocks(admin)
    sets = [[wish(product) for _ in range(size)] for _ in range(400 // size)]
    queue, turn = deque(sets), threading.Lock()

    def work(session: Database) -> Counter[str]:
        heard: Counter[str] = Counter()
        while True:
            with turn:
                requests = queue.popleft() if queue else None
            if requests is None:
                return heard
            heard += serve(session, requests)

    heard = total(at_once(work, crowd(8)))

    assert heard == {"done": 100, "units": 100, "sold_out": 300}
    assert stock(db, product) == (0, 100, 0)
    assert deadlocks(admin) == before, last_deadlock(admin)


@pytest.mark.parametrize("stripes", [1, 16])
def test_wishes_of_1_to_3_units_sell_the_last_one_and_no_more(db: Database, crowd: Crowd, stripes: int) -> None:
    product = new_product(db, 100, stripes=stripes)

    def work(session: Database) -> Counter[str]:
        return sum((serve(session, [wish(product, 1 + n % 3) for n in range(10)]) for _ in range(5)), Counter())

    heard = total(at_once(work, crowd(8)))

    assert heard["units"] == 100
    assert heard["done"] + heard["sold_out"] == 400
    assert stock(db, product) == (0, 100, 0)


@pytest.mark.parametrize("limit", [None, 2])
def test_sets_that_repeat_each_other_in_any_order_have_one_hold_for_each_key(
    db: Database, crowd: Crowd, admin: Database, limit: int | None
) -> None:
    before = deadlocks(admin)
    for turn in range(8):
        product = new_product(db, 100, max_per_customer=limit)
        requests = [wish(product, 1, f"buyer {number}") for number in range(12)]

        def ask(session: Database, requests: list[Request] = requests, turn: int = turn) -> Counter[str]:
            return serve(session, random.Random(f"{turn} {id(session)}").sample(requests, len(requests)))

        heard = total(at_once(ask, crowd(6)))

        assert heard == {"done": 12, "units": 12, "replayed": 60}
        assert stock(db, product) == (88, 12, 0)
    assert deadlocks(admin) == before, last_deadlock(admin)


def test_sets_that_share_customers_in_any_order_keep_the_limits_of_each(
    db: Database, crowd: Crowd, admin: Database
) -> None:
    product, before = new_product(db, 1000, max_per_customer=2), deadlocks(admin)
    names = [f"buyer {number}" for number in range(15)]

    def ask(session: Database) -> Counter[str]:
        chance = random.Random(id(session))
        return serve(session, [wish(product, 1, name) for name in chance.sample(names, len(names))])

    heard = total(at_once(ask, crowd(6)))

    assert heard == {"done": 30, "units": 30, "customer_limit_reached": 60}
    assert deadlocks(admin) == before, last_deadlock(admin)


def test_sets_meet_single_buyers_the_sweep_and_operators_and_every_unit_is_where_it_was_said_to_be(
    db: Database, crowd: Crowd, admin: Database
) -> None:
    product, before = new_product(db, 60, stripes=4, hold_seconds=1, max_per_customer=None), deadlocks(admin)
    strange: list[Any] = []

    def act(number: int, session: Database) -> None:
        chance = random.Random(number)
        acts: list[Callable[[], object]] = [
            lambda: hold_set(session, [wish(product, chance.choice([1, 1, 2])) for _ in range(chance.choice([3, 20]))]),
            lambda: hold(session, product, chance.choice([1, 3])),
            lambda: session.one("release_hold", hold(session, product)),
            lambda: session.one("cancel_order", order(session, product), "as it comes"),
            lambda: session.one("adjust_stock", product, chance.choice([-2, 2]), "as it comes"),
            lambda: sweep(session),
            lambda: (
                session.one("stop_sale", product, "over"),
                session.one("set_sale_window", product, None, None, "no"),
            ),
        ]
        for turn in range(25):
            try:
                acts[0 if number < 3 else (number + turn) % len(acts)]()
            except Refused as refused:
                if refused.slug == "invalid_argument":
                    strange.append(refused)

    results = at_once(lambda one: act(*one), list(enumerate(crowd(8))))

    assert [each for each in results if each is not None] == []
    assert strange == []
    assert sum(stock(db, product)) == db.one("get_product", product)["stock_total"]
    assert deadlocks(admin) == before, last_deadlock(admin)


def test_a_set_and_the_same_buyers_one_by_one_have_one_hold_for_each_key(db: Database, crowd: Crowd) -> None:
    for _ in range(10):
        product = new_product(db, 100)
        requests = [wish(product, 1, None, new_key()) for _ in range(6)]

        def ask(one: tuple[int, Database], requests: list[Request] = requests) -> Counter[str]:
            number, session = one
            if number < 2:
                return serve(session, requests)
            replayed = session.one("create_hold", *requests[number - 2].values())["replayed"]
            return Counter({"replayed" if replayed else "done": 1})

        heard = total(at_once(ask, list(enumerate(crowd(8)))))

        assert (heard["done"], heard["replayed"]) == (6, 12)
        assert stock(db, product) == (94, 6, 0)
