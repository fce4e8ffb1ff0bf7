"""A small sale in which every kind of row occurs: holds, orders, payments and events in each of their states."""

import json

from tests.support.database import Database
from tests.support.sale import hold, lapsed_order, new_key, new_payment, new_product, order, pay, sweep

MINUTE, DAY = 60, 86_400
SHOP = "https://shop.example"


def make_full_sale(admin: Database) -> None:
    """Let this session, which holds the lock of the sweep, live through the sale; its clock then stands still."""
    admin.travel(-40 * DAY)
    admin.call("set_receivers", json.dumps([SHOP, "https://former.example"]))
    _purged_later(admin)
    for receiver in (SHOP, "https://former.example"):
        while _tell(admin, receiver):
            pass
    admin.travel(-40 * MINUTE)
    limited, open_to_all = _products(admin)
    _holds_that_end(admin, limited)
    _orders_that_close(admin, limited)
    _orders_that_are_paid(admin, limited)
    _money_that_pays_nothing(admin, limited)
    admin.travel(-10 * MINUTE)
    _reprocessed(admin)
    admin.travel(-MINUTE)
    _live(admin, limited)
    _stopped(admin, open_to_all)
    _paused(admin)
    admin.travel(0)
    admin.one("forget_customer", "erin", "asked by letter")
    admin.one("count_refused_webhook", "invalid_signature")
    _sold_out_and_not(admin)
    admin.one("purge_history", 30)
    _tell(admin, SHOP)
    [late, *_] = admin.call("claim_notifications", SHOP, 1, 30)
    admin.one("settle_notification", late["notification_id"], late["attempt"], "503")
    admin.call("set_receivers", json.dumps([SHOP]))


def _products(admin: Database) -> tuple[int, int]:
    """One with every limit, and one with none that costs more by now."""
    limited = new_product(admin, 100, stripes=2, max_per_hold=20)
    admin.one(
        "set_limits",
        limited,
        max_per_customer=90,
        max_unpaid_percent=90,
        pause_seconds=1,
        extension_seconds=30,
        reason="one each",
    )
    open_to_all = new_product(admin, 10, stripes=2)
    admin.one("set_price", open_to_all, 2000, "dearer")
    admin.one("adjust_stock", open_to_all, -2, "broken in transit", new_key())
    admin.one("set_sale_window", open_to_all, "2000-01-01 00:00:00", "2100-01-01 00:00:00", "begin")
    free = new_product(admin, 5, price=0, stripes=1)
    order(admin, free, 2, "alice")
    return limited, open_to_all


def _tell(admin: Database, receiver: str) -> int:
    """Deliver what is due, of each subject one; how many that were."""
    due = admin.call("claim_notifications", receiver, 100, 30)
    for row in due:
        admin.one("settle_notification", row["notification_id"], row["attempt"], None)
    return len(due)


def _sold_out_and_not(admin: Database) -> None:
    """Two products are sold out, and one of them is available again."""
    again, _ = order(admin, new_product(admin, 1)), order(admin, new_product(admin, 1))
    sweep(admin)
    admin.one("cancel_pending_order", again)
    sweep(admin)


def _purged_later(admin: Database) -> None:
    """A refunded order whose events are deleted at the end, and a product that is off the list."""
    product = new_product(admin, 1)
    order_id, payment = order(admin, product, 1, "zoe"), new_payment()
    pay(admin, order_id, payment=payment)
    pay(admin, order_id, "refunded", payment=payment)
    admin.one("archive_product", product, "over")


def _holds_that_end(admin: Database, product: int) -> None:
    hold(admin, product, 1, "alice")  # expires
    admin.one("release_hold", hold(admin, product, 2, "bob"))
    pay(admin, hold_id := hold(admin, product, 3, "carol"), "declined", payment=new_payment())
    admin.one("release_hold", hold_id)
    pay(admin, hold_id, payment=new_payment())


def _orders_that_close(admin: Database, product: int) -> None:
    order(admin, product, 1, "olaf")  # overdue
    lapsed_order(admin, product, 2, "lara")
    pay(admin, lapsed_order(admin, product, 2, "lena"), payment=new_payment())  # paid late
    admin.one("cancel_order", order(admin, product, 1, "mallory"), "fraud")
    admin.one("cancel_pending_order", withdrawn := order(admin, product, 1, "didi"))
    pay(admin, withdrawn, payment=new_payment())


