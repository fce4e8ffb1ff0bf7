"""Whatever is changed by hand in any row of any table is refused or shown, but for what is named here."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import pytest

from sql.server.private import PrivateServer
from tests.support.corruption import Damage, columns_of_all_tables, damage_values, delete_rows, prepare
from tests.support.database import Database
from tests.support.deploying import deployed
from tests.support.full_sale import make_full_sale

SCRATCH = "flashsale_corrupt"
NEVER, PARTLY = "never seen", "not seen in every row"
SETTING = "a setting: the next hold obeys it, and what it was set to is told in words only, in operator_actions"
AGREED = "agreed with the buyer under a setting that may be another by now; only its order to other times is known"
WHEN = "a time that one session wrote, by its own clock, and no other row repeats"
SAID = "only who said it knows it: the buyer, the provider or the operator"
RECORD = "what an operator did is recorded once; the row that it changed agrees for some actions only"
ENDED = "of a hold that ended without an order nothing is left to compare it with, and purge_history deletes it"
MEASURED = "housekeeping measured it once"
TOLD = "a setting of the API, which names its receivers when it starts"
PURGED = "its events were purged, or no money came in, so that nothing tells of it but itself"

UNSEEN = {
    "customer_units": (PARTLY, "a customer who has nothing counts for nothing, with or without a row"),
    "customer_units.product_id": (PARTLY, "a customer who has nothing counts for nothing, wherever the row is"),
    "customer_units.customer_id": (PARTLY, "a customer who has nothing counts for nothing, whoever it is"),
    "customer_units.paused_until": (NEVER, "the pause is of a setting that may be another by now"),
    "hold_history": (PARTLY, ENDED),
    "hold_history.hold_id": (PARTLY, ENDED),
    "hold_history.product_id": (PARTLY, ENDED),
    "hold_history.qty": (PARTLY, ENDED),
    "hold_history.unit_price_minor": (PARTLY, ENDED),
    "hold_history.customer_id": (PARTLY, ENDED),
    "hold_history.idempotency_key": (PARTLY, SAID),
    "hold_history.created_at": (PARTLY, WHEN),
    "hold_history.expires_at": (PARTLY, AGREED),
    "hold_history.extended_at": (NEVER, WHEN),
    "hold_history.ended_at": (PARTLY, WHEN),
    "hold_history.ended_as": (PARTLY, "when the sale was stopped a hold may have been released before"),
    "holds.hold_id": (PARTLY, "of a hold that nobody paid only the buyer knows the id"),
    "holds.unit_price_minor": (PARTLY, "set_price may have changed the price since"),
    "holds.idempotency_key": (PARTLY, SAID),
    "holds.created_at": (PARTLY, WHEN),
    "holds.expires_at": (PARTLY, AGREED),
    "holds.order_at": (PARTLY, AGREED),
    "holds.unpaid_until": (PARTLY, WHEN),
    "holds.extended_at": (NEVER, WHEN),
    "notification_receivers": (NEVER, TOLD),
    "notification_receivers.receiver": (NEVER, TOLD),
    "notification_receivers.created_at": (NEVER, WHEN),
    "notifications": (NEVER, "who was told of nothing, or nobody, leaves no notification either"),
    "notifications.notification_id": (PARTLY, "a number that nothing refers to"),
    "notifications.receiver": (NEVER, TOLD),
    "notifications.state": (PARTLY, "only the receiver knows what arrived"),
    "notifications.attempts": (PARTLY, "only the receiver counts too"),
    "notifications.due_at": (PARTLY, WHEN),
    "notifications.gives_up_at": (NEVER, WHEN),
    "notifications.settled_at": (PARTLY, WHEN),
    "notifications.last_error": (PARTLY, "words for people; that a failed one has some is seen"),
    "operator_actions": (PARTLY, RECORD),
    "operator_actions.action_id": (PARTLY, "only the order of the actions of a product counts"),
    "operator_actions.action": (PARTLY, RECORD),
    "operator_actions.product_id": (PARTLY, RECORD),
    "operator_actions.order_id": (PARTLY, RECORD),
    "operator_actions.payment_id": (PARTLY, RECORD),
    "operator_actions.detail": (NEVER, RECORD),
    "operator_actions.reason": (PARTLY, SAID),
    "operator_actions.account": (NEVER, RECORD),
    "operator_actions.created_at": (NEVER, WHEN),
    **{
        f"operator_keys{column}": (NEVER, SAID)
        for column in (
            "",
            ".idempotency_key",
            ".procedure_name",
            ".parameters",
            ".product_id",
            ".account",
            ".created_at",
        )
    },
    "orders.idempotency_key": (PARTLY, SAID),
    "orders.reference": (PARTLY, SAID),
    "orders.metadata": (NEVER, SAID),
    "orders.pay_by": (PARTLY, AGREED),
    "orders.paid_at": (PARTLY, WHEN),
    "orders.accepted_at": (PARTLY, WHEN),
    "orders.fulfilled_at": (PARTLY, "the shop says when it handed over; units of a refunded order tell whether it did"),
    "orders.closed_at": (PARTLY, WHEN),
    "orders.closed_reason": (PARTLY, "what an order lapsed for, or was refunded for, is told once"),
    "payment_webhooks": (PARTLY, "an event that moved no payment left no trace"),
    "payment_webhooks.webhook_id": (PARTLY, "a number that nothing refers to"),
    "payment_webhooks.idempotency_key": (PARTLY, SAID),
    "payment_webhooks.order_id": (PARTLY, "the payment knows its order; other events may name any, or none"),
    "payment_webhooks.order_ref": (NEVER, SAID),
    "payment_webhooks.payment_status": (PARTLY, "an event that changed nothing may have said anything"),
    "payment_webhooks.amount_minor": (PARTLY, "the amount of an event that tells of no money moves none"),
    "payment_webhooks.currency": (PARTLY, "the currency of an event that tells of no money moves none"),
    "payment_webhooks.occurred_at": (NEVER, SAID),
    "payment_webhooks.payload": (NEVER, SAID),
    "payment_webhooks.outcome": (PARTLY, "ignored, amount_mismatch and refund_due all did nothing"),
    "payment_webhooks.reason": (PARTLY, "words for people; that there are some is seen"),
    "payment_webhooks.deliveries": (PARTLY, "only the provider counts too"),
    "payment_webhooks.settled_at": (PARTLY, WHEN),
    "payment_webhooks.reprocessed_at": (NEVER, WHEN),
    "payments.order_id": (PARTLY, PURGED),
    "payments.amount_minor": (PARTLY, "of an id that is no order nobody can say what it costs"),
    "payments.refund_told_minor": (PARTLY, PURGED),
    "payments.refunds_told": (PARTLY, PURGED),
    "payments.refund_recorded_at": (PARTLY, WHEN),
    "payments.dispute": (PARTLY, PURGED),
    "payments.reason": (PARTLY, "words for people; that there are some is seen"),
    "payments.received_by": (PARTLY, PURGED),
    "payments.created_at": (PARTLY, PURGED),
    "payments.received_at": (PARTLY, PURGED),
    "payments.decided_at": (PARTLY, WHEN),
    "payments.events_purged_at": (PARTLY, "new events may come, under the old keys too, after the others were purged"),
    "products.name": (NEVER, SETTING),
    "products.price_minor": (PARTLY, SETTING),
    "products.hold_seconds": (NEVER, SETTING),
    "products.payment_seconds": (NEVER, SETTING),
    "products.max_per_hold": (NEVER, SETTING),
    "products.max_per_customer": (PARTLY, SETTING),
    "products.max_unpaid_percent": (PARTLY, SETTING),
    "products.pause_seconds": (PARTLY, SETTING),
    "products.extension_seconds": (NEVER, SETTING),
    "products.sale_starts_at": (NEVER, SETTING),
    "products.sale_ends_at": (NEVER, SETTING),
    "products.stopped_at": (PARTLY, WHEN),
    "products.paused_at": (PARTLY, WHEN),
    "products.archived_at": (PARTLY, WHEN),
    "products.created_at": (NEVER, WHEN),
    "stock_adjustments.reason": (NEVER, SAID),
    "stock_adjustments.account": (NEVER, RECORD),
    "stock_adjustments.created_at": (NEVER, WHEN),
    "sweep_heartbeat": (NEVER, "one run of many, until none is left"),
    "sweep_heartbeat.run_id": (PARTLY, "a number that nothing refers to"),
    "sweep_heartbeat.started_at": (NEVER, "one run of many, until the last is a minute old"),
    "sweep_heartbeat.holds_expired": (NEVER, MEASURED),
    "sweep_heartbeat.orders_expired": (NEVER, MEASURED),
    "sweep_heartbeat.orders_made": (NEVER, MEASURED),
    "sweep_heartbeat.payments_settled": (NEVER, MEASURED),
    "sweep_heartbeat.lag_seconds": (NEVER, MEASURED),
    "webhook_refusals": (NEVER, "nothing else is kept of what could not be trusted"),
    "webhook_refusals.refused_on": (NEVER, MEASURED),
    "webhook_refusals.reason": (NEVER, MEASURED),
    "webhook_refusals.slot": (NEVER, MEASURED),
    "webhook_refusals.refusals": (NEVER, MEASURED),
}
"""What nothing can see: columns, and tables of which a row can be deleted; how far, and why."""


@pytest.fixture(scope="module")
def admin(mysql_server: PrivateServer) -> Iterator[Database]:
    """An administrator's session in a database of its own, after the sale; its clock stands still, no one sweeps."""
    with deployed(mysql_server, SCRATCH) as address, Database(address) as session:
        assert session.value("SELECT GET_LOCK(LEFT(CONCAT('sweep.', DATABASE()), 64), 10)") == 1
        make_full_sale(session)
        prepare(session)
        yield session


