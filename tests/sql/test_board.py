"""What the board asks for: the figures of sale_overview and health_check, and what each costs."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.support.database import Database, Row
from tests.support.emptying import empty_tables
from tests.support.outbox import claim, fail, new_receiver, told
from tests.support.rows_read import least_rows_read, rows_read
from tests.support.sale import hold, new_key, new_product, nobody_sweeps, order, pay, scheduler_off, sweep


def board(db: Database, product: int) -> tuple[Row, Row]:
    """The rows of a product and of everything together."""
    rows = db.call("show_board")
    return next(row for row in rows if row["product_id"] == product), rows[-1]


def totals(db: Database, product: int) -> tuple[Row, Row]:
    """The same of show_totals."""
    rows = db.call("show_totals")
    return next(row for row in rows if row["product_id"] == product), rows[-1]


@pytest.fixture
def product(db: Database) -> int:
    """Of which all happened: held, unpaid, paid, handed over, failed, cancelled, given back in part and whole."""
    made = new_product(db, 30, hold_seconds=20)
    hold(db, made, 2)
    order(db, made, 3)
    pay(db, order(db, made, 4))
    pay(db, order(db, made), "failed")
    db.one("cancel_order", order(db, made), "customer called")
    refunded = order(db, made)
    pay(db, refunded)
    pay(db, refunded, "refunded")
    partly = order(db, made)
    pay(db, partly)
    pay(db, partly, "refunded", amount=300, currency="EUR")
    pay(db, order(db, made), amount=1, currency="EUR")
    pay(db, hold(db, made))
    handed_over = order(db, made)
    pay(db, handed_over)
    db.one("fulfil_order", handed_over)
    return made


def test_the_board_says_what_the_overview_says(db: Database, product: int) -> None:
    before = None
    # Holds of other tests end meanwhile: it is one moment when the overview is the same before and after.
    while before != (overview := {row["id"]: row for row in db.call("sale_overview")}):
        before, owed = overview, db.call("list_refunds_due")
        mine, all_of_it = board(db, product)
        sums, all_sums = totals(db, product)

    of_all = ("payments_waiting", "payments_due", "money_due", "money_due_currency")
    assert [mine[name] for name in of_all] == [None] * 4
    for shown, now, so_far in ((overview[product], mine, sums), (overview[None], all_of_it, all_sums)):
        names = {"sale": "sale", "free": "available", "held": "held", "sold": "sold"}
        assert {name: shown[name] for name in names} == {name: now[column] for name, column in names.items()}
        assert shown["takings"] == (None if so_far["takings"] is None else f"{so_far['takings']} EUR")
    assert (sums["payments_failed"], sums["given_back"], sums["takings"]) == (1, 1300, 5700)
    assert overview[product]["attention"] == "1 wait, 1 due"
    waiting, due = all_of_it["payments_waiting"], all_of_it["payments_due"]
    assert overview[None]["attention"] == f"{waiting} wait, {due} due"
    assert [row["amount_due"] for row in owed if row["product_id"] == product] == [1]
    if len({row["currency"] for row in owed}) == 1:
        assert all_of_it["money_due"] == sum(row["amount_due"] or 0 for row in owed)


@pytest.mark.parametrize("name", ["show_board", "show_totals"])
def test_the_row_of_everything_together_is_the_sum_of_the_others(db: Database, product: int, name: str) -> None:
    *rows, together = db.call(name)
    counted = {
        "show_board": ("stock_total", "available", "held", "sold", "live_holds", "orders_pending", "orders_overdue"),
        "show_totals": (
            "orders_paid", "orders_cancelled", "payments_failed", "orders_refunded", "orders_fulfilled", "takings",
            "given_back",
        ),
    }[name]  # fmt: skip

    assert product in {row["product_id"] for row in rows}
    assert len({row["currency"] for row in rows}) == 1
    assert {each: together[each] for each in counted} == {each: sum(row[each] for row in rows) for each in counted}


def test_an_archived_product_is_left_out_everywhere(db: Database) -> None:
    product = new_product(db, 5)
    pay(db, order(db, product))
    before = db.call("show_totals")[-1]["orders_paid"]
    db.call("stop_sale", product, "over")
    db.call("archive_product", product, "over")

    for procedure, name in (("show_board", "product_id"), ("show_totals", "product_id"), ("sale_overview", "id")):
        assert product not in {row[name] for row in db.call(procedure)}
    assert db.call("show_totals")[-1]["orders_paid"] == before - 1


def test_money_due_has_its_currency_as_long_as_it_is_in_one(db: Database) -> None:
    def due() -> tuple[int, int | None, str | None]:
        together = db.call("show_board")[-1]
        return together["payments_due"], together["money_due"], together["money_due_currency"]

    product = new_product(db, 10)
    for row in db.call("list_refunds_due"):
        db.one("record_refund", row["payment_id"], "of another test")
    assert due() == (0, 0, None)
    bought = order(db, product)
    pay(db, bought, amount=700, currency="EUR", payment="less " + bought)
    pay(db, bought, amount=1300, currency="EUR", payment="more " + bought)
    pay(db, bought, "refunded", amount=100, currency="EUR", payment="more " + bought)
    assert due() == (2, 1900, "EUR")
    pay(db, bought, amount=1000, currency="XTS", payment="other " + bought)
    assert due() == (3, None, None)
    pay(db, bought, "refunded", payment="less " + bought)
    pay(db, bought, "refunded", payment="more " + bought)
    assert due() == (1, 1000, "XTS")


def test_a_dispute_is_open_until_it_is_won_or_lost(db: Database) -> None:
    def open_ones() -> int:
        return int(db.call("show_totals")[-1]["disputes_open"])

    bought, before = order(db, new_product(db, 1)), open_ones()
    pay(db, bought)
    pay(db, bought, "dispute_opened")
    assert open_ones() == before + 1
    pay(db, bought, "dispute_won")
    assert open_ones() == before


def test_holds_about_to_expire_are_counted_by_how_soon(db: Database) -> None:
    product = new_product(db, 10, hold_seconds=20)
    db.travel(-15)
    hold(db, product)
    db.come_back()
    hold(db, product, 2)
    db.travel(-25)
    hold(db, product)
    db.come_back()

    mine, _ = board(db, product)
    assert (mine["live_holds"], mine["expiring_within_10_s"], mine["expiring_within_30_s"]) == (2, 1, 2)
    sweep(db)


def test_orders_past_their_time_are_counted_until_the_sweep_closes_them(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    product, admin = new_product(db, 10), connect_as("admin")
    order(db, product)
    db.travel(1000)
    mine, _ = board(db, product)
    assert (mine["orders_pending"], mine["orders_overdue"], mine["available"]) == (1, 1, 10)
    db.come_back()
    assert board(connect_as("dba"), product)[0]["orders_overdue"] == 0
    assert admin.call("check_invariants") == []


@pytest.mark.parametrize(
    ("starts", "ends", "sale"), [(60, None, "upcoming"), (None, None, "open"), (-60, -30, "ended")]
)
def test_the_board_says_how_the_sale_stands(db: Database, starts: int | None, ends: int | None, sale: str) -> None:
    def moment(seconds: int | None) -> object:
        return None if seconds is None else db.value("SELECT UTC_TIMESTAMP(6) + INTERVAL %s SECOND", seconds)

    product = new_product(db, 5, sale_starts_at=moment(starts), sale_ends_at=moment(ends))
    assert board(db, product)[0]["sale"] == sale


def test_what_is_all_held_is_sold_out(db: Database) -> None:
    product = new_product(db, 1)
    hold(db, product)

    assert board(db, product)[0]["sale"] == "sold_out"


def test_the_board_has_the_words_of_the_health_check(db: Database, connect_as: Callable[..., Database]) -> None:
    product, admin = new_product(db, 1), connect_as("admin")
    assert board(db, product)[1]["health"] is None
    with scheduler_off(admin):
        assert board(db, product)[1]["health"] == db.one("health_check")["detail"]
        assert board(db, product)[1]["health"].startswith("event_scheduler is not ON")


def test_the_board_reads_nothing_that_only_grows(db: Database, connect_as: Callable[..., Database]) -> None:
    """Rows that its statement examines, before and after a hundred purchases."""
    admin = connect_as("admin")
    # Of the shares of many products MySQL reads some or all, as it happens to know how many there are.
    empty_tables(admin, many=0)
    product = new_product(db, 200)

    def least_read() -> int:
        return least_rows_read(admin, lambda: admin.call("show_board"), 10)

    for _ in range(2):
        pay(db, order(db, product))
    before = least_read()
    for _ in range(100):
        pay(db, order(db, product))
    admin.query("FLUSH TABLES")  # as when MySQL has more tables to keep open than it may

    assert least_read() - before < 50


def tasks(db: Database, kind: str) -> list[Row]:
    """The rows of list_tasks of a kind."""
    return [row for row in db.call("list_tasks") if row["kind"] == kind]


def settle_everything(db: Database) -> None:
    """Nothing of another test is left to do."""
    while rows := db.call("list_tasks"):
        for row in rows:
            db.query(row["settled_by"])


def test_money_that_has_to_go_back_leaves_the_list_by_the_call_that_stands_there(db: Database) -> None:
    settle_everything(db)
    bought = order(db, new_product(db, 5))
    strange = f'o\'hara\\ "{bought}"'
    pay(db, bought, amount=700, currency="EUR", payment=strange)

    [task] = tasks(db, "refund due")
    assert (task["subject"], task["order_id"], task["amount"], task["currency"]) == (strange, bought, 700, "EUR")
    assert task["of_kind"] == 1
    db.query(task["settled_by"])
    assert db.call("list_tasks") == db.call("list_refunds_due") == []


def test_a_payment_that_waits_gets_its_order_by_the_call_that_stands_there(db: Database) -> None:
    settle_everything(db)
    held = hold(db, new_product(db, 5))
    pay(db, held)

    [task] = tasks(db, "payment waiting")
    assert task["order_id"] == held
    db.query(task["settled_by"])
    assert db.call("list_tasks") == []
    assert db.one("get_order", held)["status"] == "paid"


def test_a_payment_of_an_id_that_nobody_knows_becomes_a_refund_by_the_call_that_stands_there(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    settle_everything(db)
    with_nobody = new_key()
    with nobody_sweeps(connect_as("admin")):
        db.travel(-1000)
        pay(db, with_nobody, amount=5, currency="EUR", payment=f"pi of {with_nobody}")
        [task] = tasks(db, "payment waiting")
        db.come_back()

    db.query(task["settled_by"])
    assert [row["subject"] for row in db.call("list_tasks")] == [f"pi of {with_nobody}"]
    assert tasks(db, "payment waiting") == []


def fail_notifications(db: Database, receiver: str) -> None:
    """Everything that is due for the receiver has been tried for three days, in vain."""
    db.travel(3 * 86_400)
    for row in claim(db, receiver):
        fail(db, row, "503 Service Unavailable")
    db.come_back()


def test_a_notification_that_failed_is_sent_again_by_the_call_that_stands_there(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    settle_everything(db)
    receiver = new_receiver()
    with nobody_sweeps(connect_as("admin")), told(db, receiver):
        bought = order(db, new_product(db, 5))
        assert tasks(db, "notification failed") == []
        fail_notifications(db, receiver)

        [task] = tasks(db, "notification failed")
        assert (task["order_id"], task["amount"], task["reason"]) == (bought, None, "503 Service Unavailable")
        db.query(task["settled_by"])
        assert db.call("list_tasks") == []
        assert [(row["kind"], row["subject"]) for row in claim(db, receiver)] == [("order.created", bought)]
        fail_notifications(db, receiver)
    assert db.call("list_tasks") == []  # nobody is told any more


def test_of_many_failed_notifications_the_oldest_are_read_and_all_are_counted(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    settle_everything(db)
    receivers, admin = [new_receiver(), new_receiver()], connect_as("admin")
    product = new_product(db, 60)

    def list_them() -> None:
        assert [row["kind"] for row in admin.call("list_tasks")] == ["notification failed"] * 20

    with nobody_sweeps(admin), told(db, *receivers):
        for _ in range(21):
            order(db, product)
        for receiver in receivers:
            fail_notifications(db, receiver)
        before = {kind: rows_read(admin, list_them, f"Handler_read_{kind}%") for kind in ("rnd", "next")}
        orders = [order(db, product) for _ in range(30)]
        for receiver in receivers:
            fail_notifications(db, receiver)

        listed = tasks(db, "notification failed")
        assert {row["of_kind"] for row in listed} == {102}
        assert not {row["order_id"] for row in listed} & set(orders)
        assert rows_read(admin, list_them, "Handler_read_rnd%") - before["rnd"] < 10
        # The others are counted, once, and not looked at by a sort too.
        assert rows_read(admin, list_them, "Handler_read_next%") - before["next"] < 1.5 * (102 - 42)


def test_of_many_tasks_the_oldest_are_listed_and_all_are_counted(db: Database) -> None:
    settle_everything(db)
    bought = order(db, new_product(db, 5))
    for number in range(23):
        pay(db, bought, amount=number + 1, currency="EUR", payment=f"{number:02} of {bought}")

    listed = tasks(db, "refund due")
    assert [row["subject"][:2] for row in listed] == [f"{number:02}" for number in range(20)]
    assert {row["of_kind"] for row in listed} == {23}
    settle_everything(db)


def test_the_board_says_from_when_to_when_a_product_is_sold(db: Database) -> None:
    now = db.value("SELECT UTC_TIMESTAMP(6)")
    starts, ends = now + timedelta(seconds=60), now + timedelta(seconds=120)
    product = new_product(db, 5, sale_starts_at=starts, sale_ends_at=ends)
    mine, together = board(db, product)
    assert (mine["sale_starts_at"], mine["sale_ends_at"]) == (starts, ends)
    assert (together["sale_starts_at"], together["sale_ends_at"]) == (None, None)

    db.call("stop_sale", product, "a test")
    assert board(db, product)[0]["sale_ends_at"] == db.one("get_product", product)["stopped_at"]
