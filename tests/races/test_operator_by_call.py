"""What an operator decides in the middle of a crowd: from that instant on it is so, for everybody."""

from collections.abc import Callable

from tests.support.database import Database, Row
from tests.support.sale import at_once, hold, insisting, new_key, new_product, order, pay, refusal, stock, tally

Crowd = Callable[[int], list[Database]]
Act = Callable[[Database], Row]
ROUNDS = 10


def among(crowd: Crowd, operator: Act, buyer: Act, buyers: int = 16) -> tuple[Row, list[Row | Exception]]:
    """The operator's act and that of every buyer, at the same instant; what each got."""
    first, *others = crowd(buyers + 1)
    done, *answers = at_once(lambda s: insisting(lambda: (operator if s is first else buyer)(s)), [first, *others])
    assert not isinstance(done, Exception), done
    return done, answers


def test_a_sale_that_is_stopped_in_a_crowd_has_no_hold_left_and_every_unit_is_free(db: Database, crowd: Crowd) -> None:
    for limit in (None, 50):
        product = new_product(db, 100, stripes=8, max_per_customer=limit)
        hold(db, product, 3, "alice")

        _, answers = among(
            crowd,
            lambda s, p=product: s.one("stop_sale", p, "wrong photo"),
            lambda s, p=product: s.one("create_hold", p, 1, "alice", new_key()),
        )

        assert set(tally(answers)) <= {"done", "sale_ended"}
        assert stock(db, product) == (100, 0, 0)
        assert refusal(lambda p=product: hold(db, p, 1, "alice")).slug == "sale_ended"


def test_an_order_of_the_instant_at_which_the_sale_is_stopped_is_there_as_a_whole_or_not_at_all(
    db: Database, crowd: Crowd
) -> None:
    operator, buyer = crowd(2)
    for _ in range(ROUNDS):
        product = new_product(db, 5)
        hold_id = hold(db, product, 2)

        _, ordered = at_once(
            lambda s, p=product, h=hold_id: s.one("stop_sale", p, "wrong photo")
            if s is operator else s.one("create_order", h, None),
            [operator, buyer],
        )  # fmt: skip

        if isinstance(ordered, Exception):
            assert tally([ordered]) == {"hold_released": 1}
            assert stock(db, product) == (5, 0, 0)
        else:
            assert stock(db, product) == (3, 0, 2)
            assert pay(db, hold_id)["order_status"] == "paid"


def test_a_price_that_changes_in_a_crowd_is_the_one_each_buyer_was_told(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 200, price=1000, stripes=8)

    _, answers = among(
        crowd,
        lambda s: s.one("set_price", product, 1500, "demand"),
        lambda s: s.one("create_hold", product, 2, None, new_key()),
    )

    assert tally(answers) == {"done": 16}
    for made in answers:
        assert isinstance(made, dict)
        assert made["unit_price"] in (1000, 1500)
        assert db.one("create_order", made["hold_id"], None)["amount"] == 2 * made["unit_price"]
    assert db.one("create_hold", product, 1, None, None)["unit_price"] == 1500


def test_a_product_that_is_archived_while_somebody_wants_it_has_nothing_held(db: Database, crowd: Crowd) -> None:
    operator, buyer = crowd(2)
    ends = set()
    for _ in range(ROUNDS):
        product = new_product(db, 5)

        archived, held = at_once(
            lambda s, p=product: s.one("archive_product", p, "season over")
            if s is operator else s.one("create_hold", p, 1, None, None),
            [operator, buyer],
        )  # fmt: skip

        ends.add((*tally([archived]), *tally([held])))
    assert ends <= {("done", "sale_ended"), ("stock_in_use", "done")}


def test_an_order_that_buyer_operator_and_16_others_cancel_at_once_gives_its_units_back_once(
    db: Database, crowd: Crowd
) -> None:
    for _ in range(ROUNDS):
        product = new_product(db, 10, stripes=4, max_per_customer=5)
        order_id = order(db, product, 5, "alice")

        cancelled, answers = among(
            crowd,
            lambda s, o=order_id: s.one("cancel_order", o, "fraud"),
            lambda s, o=order_id: s.one("cancel_pending_order", o),
        )

        assert sorted(tally([cancelled, *answers]).items()) == [("done", 1), ("replayed", 16)]
        assert stock(db, product) == (10, 0, 0)
        hold(db, product, 5, "alice")


def test_an_order_that_many_hand_over_at_once_is_handed_over_once(db: Database, crowd: Crowd) -> None:
    order_id = order(db, new_product(db, 1))
    pay(db, order_id)

    answers = at_once(lambda s: s.one("fulfil_order", order_id), crowd(16))

    assert tally(answers) == {"done": 1, "replayed": 15}
    assert len({row["fulfilled_at"] for row in answers if isinstance(row, dict)}) == 1