def how_far_unseen(damages: Iterable[Damage]) -> dict[str, str]:
    """What of the damage no constraint refused and no rule showed, by its column or table."""
    shown: defaultdict[str, list[bool]] = defaultdict(list)
    for damage in damages:
        shown[damage.column].append(bool(damage.shown))
    return {column: PARTLY if any(seen) else NEVER for column, seen in shown.items() if not all(seen)}


def named(of_tables: bool) -> dict[str, str]:
    """How far the list says that tables, or columns, are unseen."""
    return {name: how_far for name, (how_far, _) in UNSEEN.items() if ("." not in name) == of_tables}


def test_after_the_sale_that_has_every_kind_of_row_nothing_is_wrong(admin: Database) -> None:
    assert admin.query("SELECT * FROM invariant_violations") == []
    for table, column in [
        ("hold_history", "ended_as"), ("orders", "status"), ("orders", "cancelled_as"), ("payments", "state"),
        ("payments", "dispute"), ("payments", "follow_up"), ("payment_webhooks", "payment_status"),
        ("payment_webhooks", "outcome"), ("operator_actions", "action"),
        ("notifications", "kind"), ("notifications", "state"),
    ]:  # fmt: skip
        [declared] = admin.query(f"SHOW COLUMNS FROM {table} LIKE '{column}'")
        there = admin.query(f"SELECT DISTINCT {column} AS kind FROM {table} WHERE {column} IS NOT NULL")
        assert {f"'{row['kind']}'" for row in there} == set(declared["Type"][5:-1].split(",")), f"{table}.{column}"


@pytest.mark.parametrize("part", ["products and units", "money"])
def test_no_value_is_changed_unseen_but_those_that_are_named(admin: Database, part: str) -> None:
    of_money = ("payment", "operator")
    tables = {
        table: columns
        for table, columns in columns_of_all_tables(admin).items()
        if table.startswith(of_money) == (part == "money")
    }
    known = {name: how_far for name, how_far in named(of_tables=False).items() if name.split(".")[0] in tables}

    found = how_far_unseen(damage for columns in tables.values() for damage in damage_values(admin, columns))

    assert found == known


def test_no_row_is_deleted_unseen_but_those_that_are_named(admin: Database) -> None:
    admin.query("SET FOREIGN_KEY_CHECKS = 0")
    tables = columns_of_all_tables(admin)

    found = how_far_unseen(damage for columns in tables.values() for damage in delete_rows(admin, columns))

    admin.query("SET FOREIGN_KEY_CHECKS = 1")
    assert found == named(of_tables=True)
