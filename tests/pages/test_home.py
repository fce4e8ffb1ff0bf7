"""The first page leads on, to pages that are there."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import PHONE, SCREEN, keep_screenshot
from tests.support.service import Service
from tests.support.signing import STANDARD_SECRET


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("screen", "size"), [("phone", PHONE), ("screen", SCREEN)])
def test_every_link_of_the_first_page_leads_somewhere(
    open_page: Callable[..., Page], service: Service, screen: str, size: dict[str, int], scheme: str
) -> None:
    page = open_page(viewport=size, color_scheme=scheme)
    page.goto("/")
    expect(page.get_by_role("heading", name="Flash-sale checkout")).to_be_visible()
    keep_screenshot(page, f"home-{screen}-{scheme}")
    links = page.locator("main a").evaluate_all("links => links.map(link => link.getAttribute('href'))")

    assert "/demo" in links
    assert {httpx.get(service.url + link, verify=False).status_code for link in links} == {200}
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_where_there_is_no_demo_nothing_leads_to_it(api_url: str, tmp_path: Path) -> None:
    strict = Service(api_url, tmp_path / "log", FLASHSALE_ENV="production", FLASHSALE_WEBHOOK_SECRETS=STANDARD_SECRET)
    try:
        page = httpx.get(f"{strict.url}/", verify=False).text
        assert "/docs" in page
        assert "/demo" not in page
    finally:
        strict.stop()
