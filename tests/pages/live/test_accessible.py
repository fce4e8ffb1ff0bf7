"""Both pages for everybody: axe-core finds nothing in any of their states, in light and dark, on a phone and larger."""

from collections.abc import Callable
from hashlib import sha256

import pytest
from playwright.sync_api import Page, expect

from tests.support.axe import AXE, barriers
from tests.support.board import furnish
from tests.support.browser import PHONE, SCREEN
from tests.support.database import Database
from tests.support.sale import go_on_sweeping, new_product, stop_sweeping

Open = Callable[..., Page]
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


@SCHEMES
@pytest.mark.parametrize("size", [PHONE, SCREEN], ids=["phone", "screen"])
def test_nothing_keeps_anybody_from_the_board(open_page: Open, db: Database, scheme: str, size: dict[str, int]) -> None:
    furnish(db)
    page = open_page(color_scheme=scheme, viewport=size)
    page.goto("/board")
    expect(page.locator('[data-line="Invariants"]')).to_contain_text("all hold", timeout=15_000)

    assert barriers(page) == []


@SCHEMES
def test_nothing_keeps_anybody_from_an_alarm(
    open_page: Open, db: Database, connect_as: Callable[..., Database], scheme: str
) -> None:
    furnish(db)
    admin, page = connect_as("admin"), open_page(color_scheme=scheme)
    page.expected_refusals.add(502)  # type: ignore[attr-defined]
    page.goto("/board")
    stop_sweeping(admin, "DISABLE")
    try:
        expect(page.get_by_role("alert")).to_contain_text("Housekeeping", timeout=15_000)
        assert barriers(page) == []
        page.route("**/board/data", lambda route: route.fulfill(status=502, body=""))
        expect(page.locator("body")).to_have_class("stale")
        assert barriers(page) == []
        page.unroute("**/board/data")
    finally:
        go_on_sweeping(admin)


@SCHEMES
def test_nothing_keeps_anybody_from_buying(open_page: Open, db: Database, scheme: str) -> None:
    product = new_product(db, 1)
    page = open_page(color_scheme=scheme, viewport=PHONE)
    page.goto(f"/demo?product={product}")
    expect(page.get_by_role("button", name="Reserve")).to_be_enabled()
    for button in ("Reserve", "Order", "Pay with a good card"):
        assert barriers(page) == []
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_role("button", name=button, exact=True)).to_be_hidden()
    expect(page.get_by_role("status")).to_contain_text("Paid.")
    assert barriers(page) == []
    page.get_by_role("button", name="Buy another").click()
    expect(page.get_by_role("button", name="Sold out")).to_be_disabled()
    assert barriers(page) == []


@pytest.mark.parametrize("path", ["/board", "/demo"])
def test_who_wants_no_motion_gets_none(open_page: Open, db: Database, path: str) -> None:
    new_product(db, 5)
    page = open_page(reduced_motion="reduce")
    page.goto(path)
    expect(page.get_by_text("Limited sneaker").first).to_be_attached()

    moving = "[...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0)"
    assert page.evaluate(f"{moving}.map(e => e.outerHTML)") == []


def test_axe_is_what_was_published() -> None:
    expected, name = (AXE.parent / "SHA256SUMS").read_text().split()

    assert sha256((AXE.parent / name).read_bytes()).hexdigest() == expected
