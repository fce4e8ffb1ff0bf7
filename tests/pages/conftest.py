"""A browser for the tests of the pages."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import open_browser, visit
from tests.support.service import Service


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium for all tests of this folder; Playwright keeps an event loop in this thread until it ends."""
    with open_browser() as chromium:
        yield chromium


@pytest.fixture
def open_page(browser: Browser, service: Service) -> Iterator[Callable[..., Page]]:
    """Open a tab at the running service; see tests/support/browser.py for what it watches."""
    with ExitStack() as tabs:

        def open_tab(**options: Any) -> Page:
            tab: AbstractContextManager[Page] = visit(browser, service.url, **options)
            return tabs.enter_context(tab)

        yield open_tab
