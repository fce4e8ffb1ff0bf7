"""A buyer's purchase in the browser, against the real API."""

import itertools
import re
from collections.abc import Callable
from hashlib import sha256

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from sql.server.private import PrivateServer
from tests.support.browser import PHONE, keep_screenshot, visit
from tests.support.database import Database
from tests.support.sale import hold, new_product, pay, stock
from tests.support.service import Service
from tests.support.signing import STANDARD_SECRET, STRIPE_SECRET

Open = Callable[..., Page]

PAY = "Pay with a good card"
DECLINED = "Pay with a card that is declined"


def enter(page: Page, product: int) -> Page:
    """Come into the shop, in front of this product."""
    page.goto(f"/demo?product={product}")
    expect(page.locator("#stock")).not_to_have_text("Looking at the stock…")
    return page


def press(page: Page, name: str) -> None:
    """Press the button with this name."""
    page.get_by_role("button", name=name, exact=True).click()


def test_a_purchase_from_the_price_to_the_payment(open_page: Open, db: Database) -> None:
    product = new_product(db, 10, price=12900)
    page = enter(open_page(), product)
    expect(page.locator("#price")).to_have_text("€129.00")
    expect(page.locator("#stock")).to_have_text("10 of 10 left")

    page.get_by_label("Quantity").fill("2")
    press(page, "Reserve")
    expect(page.locator("#hold-clock")).to_have_text(re.compile(r"^(2:00|1:5\d)$"))
    expect(page.locator("#stock")).to_have_text("8 of 10 left")
    keep_screenshot(page, "demo-reserved")
    expect(page.locator("#held-for")).to_have_text("2 × Limited sneaker, €258.00")
    press(page, "Order")
    expect(page.locator("#to-pay")).to_have_text("€258.00")
    expect(page.locator("#pay-clock")).to_have_text(re.compile(r"^(15:00|14:5\d)$"))
    press(page, PAY)

    expect(page.get_by_role("status")).to_have_text("Paid. 2 × Limited sneaker is yours.")
    keep_screenshot(page, "demo-paid")
    assert stock(db, product) == (8, 0, 2)


def test_after_a_declined_card_another_one_pays(open_page: Open, db: Database) -> None:
    product = new_product(db, 1)
    page = enter(open_page(), product)
    press(page, "Reserve")
    press(page, "Order")
    for _ in range(2):
        press(page, DECLINED)
        expect(page.get_by_role("status")).to_contain_text("The card was declined. Nothing was charged")
        expect(page.get_by_role("button", name=PAY)).to_be_focused()
    keep_screenshot(page, "demo-declined")
    press(page, PAY)

    expect(page.get_by_role("status")).to_contain_text("Paid.")
    told = db.query(
        "SELECT w.payment_status FROM payment_webhooks AS w JOIN orders AS o ON o.order_id = w.order_id"
        " WHERE o.product_id = %s ORDER BY w.webhook_id", product,
    )  # fmt: skip
    assert [row["payment_status"] for row in told] == ["declined", "declined", "succeeded"]
    assert stock(db, product) == (0, 0, 1)


def test_an_order_that_is_cancelled_costs_nothing_and_gives_the_units_back(open_page: Open, db: Database) -> None:
    product = new_product(db, 1)
    page = enter(open_page(), product)
    press(page, "Reserve")
    press(page, "Order")
    press(page, "Cancel order")

    expect(page.get_by_role("status")).to_have_text("Cancelled. Nothing was charged, and the units are back on sale.")
    expect(page.get_by_role("button", name="Buy another")).to_be_focused()
    keep_screenshot(page, "demo-cancelled")
    press(page, "Buy another")
    expect(page.get_by_role("button", name="Reserve")).to_be_enabled()
    assert stock(db, product) == (1, 0, 0)


def test_an_order_that_was_paid_a_moment_ago_is_not_cancelled(open_page: Open, db: Database) -> None:
    page = enter(open_page(), new_product(db, 1))
    page.expected_refusals.add(409)  # type: ignore[attr-defined]
    press(page, "Reserve")
    press(page, "Order")
    expect(page.locator("#trace")).to_contain_text("Order ")
    order_id = page.locator("#trace").inner_text().removeprefix("Order ")
    page.route("**/api/orders/*", lambda route: route.abort() if route.request.method == "GET" else route.continue_())
    page.expected_refusals.add("net::ERR_FAILED")  # type: ignore[attr-defined]
    pay(db, order_id)
    press(page, "Cancel order")

    expect(page.get_by_role("status")).to_have_text("It is too late to cancel: the payment is there.")
    page.unroute("**/api/orders/*")
    expect(page.get_by_role("status")).to_contain_text("Paid.", timeout=15_000)


