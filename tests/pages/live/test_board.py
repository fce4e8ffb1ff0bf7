"""The live board, watched in a browser while a sale runs."""

import random
import re
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.pages.live.conftest import TOKEN
from tests.support.board import Tile, counted, furnish, number, payments_shown, requests_for_holds, shown, wait_for_page
from tests.support.browser import PHONE, SCREEN, keep_screenshot, visit
from tests.support.buyer import Buyer
from tests.support.database import Database
from tests.support.outbox import claim, fail, new_receiver, told
from tests.support.sale import hold, new_key, new_payment, new_product, nobody_sweeps, order, pay
from tests.support.service import WORKERS, Service
from tests.support.waiting import wait_until

Open = Callable[..., Page]
WALL = {"width": 1920, "height": 1080}
CHART = re.compile(r"Line chart of the last \d+ seconds\. Held: [\d.]+ per second now")
WAYS = ("abandons", "fails", "pays early", "pays", "is handed it", "forgets", "is given it back", "errs")


def open_board(open_page: Open, **options: object) -> Page:
    """The board, with its first figures."""
    page = open_page(**options)
    page.goto("/board")
    expect(page.locator("#pulse")).to_contain_text("Live")
    return page


def in_seconds(db: Database, seconds: int) -> Any:
    """A moment of the database's clock."""
    return db.value("SELECT UTC_TIMESTAMP(6) + INTERVAL %s SECOND", seconds)


def buy(url: str, product: int, seed: int) -> Counter[str]:
    """Thirty buyers one after another, each in a way of their own; what the holds were answered."""
    chance, answers = random.Random(seed), Counter[str]()
    with Buyer(url) as buyer:
        for _ in range(30):
            held = buyer.hold(product, chance.choice((1, 1, 2)))
            answers["held" if held.status_code == 201 else held.json()["type"].rpartition("/")[2]] += 1
            way = chance.choice(WAYS)
            if held.status_code != 201 or way == "abandons":
                continue
            hold_id = held.json()["hold_id"]
            if way == "pays early":
                assert buyer.pay(hold_id).status_code == 202
            assert buyer.order(hold_id).status_code in (201, 410)
            if way == "errs":
                buyer.pay(hold_id, amount=1, currency="EUR")
            elif way == "fails":
                buyer.pay(hold_id, "failed")
            elif way in ("pays", "is handed it", "is given it back"):
                buyer.pay(hold_id)
                if way == "is handed it":
                    buyer.request("POST", f"/api/orders/{hold_id}/fulfilment")
                if way == "is given it back":
                    buyer.pay(hold_id, "refunded")
    return answers


def test_the_figures_on_the_page_are_those_in_mysql(open_page: Open, service: Service, db: Database) -> None:
    product = new_product(db, 60, price=12900, hold_seconds=3)
    page = open_board(open_page)
    before = requests_for_holds(page)

    with ThreadPoolExecutor(6) as pool:
        crowd = [pool.submit(buy, service.url, product, seed) for seed in range(6)]
        wait_for_page(lambda: (shown(page, product).get("sold") or 0) > 0)
        keep_screenshot(page, "board-running")
        answers = sum((buyer.result() for buyer in crowd), Counter[str]())

    assert answers["held"] > 0 < answers["sold_out"]
    wait_until(lambda: db.one("get_product", product)["held"] == 0, 20)
    expected = counted(db, product)
    happened = ("sold", "orders_pending", "orders_paid", "orders_fulfilled", "payments_failed", "orders_refunded")
    assert all(expected[name] for name in happened)
    wait_for_page(lambda: shown(page, product) == expected)
    events = db.query("SELECT outcome, COUNT(*) AS events FROM payment_webhooks GROUP BY outcome")
    for row in events:
        name = {"amount_mismatch": "mismatched"}.get(row["outcome"], row["outcome"])
        expect(page.locator(f'#events [data-figure="events_{name}"]')).to_have_text(str(row["events"]))
    after = requests_for_holds(page)
    assert {name: after[name] - before.get(name, 0) for name in ("held", "sold_out")} == {
        "held": answers["held"], "sold_out": answers["sold_out"],
    }  # fmt: skip
    keep_screenshot(page, "board-over")


def test_the_bar_the_chart_and_the_words_say_the_same(open_page: Open, db: Database) -> None:
    product = new_product(db, 1000, hold_seconds=20)
    order(db, product, 3)
    db.one("create_hold", product, 4, None, new_key())
    page = open_board(open_page)

    card = page.locator(f'[data-product="{product}"]')
    expect(card.locator(".bar")).to_have_attribute("aria-label", "Stock: 3 sold, 4 held, 993 available of 1000")
    assert card.locator(".bar .held").evaluate("bar => bar.style.width") == "0.4%"
    expect(card.locator('[data-figure="expiring_within_30_s"]')).to_have_text("1")
    expect(card.locator(".sale")).to_have_text("Open")
    expect(page.locator("#chart canvas")).to_have_count(1)
    expect(page.locator("#chart")).to_have_attribute("aria-label", CHART)


