"""The interactive page of the API, in a real browser under the page's own Content-Security-Policy."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from api.openapi import make_document
from api.routes import ROUTES
from tests.support.axe import AXE
from tests.support.browser import PHONE, keep_screenshot
from tests.support.database import Database
from tests.support.sale import hold, new_product, stock


def operations() -> list[str]:
    """The operationIds of the document."""
    return [operation["operationId"] for item in make_document(ROUTES)["paths"].values() for operation in item.values()]


def test_every_operation_is_shown_and_nothing_goes_wrong_in_the_browser(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/docs")

    expect(page.locator(".opblock")).to_have_count(len(operations()))
    expect(page.get_by_role("heading", name="Flash-sale checkout")).to_be_visible()
    keep_screenshot(page, "docs")


def test_a_unit_is_held_from_the_page(open_page: Callable[..., Page], db: Database) -> None:
    product = new_product(db, 5)
    page = open_page()
    page.goto("/docs")

    operation = page.locator("[id$=create_hold]")
    operation.locator(".opblock-summary-control").click()
    operation.locator("textarea.body-param__text").fill(f'{{"product_id": {product}, "qty": 2}}')
    with page.expect_response("**/api/holds") as answered:
        operation.get_by_role("button", name="Execute").click()

    expect(operation.locator(".live-responses-table .response-col_status").nth(1)).to_contain_text("201")
    keep_screenshot(page, "docs-hold")
    assert (answered.value.status, stock(db, product)) == (201, (3, 2, 0))


def test_an_order_from_the_page_gets_a_key_of_its_own_too(open_page: Callable[..., Page], db: Database) -> None:
    product = new_product(db, 5)
    page = open_page()
    page.goto("/docs")

    operation = page.locator("[id$=create_order]")
    operation.locator(".opblock-summary-control").click()
    for _ in range(2):
        operation.locator("textarea.body-param__text").fill(f'{{"hold_id": "{hold(db, product)}"}}')
        with page.expect_response("**/api/orders") as answered:
            operation.get_by_role("button", name="Execute").click()
        assert answered.value.status == 201
        assert answered.value.request.headers["idempotency-key"].startswith("docs-")


def test_a_refusal_is_shown_as_the_problem_it_is(open_page: Callable[..., Page], db: Database) -> None:
    product = new_product(db, 0)
    page = open_page()
    page.expected_refusals.add(409)  # type: ignore[attr-defined]
    page.goto("/docs")

    operation = page.locator("[id$=create_hold]")
    operation.locator(".opblock-summary-control").click()
    operation.locator("textarea.body-param__text").fill(f'{{"product_id": {product}, "qty": 1}}')
    operation.get_by_role("button", name="Execute").click()

    expect(operation.locator(".live-responses-table")).to_contain_text("/problems/sold_out")


def test_the_page_works_on_a_phone(open_page: Callable[..., Page]) -> None:
    page = open_page(viewport=PHONE, color_scheme="dark")
    page.goto("/docs")

    expect(page.locator(".opblock").first).to_be_visible()
    keep_screenshot(page, "docs-phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_an_operation_is_read_on_a_phone_in_the_dark(open_page: Callable[..., Page]) -> None:
    page = open_page(viewport=PHONE, color_scheme="dark")
    page.goto("/docs")
    for name in ("list_products", "create_hold", "list_orders", "receive_payment_webhook"):
        page.locator(f"[id$={name}] .opblock-summary-control").click()
    expect(page.locator(".responses-table").nth(3)).to_be_visible()
    keep_screenshot(page, "docs-phone-operations")

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {runOnly: ['color-contrast'], resultTypes: ['violations']})")
    told = {node["html"]: node["any"][0]["data"] for kind in found["violations"] for node in kind["nodes"]}
    # Swagger UI has colours of its own, some of them a little below what WCAG asks for.
    assert [html for html, data in told.items() if data["contrastRatio"] < 3] == []


def test_the_page_is_as_light_or_dark_as_its_visitor_likes(open_page: Callable[..., Page]) -> None:
    page = open_page(color_scheme="dark")
    page.goto("/docs")
    expect(page.locator(".opblock").first).to_be_visible()

    def lightness() -> int:
        """Of the ground behind the text, 0 to 255."""
        color = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        channels = [int(part) for part in re.findall(r"\d+", color)]
        return 255 if channels[3:] == [0] else max(channels[:3])

    assert lightness() < 64
    keep_screenshot(page, "docs-dark")
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).not_to_have_class(re.compile("dark-mode"))
    assert lightness() > 192