def test_the_price_of_a_reservation_is_what_the_order_costs(open_page: Open, db: Database) -> None:
    product = new_product(db, 5, price=12900)
    page = enter(open_page(), product)
    press(page, "Reserve")
    expect(page.locator("#held-for")).to_have_text("1 × Limited sneaker, €129.00")
    db.one("set_price", product, 19900, "the test makes it dearer")

    expect(page.locator("#price")).to_have_text("€199.00")
    expect(page.locator("#held-for")).to_have_text("1 × Limited sneaker, €129.00")
    press(page, "Order")
    expect(page.locator("#to-pay")).to_have_text("€129.00")


def test_a_countdown_does_not_look_at_the_clock_of_the_device(open_page: Open, db: Database) -> None:
    page = open_page()
    page.add_init_script(WRONG_CLOCK)
    page.expected_refusals.add("net::ERR_FAILED")  # type: ignore[attr-defined]
    enter(page, new_product(db, 5))
    for thing in ("holds", "orders"):  # what the server would say anew hides what the page makes of the first answer
        page.route(f"**/api/{thing}/*", lambda route: route.abort())
    press(page, "Reserve")
    expect(page.locator("#hold-clock")).to_have_text(re.compile(r"^(2:00|1:5\d)$"))
    page.evaluate("setClock(7200)")
    page.wait_for_timeout(1000)
    expect(page.locator("#hold-clock")).to_have_text(re.compile(r"^1:[45]\d$"), timeout=1000)

    press(page, "Order")
    expect(page.locator("#pay-clock")).to_be_visible()
    page.evaluate("setClock(-7200)")
    page.wait_for_timeout(1000)
    expect(page.locator("#pay-clock")).to_have_text(re.compile(r"^14:[45]\d$"), timeout=1000)


# A device whose clock is an hour ahead, and can be set.
WRONG_CLOCK = """
  let ahead = 3600;
  globalThis.setClock = (seconds) => { ahead = seconds; };
  const Right = Date;
  globalThis.Date = class extends Right {
    constructor(...when) { super(...(when.length ? when : [Right.now() + 1000 * ahead])); }
    static now() { return Right.now() + 1000 * ahead; }
  };
"""


def test_a_reservation_that_is_given_back_is_on_sale_again(open_page: Open, db: Database) -> None:
    product = new_product(db, 1)
    page = enter(open_page(), product)
    press(page, "Reserve")
    press(page, "Give it back")

    expect(page.get_by_role("status")).to_contain_text("Given back")
    assert stock(db, product) == (1, 0, 0)


def test_what_is_sold_out_cannot_be_reserved_until_a_unit_comes_back(open_page: Open, db: Database) -> None:
    product = new_product(db, 1)
    held = hold(db, product)
    page = enter(open_page(), product)
    expect(page.get_by_role("button", name="Sold out")).to_be_disabled()
    expect(page.locator("#stock")).to_have_text("Sold out, but reservations may still come back")
    keep_screenshot(page, "demo-sold-out")

    db.one("release_hold", held)
    expect(page.get_by_role("button", name="Reserve")).to_be_enabled()


def test_before_its_sale_a_product_counts_down_by_the_clock_of_the_server(open_page: Open, db: Database) -> None:
    starts = db.value("SELECT UTC_TIMESTAMP(6) + INTERVAL 8 SECOND")
    product = new_product(db, 5, sale_starts_at=starts)
    page = open_page(viewport=PHONE)
    page.add_init_script(WRONG_CLOCK)
    enter(page, product)
    expect(page.locator("#stock")).to_have_text("5 of 5, not on sale yet")
    expect(page.get_by_role("button", name="Not on sale yet")).to_be_disabled()
    expect(page.locator("#start-clock")).to_have_text(re.compile(r"^0:0\d$"))
    keep_screenshot(page, "demo-upcoming")

    expect(page.get_by_role("button", name="Reserve")).to_be_enabled()
    expect(page.locator("#soon")).to_be_hidden()
    press(page, "Reserve")
    expect(page.locator("#hold-clock")).to_be_visible()


@pytest.mark.parametrize("how", ["its time is over", "it was stopped"])
def test_a_sale_that_is_over_says_so(open_page: Open, db: Database, how: str) -> None:
    ends = db.value("SELECT UTC_TIMESTAMP(6) - INTERVAL 5 SECOND") if how == "its time is over" else None
    product = new_product(db, 5, sale_ends_at=ends)
    if how == "it was stopped":
        db.call("stop_sale", product, "a test")
    page = enter(open_page(), product)

    expect(page.locator("#stock")).to_have_text("The sale is over")
    expect(page.get_by_role("button", name="The sale is over")).to_be_disabled()
    keep_screenshot(page, "demo-ended")