def test_money_that_has_to_go_back_is_told_with_what_to_do_until_it_went_back(open_page: Open, db: Database) -> None:
    for row in db.call("list_refunds_due"):
        db.one("record_refund", row["payment_id"], "of another test")
    page, bought = open_board(open_page), order(db, new_product(db, 5, price=12900))

    def due() -> Tile:
        return payments_shown(page)["money_due"]

    new_product(db, 5)  # of several products the first line tells it, too
    first_line = page.locator("#together-figures > div").last

    wait_for_page(lambda: due() == ("None", "nothing has to go back", False))
    for nth, text in ((1, "of 1 payment: "), (2, "of 2 payments: ")):
        pay(db, bought, amount=10000, currency="EUR", payment=f"{nth} of {bought}")
        wait_for_page(lambda: due() == (f"€{nth}00.00", text + "CALL list_refunds_due()", True))  # noqa: B023
        expect(first_line).to_have_text(f"Money due€{nth}00.00")
    pay(db, bought, amount=12900, currency="USD", payment=f"dollars of {bought}")
    wait_for_page(lambda: due().text == "Several currencies")
    keep_screenshot(page, "board-money-due")
    for row in db.call("list_refunds_due"):
        pay(db, bought, "refunded", payment=row["payment_id"])
    wait_for_page(lambda: due().text == "None")


def test_money_of_which_nobody_named_the_amount_is_due_all_the_same(open_page: Open, db: Database) -> None:
    for row in db.call("list_refunds_due"):
        db.one("record_refund", row["payment_id"], "of another test")
    page = open_board(open_page)
    db.travel(-1000)  # long enough ago that no order can come
    pay(db, new_key(), payment=(payment := new_payment()))
    db.come_back()

    wait_for_page(lambda: payments_shown(page)["money_due"].text == "Amount not known")
    db.one("record_refund", payment, "the provider's page says so")
    wait_for_page(lambda: payments_shown(page)["money_due"].text == "None")


def test_payments_that_wait_and_disputes_are_told(open_page: Open, db: Database) -> None:
    product = new_product(db, 5)
    page, bought = open_board(open_page), order(db, product)
    waiting = db.call("show_board")[-1]["payments_waiting"]
    pay(db, bought)
    pay(db, bought, "dispute_opened")
    pay(db, early := hold(db, product))

    wait_for_page(lambda: payments_shown(page)["payments_waiting"].text == str(waiting + 1))
    disputes = db.value("SELECT COUNT(*) FROM payments WHERE dispute = 'opened'")
    hint = "answer at the provider before its time is up"
    wait_for_page(lambda: payments_shown(page)["disputes_open"] == (str(disputes), hint, True))
    db.one("create_order", early, new_key())
    wait_for_page(lambda: payments_shown(page)["payments_waiting"].text == str(waiting))


@pytest.mark.parametrize(("currency", "text"), [("JPY", "¥1,234"), ("KWD", "KWD 1.234"), ("USD", "$12.34")])
def test_money_has_the_digits_of_its_currency(open_page: Open, db: Database, currency: str, text: str) -> None:
    row = db.one("create_product", "Sold abroad", 1234, currency, 5, *[None] * 7)
    pay(db, order(db, row["product_id"]))
    page = open_board(open_page)

    takings = page.locator(f'[data-product="{row["product_id"]}"] [data-figure="takings"]')
    expect(takings).to_have_text(text.replace(" ", "\u00a0"))


def test_a_product_that_is_put_on_sale_appears_by_itself(open_page: Open, db: Database) -> None:
    page = open_board(open_page)
    product = new_product(db, 7)

    expect(page.locator(f'[data-product="{product}"] [data-figure="left"]')).to_have_text("7")


def test_many_tabs_cost_one_call_a_second_in_each_worker(
    open_page: Open, service: Service, connect_as: Callable[..., Database]
) -> None:
    """One is a tab, which asks once a second; the others ask far more often than a tab would."""
    admin = connect_as("admin")
    calls = (
        "SELECT COALESCE(SUM(count_star), 0) FROM performance_schema.events_statements_summary_by_program"
        " WHERE object_type = 'PROCEDURE' AND object_schema = 'flashsale' AND object_name = 'show_board'"
    )
    page, asked, answers = open_board(open_page), 0, 0

    def count(response: Response) -> None:
        nonlocal asked
        asked += response.url.endswith("/board/data")

    with ExitStack() as stack:
        others = [stack.enter_context(httpx.Client(base_url=service.url, verify=False)) for _ in range(8)]
        page.on("response", count)
        before, began = admin.value(calls), time.monotonic()
        while asked < 3:
            answers += sum(other.get("/board/data").status_code == 200 for other in others)
            page.wait_for_timeout(100)
        made, seconds = admin.value(calls) - before, time.monotonic() - began

    assert asked <= seconds + 1
    assert 0 < made <= WORKERS * (seconds + 1)
    assert answers > 2 * made


