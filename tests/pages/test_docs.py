"""The interactive page of the API, in a real browser under the page's own Content-Security-Policy."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from api.openapi import make_document
from api.routes import ROUTES
from tests.support.axe import AXE
from tests.support.browser import PHONE, keep_screenshot, visit
from tests.support.database import Database
from tests.support.sale import hold, new_product, stock
from tests.support.service import Service


def operations() -> list[str]:
    """The operationIds of the document."""
    return [operation["operationId"] for item in make_document(ROUTES)["paths"].values() for operation in item.values()]


@pytest.fixture(scope="module")
def docs(browser: Browser, service: Service) -> Iterator[Page]:
    """The page, opened once for the tests of this file: it takes a browser two seconds."""
    with visit(browser, service.url) as page:
        page.goto("/docs")
        yield page


@pytest.fixture(scope="module")
def dark_docs(browser: Browser, service: Service) -> Iterator[Page]:
    """The same on a phone of somebody who likes it dark."""
    with visit(browser, service.url, viewport=PHONE, color_scheme="dark") as page:
        page.goto("/docs")
        yield page


@pytest.fixture(autouse=True)
def _nothing_goes_wrong_in_the_browser(docs: Page, dark_docs: Page) -> Iterator[None]:
    yield
    assert [*docs.went_wrong, *dark_docs.went_wrong] == []  # type: ignore[attr-defined]


@pytest.fixture
def execute(docs: Page) -> Iterator[Callable[[str], Locator]]:
    """Fill in the body of a hold and press the button; the operation, which is closed again afterwards."""
    operation = docs.locator("[id$=create_hold]")
    operation.locator(".opblock-summary-control").click()

    def press(body: str) -> Locator:
        operation.locator("textarea.body-param__text").fill(body)
        operation.get_by_role("button", name="Execute").click()
        return operation

    yield press
    operation.get_by_role("button", name="Clear").click()
    operation.locator(".opblock-summary-control").click()


def test_every_operation_is_shown_and_nothing_goes_wrong_in_the_browser(docs: Page) -> None:
    expect(docs.locator(".opblock")).to_have_count(len(operations()))
    expect(docs.get_by_role("heading", name="Flash-sale checkout")).to_be_visible()
    keep_screenshot(docs, "docs")


def test_a_unit_is_held_from_the_page(docs: Page, execute: Callable[[str], Locator], db: Database) -> None:
    product = new_product(db, 5)
    with docs.expect_response("**/api/holds") as answered:
        operation = execute(f'{{"product_id": {product}, "qty": 2}}')

    expect(operation.locator(".live-responses-table .response-col_status").nth(1)).to_contain_text("201")
    keep_screenshot(docs, "docs-hold")
    assert (answered.value.status, stock(db, product)) == (201, (3, 2, 0))


def test_an_order_from_the_page_gets_a_key_of_its_own_too(docs: Page, db: Database) -> None:
    product = new_product(db, 5)
    operation = docs.locator("[id$=create_order]")
    operation.locator(".opblock-summary-control").click()
    for _ in range(2):
        operation.locator("textarea.body-param__text").fill(f'{{"hold_id": "{hold(db, product)}"}}')
        with docs.expect_response("**/api/orders") as answered:
            operation.get_by_role("button", name="Execute").click()
        assert answered.value.status == 201
        assert answered.value.request.headers["idempotency-key"].startswith("docs-")
    operation.locator(".opblock-summary-control").click()


def test_a_refusal_is_shown_as_the_problem_it_is(docs: Page, execute: Callable[[str], Locator], db: Database) -> None:
    docs.expected_refusals.add(409)  # type: ignore[attr-defined]
    operation = execute(f'{{"product_id": {new_product(db, 0)}, "qty": 1}}')

    expect(operation.locator(".live-responses-table")).to_contain_text("/problems/sold_out")


def test_the_page_works_on_a_phone(dark_docs: Page) -> None:
    expect(dark_docs.locator(".opblock").first).to_be_visible()
    keep_screenshot(dark_docs, "docs-phone")
    assert dark_docs.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_page_is_as_light_or_dark_as_its_visitor_likes(dark_docs: Page) -> None:
    expect(dark_docs.locator(".opblock").first).to_be_visible()

    def lightness() -> int:
        """Of the ground behind the text, 0 to 255."""
        color = dark_docs.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        channels = [int(part) for part in re.findall(r"\d+", color)]
        return 255 if channels[3:] == [0] else max(channels[:3])

    assert lightness() < 64
    dark_docs.emulate_media(color_scheme="light")
    expect(dark_docs.locator("html")).not_to_have_class(re.compile("dark-mode"))
    assert lightness() > 192
    dark_docs.emulate_media(color_scheme="dark")
    expect(dark_docs.locator("html")).to_have_class(re.compile("dark-mode"))


def test_an_operation_is_read_on_a_phone_in_the_dark(dark_docs: Page) -> None:
    operations = [
        dark_docs.locator(f"[id$={name}] .opblock-summary-control")
        for name in ("list_products", "create_hold", "list_orders", "receive_payment_webhook")
    ]
    for each in operations:  # they stay open: this is the last test of this page, since opening them costs a second
        each.click()
    expect(dark_docs.locator(".responses-table").nth(3)).to_be_visible()
    keep_screenshot(dark_docs, "docs-phone-operations")

    assert dark_docs.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    dark_docs.evaluate(AXE.read_text(encoding="utf-8"))
    found = dark_docs.evaluate("axe.run(document, {runOnly: ['color-contrast'], resultTypes: ['violations']})")
    told = {node["html"]: node["any"][0]["data"] for kind in found["violations"] for node in kind["nodes"]}
    # Swagger UI has colours of its own, some of them a little below what WCAG asks for.
    assert [html for html, data in told.items() if data["contrastRatio"] < 3] == []