def test_a_paused_sale_says_so_until_it_goes_on(open_page: Open, db: Database) -> None:
    product = new_product(db, 5)
    db.call("pause_sale", product, "a test")
    page = enter(open_page(viewport=PHONE), product)

    expect(page.locator("#stock")).to_have_text("The sale is paused, and goes on soon")
    expect(page.get_by_role("button", name="Paused")).to_be_disabled()
    keep_screenshot(page, "demo-paused")
    db.call("resume_sale", product, "a test")
    expect(page.get_by_role("button", name="Reserve")).to_be_enabled()


def test_the_clock_of_a_reservation_stands_still_while_the_sale_is_paused(open_page: Open, db: Database) -> None:
    product = new_product(db, 5)
    page = enter(open_page(), product)
    press(page, "Reserve")
    expect(page.locator("#hold-clock")).to_be_visible()
    db.call("pause_sale", product, "a test")
    expect(page.locator("#stock")).to_have_text("The sale is paused, and goes on soon")
    for _ in range(2):  # the first of them may have been on its way
        with page.expect_response("**/api/holds/*"):
            pass
    page.wait_for_timeout(500)
    left = page.locator("#hold-clock").inner_text()
    page.wait_for_timeout(3000)
    expect(page.locator("#hold-clock")).to_have_text(left, timeout=1000)

    press(page, "Order")
    expect(page.locator("#pay-clock")).to_have_text("15:00")
    db.call("resume_sale", product, "a test")
    expect(page.locator("#pay-clock")).to_have_text(re.compile(r"^14:5\d$"))


def test_a_server_that_does_not_answer_is_told_until_it_does(open_page: Open, db: Database) -> None:
    page = open_page()
    page.expected_refusals.add("net::ERR_FAILED")  # type: ignore[attr-defined]
    page.route("**/api/products", lambda route: route.abort())
    page.goto(f"/demo?product={new_product(db, 5)}")
    expect(page.locator("#name")).to_have_text("The shop cannot be reached")
    expect(page.locator("#stock")).to_have_text("The server does not answer. This page keeps trying.")
    keep_screenshot(page, "demo-away")

    page.unroute("**/api/products")
    expect(page.locator("#stock")).to_have_text("5 of 5 left")
    page.expected_refusals.add(503)  # type: ignore[attr-defined]
    page.route(
        "**/api/products", lambda route: route.fulfill(status=503, json={"type": "/problems/service_unavailable"})
    )
    expect(page.locator("#stock")).to_contain_text("The server does not answer; the figures are from before.")
    page.unroute("**/api/products")


def test_who_was_a_moment_too_late_is_told_so(open_page: Open, db: Database) -> None:
    product = new_product(db, 1)
    page = enter(open_page(), product)
    page.expected_refusals.add(409)  # type: ignore[attr-defined]
    page.route("**/api/products", lambda route: route.fulfill(json={"products": db_view(db, product)}))
    hold(db, product)
    press(page, "Reserve")

    expect(page.get_by_role("status")).to_contain_text("Sold out: somebody was faster")
    page.unroute("**/api/products")


def db_view(db: Database, product: int) -> list[dict[str, object]]:
    """What a buyer saw a moment ago: one unit."""
    return [db.one("get_product", product) | {"available": 1, "held": 0, "sale_starts_at": None, "sale_ends_at": None}]


def test_a_reservation_that_runs_out_is_told_and_the_next_one_works(open_page: Open, db: Database) -> None:
    product = new_product(db, 1, hold_seconds=2)
    page = enter(open_page(), product)
    page.expected_refusals.add(410)  # type: ignore[attr-defined]
    press(page, "Reserve")

    expect(page.get_by_role("status")).to_contain_text("Your reservation has run out")
    keep_screenshot(page, "demo-expired")
    press(page, "Reserve")
    press(page, "Order")
    expect(page.locator("#to-pay")).to_be_visible()


def test_a_reload_leads_back_into_the_purchase(open_page: Open, db: Database) -> None:
    page = enter(open_page(), new_product(db, 3))
    # The page asks for the stock every few seconds; what it asks just then is broken off by the reload.
    page.expected_refusals.add("net::ERR_ABORTED")  # type: ignore[attr-defined]
    press(page, "Reserve")
    expect(page.get_by_role("button", name="Order")).to_be_visible()
    page.reload()
    expect(page.locator("#hold-clock")).to_have_text(re.compile(r"^1:\d\d$"))
    press(page, "Order")
    expect(page.locator("#pay-clock")).to_be_visible()
    page.reload()
    expect(page.locator("#pay-clock")).to_have_text(re.compile(r"^14:\d\d$"))
    press(page, PAY)

    expect(page.get_by_role("status")).to_contain_text("Paid.")