def test_what_is_on_sale_comes_first_then_what_starts_soonest_and_last_what_has_ended(
    open_page: Open, db: Database
) -> None:
    def product(starts: int | None = None, ends: int | None = None) -> int:
        moments = [None if each is None else in_seconds(db, each) for each in (starts, ends)]
        return new_product(db, 5, sale_starts_at=moments[0], sale_ends_at=moments[1])

    ended, later, soon, newest, sold_out = product(-60, -30), product(7200), product(3600), product(-10), product()
    hold(db, sold_out, 5)
    page = open_board(open_page)
    mine = [newest, sold_out, soon, later, ended]

    def order_shown() -> list[int]:
        cards = page.evaluate("[...document.querySelectorAll('.card')].map(card => Number(card.dataset.product))")
        return [each for each in cards if each in mine]

    wait_for_page(lambda: order_shown() == mine)
    state = page.locator(f'[data-product="{sold_out}"] .sale')
    expect(state).to_have_text("Sold out")
    assert state.evaluate("it => getComputedStyle(it).color != getComputedStyle(it.parentElement).color")
    card = page.locator(f'[data-product="{soon}"]')
    expect(card.locator(".when")).to_have_text(re.compile(r"^Starts .+ \d\d:\d\d, in (60|59) min$"))
    page.locator("#ended > summary").click()
    expect(page.locator(f'[data-product="{ended}"] .when')).to_have_text(re.compile(r"^Ended .+, \d+ s ago$"))
    keep_screenshot(page, "board-order")


def test_available_together_is_what_can_be_bought_now(open_page: Open, db: Database) -> None:
    page = open_board(open_page)
    tile = page.locator("#together-figures > div", has_text=re.compile("^Available")).locator("dd")

    def can_be_bought() -> int:
        return sum(row["available"] for row in db.call("show_board") if row["sale"] == "open")

    new_product(db, 11)
    new_product(db, 1000, sale_starts_at=in_seconds(db, 3600))
    wait_for_page(lambda: tile.count() == 1 and number(tile.inner_text()) == can_be_bought())


def test_the_line_on_top_says_health_lag_money_due_and_how_fast_it_sells(open_page: Open, db: Database) -> None:
    for row in db.call("list_refunds_due"):
        db.one("record_refund", row["payment_id"], "of another test")
    page = open_board(open_page)
    strip = page.locator("#strip")

    expect(strip).to_have_text(re.compile(r"^All wellSweep lag [\d.]+ sMoney due NoneTo do nothingHolds/s [\d.,]+$"))
    pay(db, order(db, new_product(db, 5)), amount=10000, currency="EUR")
    expect(strip.locator('[data-part="due"]')).to_have_text("Money due €100.00")
    expect(strip.locator('[data-part="tasks"]')).to_have_text("To do 1")