def _orders_that_are_paid(admin: Database, product: int) -> None:
    paid, fulfilled, partly, in_vain, refunded, sent_and_refunded, came_back, replaced = (
        order(admin, product, qty, name) for qty, name in zip((4, 1, 2, 2, 3, 1, 1, 2), "efghijkl", strict=True)
    )
    payments = {each: new_payment() for each in (paid, fulfilled, partly, in_vain, refunded, sent_and_refunded,
                                                 came_back, replaced)}  # fmt: skip
    for order_id, payment in payments.items():
        event = new_key()
        pay(admin, order_id, "succeeded", key=event, payment=payment)
        pay(admin, order_id, "succeeded", key=event, payment=payment)
    for order_id in (fulfilled, sent_and_refunded):
        admin.one("fulfil_order", order_id)
    for order_id, dispute in ((paid, "opened"), (fulfilled, "won"), (partly, "lost")):
        pay(admin, order_id, f"dispute_{dispute}", payment=payments[order_id])
    second = new_payment()
    pay(admin, replaced, payment=second)
    for order_id, amount in ((partly, 500), (in_vain, 500), (refunded, None), (sent_and_refunded, 1000),
                             (came_back, None), (replaced, None)):  # fmt: skip
        pay(admin, order_id, "refunded", amount, payment=payments[order_id])
    pay(admin, in_vain, "refund_failed", 500, payment=payments[in_vain])
    pay(admin, came_back, "refund_failed", payment=payments[came_back])
    pay(admin, paid, payment=new_payment())  # a second time
    pay(admin, paid, payment=(third := new_payment()))
    admin.one("record_refund", third, "re_3")
    # The order's own id stands for its payment.
    pay(admin, order(admin, product, 1, "erin"))


def _money_that_pays_nothing(admin: Database, product: int) -> None:
    accepted, underpaid = order(admin, product, 2, "m"), order(admin, product, 2, "n")
    for order_id, amount, payment in ((accepted, 1900, new_payment()), (underpaid, 1, new_payment())):
        pay(admin, order_id, "succeeded", amount, "EUR", payment=payment)
        if order_id == accepted:
            admin.one("accept_payment", payment, "the rest was paid in cash")
    stranger, of_no_amount = new_payment(), new_payment()
    pay(admin, new_key(), "succeeded", 700, "EUR", payment=stranger)
    pay(admin, "no id of ours", "succeeded", payment=of_no_amount)
    pay(admin, new_key(), "failed", payment=new_payment())
    pay(admin, new_key(), "refunded", 300, payment=new_payment())
    pay(admin, None, "other")
    pay(admin, new_key(), "other", 5, "EUR")


def _reprocessed(admin: Database) -> None:
    """Paid late, when its units were sold on; they are free again, and an operator has it decided anew."""
    product = new_product(admin, 1)
    lapsed = lapsed_order(admin, product, 1, "olga")
    taken = hold(admin, product, 1, "paul")
    event = pay(admin, lapsed, payment=new_payment())
    admin.one("release_hold", taken)
    admin.one("reprocess_webhook", event["webhook_id"])


def _live(admin: Database, product: int) -> None:
    hold(admin, product, 2, "alice")
    admin.one("extend_hold", hold(admin, product, 1, "bob"))
    pay(admin, hold(admin, product, 3, "carol"), payment=new_payment())  # waits for its order
    pay(admin, hold(admin, product, 1, "dave"), "failed", payment=new_payment())
    pay(admin, new_key(), "succeeded", 900, "EUR", payment=new_payment())
    order(admin, product, 5, "alice")
    admin.query(
        "CALL receive_payment_webhook(%s, %s, %s, 'succeeded', 6000, 'EUR', UTC_TIMESTAMP(6), '{\"id\": \"evt_1\"}')",
        new_key(), order(admin, product, 6, "quentin"), new_payment(),
    )  # fmt: skip


def _paused(admin: Database) -> None:
    """A sale that went on after a pause, and one that did not yet."""
    for goes_on in (True, False):
        product = new_product(admin, 10, max_per_customer=9)
        hold(admin, product, 1, "tina")
        pay(admin, hold(admin, product, 1, "ulf"), payment=new_payment())
        ordered = order(admin, product, 1, "vera")
        later = hold(admin, product, 1, "wim")
        admin.one("pause_sale", product, "the shop is down")
        admin.one("create_order", later, None, None, None)
        pay(admin, ordered, payment=new_payment())
        if goes_on:
            admin.one("resume_sale", product, "the shop is back")


def _stopped(admin: Database, product: int) -> None:
    hold_id = hold(admin, product, 1, "rita")
    order(admin, product, 1, "sam")
    admin.one("stop_sale", product, "recalled")
    pay(admin, hold_id, payment=new_payment())