@pytest.mark.parametrize("path", ["holds", "orders", "payments/webhook"])
def test_an_answer_that_was_lost_is_asked_for_again_under_the_same_key(
    open_page: Open, db: Database, path: str
) -> None:
    product = new_product(db, 5)
    page = enter(open_page(), product)
    page.expected_refusals.add(503)  # type: ignore[attr-defined]
    attempts = itertools.count()

    def lose_the_first(route: Route) -> None:
        answer = route.fetch()
        if next(attempts) == 0:
            route.fulfill(status=503, headers={"Retry-After": "1"}, json={"type": "/problems/service_unavailable"})
        else:
            route.fulfill(response=answer)

    page.route(f"**/api/{path}", lose_the_first)
    press(page, "Reserve")
    press(page, "Order")
    press(page, PAY)
    expect(page.get_by_role("status")).to_contain_text("Paid.")

    assert next(attempts) == 2
    assert stock(db, product) == (4, 0, 1)
    assert db.value("SELECT COUNT(*) FROM hold_history WHERE product_id = %s", product) == 1


def test_the_shop_waits_while_mysql_is_away_and_buys_once(
    open_page: Open, mysql_server: PrivateServer, connect_as: Callable[..., Database]
) -> None:
    product = new_product(connect_as("dba"), 5)
    page = enter(open_page(), product)
    page.expected_refusals.add(503)  # type: ignore[attr-defined]
    mysql_server.stop()
    try:
        press(page, "Reserve")
        expect(page.get_by_role("status")).to_contain_text("Trying again in")
        keep_screenshot(page, "demo-waiting")
    finally:
        mysql_server.start()

    expect(page.get_by_role("button", name="Order")).to_be_visible(timeout=30_000)
    assert stock(connect_as("dba"), product) == (4, 1, 0)


def test_the_whole_purchase_by_keyboard(open_page: Open, db: Database) -> None:
    product = new_product(db, 5)
    page = enter(open_page(viewport=PHONE), product)
    page.get_by_label("Quantity").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Order")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=PAY)).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("Paid.")
    expect(page.get_by_role("button", name="Buy another")).to_be_focused()
    keep_screenshot(page, "demo-phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


SECRETS = {"FLASHSALE_WEBHOOK_SECRETS": STANDARD_SECRET, "FLASHSALE_STRIPE_SECRETS": STRIPE_SECRET}


@pytest.mark.parametrize("variable", SECRETS)
def test_a_simulated_payment_is_signed_where_payments_are(
    browser: Browser, api_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory, variable: str
) -> None:
    environment = {"FLASHSALE_ENV": "development", variable: SECRETS[variable]}
    signed = Service(api_url, tmp_path_factory.mktemp("signed") / "log", **environment)
    try:
        with visit(browser, signed.url) as page:
            enter(page, new_product(db, 2))
            press(page, "Reserve")
            press(page, "Order")
            press(page, DECLINED)
            expect(page.get_by_role("status")).to_contain_text("The card was declined.")
            press(page, PAY)
            expect(page.get_by_role("status")).to_contain_text("Paid.")
    finally:
        signed.stop()


def test_an_api_key_is_asked_for_where_one_is_needed(
    browser: Browser, api_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    key = "key-of-a-shop"
    hashed = sha256(key.encode()).hexdigest()
    guarded = Service(api_url, tmp_path_factory.mktemp("keys") / "log", FLASHSALE_API_KEYS=hashed)
    try:
        with visit(browser, guarded.url) as page:
            page.expected_refusals.add(401)  # type: ignore[attr-defined]
            page.goto(f"/demo?product={new_product(db, 2)}")
            page.get_by_label("This service asks for an API key").fill(key)
            press(page, "Use it")
            press(page, "Reserve")
            expect(page.get_by_role("button", name="Order")).to_be_visible()
    finally:
        guarded.stop()


def assert_no_demo(url: str) -> None:
    """Neither the page nor what it needs is there."""
    for path in ("/demo", "/static/demo/demo.js"):
        assert httpx.get(url + path, verify=False).status_code == 404
    event = {"idempotency_key": "e", "order_id": "x", "status": "succeeded"}
    assert httpx.post(f"{url}/demo/payments", json=event, verify=False).status_code == 404


def test_there_is_no_demo_in_production(strict: Service) -> None:
    assert_no_demo(strict.url)


def test_there_is_no_demo_where_somebody_forgot_to_say_that_it_is_production(
    api_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = tmp_path_factory.mktemp("forgotten") / "log"
    with Service(api_url, log, FLASHSALE_ENV="", FLASHSALE_WEBHOOK_SECRETS=STANDARD_SECRET) as forgotten:
        assert_no_demo(forgotten.url)


def test_the_simulated_provider_refuses_what_is_no_event(service: Service) -> None:
    answer = httpx.post(f"{service.url}/demo/payments", json={"order_id": "x"}, verify=False)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid_argument")