def test_the_last_minutes_are_there_when_somebody_opens_the_page(
    browser: Browser, api_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    busy = Service(api_url, tmp_path_factory.mktemp("rates") / "log")
    try:
        with Buyer(busy.url) as buyer:
            kept = lambda: httpx.get(busy.url + "/board/history", verify=False).json()  # noqa: E731
            wait_until(lambda: len(kept()) > 0, 20)
            assert buyer.hold(new_product(db, 1)).status_code == 201
            assert buyer.hold(new_product(db, 0)).status_code == 409
            wait_until(lambda: kept()[-1] | {"at": ""} == {"at": "", "held": 1, "refused": {"sold_out": 1}}, 20)
            assert buyer.hold(new_product(db, 1)).status_code == 201
        with visit(browser, busy.url) as page:
            page.goto("/board")
            expect(page.locator('#rates [data-series="held"]')).to_contain_text("Held")
            peak = page.locator('#rates [data-series="held"] td').nth(1)
            expect(peak).to_have_text(re.compile(r"^0\.[1-9]$|^[1-9]"))  # of before the page was opened
            expect(page.locator('#reasons [data-series="sold_out"]')).to_have_text("sold_out11")
    finally:
        busy.stop()


def test_what_waits_for_somebody_is_listed_with_the_call_that_settles_it(open_page: Open, db: Database) -> None:
    while rows := db.call("list_tasks"):  # of other tests
        for row in rows:
            db.query(row["settled_by"])
    page = open_board(open_page, permissions=["clipboard-read", "clipboard-write"])
    expect(page.locator("#tasks-hint")).to_have_text("Nothing waits for anybody")
    product = new_product(db, 5)
    bought, held = order(db, product), hold(db, product)
    pay(db, bought, amount=10000, currency="EUR", payment=f"less of {bought}")
    pay(db, held)

    refund = page.locator('[data-kind="refund due"]')
    expect(refund.locator("h3")).to_have_text("Refunds due: 1")
    expect(refund.locator("li")).to_contain_text("€100.00")
    expect(page.locator('[data-kind="payment waiting"] code')).to_have_text(
        f"CALL create_order('{held}', NULL, NULL, NULL);"
    )
    keep_screenshot(page, "board-tasks")
    refund.get_by_role("button").click()
    expect(refund.get_by_text("Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"CALL record_refund('less of {bought}', 'paid back at the provider', NULL);"
    for kind in ("refund due", "payment waiting"):
        db.query(page.locator(f'[data-kind="{kind}"] code').inner_text().removesuffix(";"))
    expect(page.locator("#tasks-hint")).to_have_text("Nothing waits for anybody")
    expect(page.locator("#tasks li")).to_have_count(0)


def test_a_notification_that_failed_is_listed_with_the_call_that_sends_it_again(
    open_page: Open, db: Database, connect_as: Callable[..., Database]
) -> None:
    receiver = new_receiver()
    with nobody_sweeps(connect_as("admin")), told(db, receiver):
        bought = order(db, new_product(db, 5))
        db.travel(3 * 86_400)
        [claimed] = claim(db, receiver)
        fail(db, claimed, "503 Service Unavailable")
        db.come_back()
        page = open_board(open_page)

        failed = page.locator('[data-kind="notification failed"]')
        expect(failed.locator("h3")).to_have_text("Failed notifications: 1")
        expect(failed.locator("li")).to_contain_text("order.created")
        expect(failed.locator("li")).to_contain_text("503 Service Unavailable")
        call = f"CALL resend_notification({claimed['notification_id']}, NULL);"
        expect(failed.locator("code")).to_have_text(call)
        db.query(call.removesuffix(";"))
        expect(failed).to_have_count(0)
        assert [row["subject"] for row in claim(db, receiver)] == [bought]


def lists_tasks(url: str, **headers: str) -> bool:
    """Whether this board is one that has the tasks; then they are there after a moment."""

    def board() -> dict[str, Any]:
        return httpx.get(f"{url}/board/data", headers=headers, verify=False).json()

    if board()["lists"]:
        wait_until(lambda: board()["tasks"] is not None, 20)
        return True
    assert board()["tasks"] is None
    return False


def test_without_a_token_nobody_is_told_of_payments_where_they_count(strict: Service) -> None:
    assert not lists_tasks(strict.url)
    assert httpx.get(f"{strict.url}/board/history", verify=False).status_code == 200


def test_with_the_token_the_duty_is_told_of_payments_where_they_count(guarded: Service) -> None:
    assert lists_tasks(guarded.url, Authorization=f"Bearer {TOKEN}")
    assert httpx.get(f"{guarded.url}/board/history", verify=False).status_code == 401


def test_a_phone_shows_what_matters_on_its_first_screen(open_page: Open, db: Database) -> None:
    first = new_product(db, 500, sale_starts_at=in_seconds(db, -1))
    hold(db, first, 2)
    page = open_board(open_page, viewport=PHONE)
    card = page.locator(f'[data-product="{first}"]')
    expect(card.locator('[data-figure="held"]')).to_have_text("2")

    for thing in (page.locator("#strip"), card.locator(".left"), card.locator(".bar"), card.locator(".key")):
        box = thing.bounding_box()
        assert box and box["y"] + box["height"] <= PHONE["height"], thing
    expect(card.locator(".money")).to_be_hidden()
    card.get_by_text("Money and orders").click()
    expect(card.locator(".money")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("screen", "size"), [("phone", PHONE), ("screen", SCREEN), ("wall", WALL)])
def test_the_board_fits_the_screen(
    open_page: Open, db: Database, scheme: str, screen: str, size: dict[str, int]
) -> None:
    furnish(db)
    page = open_board(open_page, viewport=size, color_scheme=scheme)

    expect(page.locator("#rates tr").first).to_be_visible()
    keep_screenshot(page, f"board-{screen}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_the_board_asks_for_its_token(browser: Browser, guarded: Service) -> None:
    for path in ("/board", "/board/data"):
        refused = httpx.get(guarded.url + path, verify=False)
        assert refused.status_code == 401
        assert "Basic" in refused.headers["www-authenticate"]
    login = {"username": "duty", "password": TOKEN}
    with visit(browser, guarded.url, http_credentials=login) as page:
        page.goto("/board")
        expect(page.locator("#pulse")).to_contain_text("Live")
