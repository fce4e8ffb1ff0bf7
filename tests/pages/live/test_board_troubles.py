"""The board says in words what is wrong, and stops saying so when it is right again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from sql.server.private import PrivateServer
from tests.support.board import shown
from tests.support.browser import keep_screenshot
from tests.support.database import Database
from tests.support.outbox import new_receiver, told
from tests.support.sale import go_on_sweeping, hold, new_product, nobody_sweeps, order, stop_sweeping

Open = Callable[..., Page]
PATIENCE_MS = 20_000


@pytest.fixture(autouse=True)
def _server_is_up(mysql_server: PrivateServer) -> Iterator[None]:
    """Also after a test that failed half way."""
    yield
    mysql_server.start()


@contextmanager
def alarm(page: Page, *words: str) -> Iterator[None]:
    """There is none before, one with these words in the block, and none after it was put right."""
    banner = page.get_by_role("alert")
    expect(banner).to_be_empty(timeout=PATIENCE_MS)
    yield
    for word in words:
        expect(banner).to_contain_text(word, timeout=PATIENCE_MS)
    assert page.title().startswith("⚠")


def gone(page: Page) -> None:
    """All is well again."""
    expect(page.get_by_role("alert")).to_be_empty(timeout=PATIENCE_MS)
    expect(page).to_have_title("Sale board")


@pytest.mark.parametrize(
    ("stop", "words"),
    [("DISABLE", "EVENT sweep_expired ENABLE"), ("OFF", "SET GLOBAL event_scheduler = ON")],
)
def test_a_stopped_event_is_told_with_what_to_do(
    open_page: Open, connect_as: Callable[..., Database], stop: str, words: str
) -> None:
    admin, page = connect_as("admin"), open_page()
    page.goto("/board")
    try:
        with alarm(page, "Housekeeping stopped", words):
            stop_sweeping(admin, stop)
        keep_screenshot(page, "board-event-stopped")
    finally:
        go_on_sweeping(admin)
    gone(page)


def test_a_violated_invariant_is_told_by_name_and_detail(
    open_page: Open, db: Database, connect_as: Callable[..., Database]
) -> None:
    product, admin, page = new_product(db, 5, stripes=1), connect_as("admin"), open_page()
    page.goto("/board")
    change = "UPDATE stock_stripes SET available = %s WHERE product_id = %s"
    try:
        with alarm(page, "Invariant violated", f"units_do_not_add_up of product {product}: stock_total 5, free 6"):
            admin.query(change, 6, product)
        expect(page.locator('[data-line="Invariants"]')).to_contain_text("1 violated")
        keep_screenshot(page, "board-violation")
    finally:
        admin.query(change, 5, product)
    gone(page)


def test_notifications_that_nobody_delivers_are_told_without_a_word_of_stopping_the_sale(
    open_page: Open, db: Database, connect_as: Callable[..., Database]
) -> None:
    receiver, page = new_receiver(), open_page()
    page.goto("/board")
    with nobody_sweeps(connect_as("admin")), told(db, receiver):
        db.travel(-5 * 86_400)
        with alarm(page, "Notifications stopped", "2 for 127.0.0.1:9, the first of "):
            for _ in range(2):
                order(db, new_product(db, 1, hold_seconds=86_400, payment_seconds=2_592_000))
            db.come_back()
        expect(page.locator("body")).not_to_contain_text(receiver)
        expect(page.locator("body")).not_to_contain_text("Stop the sale")
    gone(page)


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_the_page_goes_on_by_itself_after_mysql_was_away(
    open_page: Open, mysql_server: PrivateServer, connect_as: Callable[..., Database], way: str
) -> None:
    product = new_product(connect_as("dba"), 9)
    page = open_page()
    page.goto("/board")
    left = page.locator(f'[data-product="{product}"] [data-figure="left"]')
    expect(left).to_have_text("9")
    # What needs a walk comes by itself, a moment later where the machine is busy.
    expect(page.locator(f'[data-product="{product}"] [data-figure="given_back"]')).not_to_have_text("…")
    before = shown(page, product)
    with alarm(page, "The database has been away since "):
        getattr(mysql_server, way)()
    expect(page.locator("body")).to_have_class("stale")
    assert shown(page, product) == before
    expect(page.locator("#pulse")).to_contain_text("Figures of ")
    keep_screenshot(page, "board-database-away")

    mysql_server.start()
    gone(page)
    expect(page.locator("body")).not_to_have_class("stale")
    hold(connect_as("dba"), product, 2)
    expect(left).to_have_text("7")


def test_a_page_that_is_opened_while_mysql_is_away_says_so(open_page: Open, mysql_server: PrivateServer) -> None:
    mysql_server.stop()
    page = open_page()
    page.goto("/board")
    expect(page.get_by_role("alert")).to_contain_text("The database has been away")

    mysql_server.start()
    gone(page)
    expect(page.locator("#pulse")).to_contain_text("Live", timeout=PATIENCE_MS)


def test_a_service_that_does_not_answer_is_told(open_page: Open) -> None:
    page = open_page()
    page.goto("/board")
    page.expected_refusals.add(502)  # type: ignore[attr-defined]
    with alarm(page, "The service has not answered since "):
        page.route("**/board/data", lambda route: route.fulfill(status=502, body=""))
    page.unroute("**/board/data")
    gone(page)
