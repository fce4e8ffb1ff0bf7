"""A browser that looks at the pages as a visitor does, and keeps screenshots when FLASHSALE_PICTURES is set.

`open_browser` starts Chromium; `visit` opens a tab that fails the test on any console error, any exception in a page,
any request that leaves the service, and any answer that the browser could not load.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, Response, expect, sync_playwright

from sql.server.state import STATE
from tests.support.chromium import find_chromium

PICTURES = STATE / "pictures"
PHONE = {"width": 390, "height": 844}
SCREEN = {"width": 1280, "height": 900}

# Milliseconds. A busy machine may take longer than the five seconds that are usual.
expect.set_options(timeout=30_000)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless Chromium until the end of the block. Raises Failure when there is none and none can be had."""
    chromium = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium.program),
            env={"HOME": str(STATE), "PATH": "/usr/bin:/bin", **chromium.environment},
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """A tab at the service `url`; `options` are Playwright's of a context, such as viewport=PHONE, color_scheme="dark".

    Paths are relative to `url`: page.goto("/docs"). At the end of the block nothing may have gone wrong in the tab.
    `page.expected_refusals` (a set of statuses and of Chromium's names of failures, empty at first) names those that
    the test provokes: Chromium writes every 4xx and 5xx to the console as an error.
    `page.went_wrong` lists what went wrong so far, for tests that share a tab.
    """
    wrong: list[str] = []
    context = browser.new_context(base_url=url, **({"viewport": SCREEN} | options))
    page = context.new_page()
    expected: set[int | str] = set()
    page.expected_refusals = expected  # type: ignore[attr-defined]
    page.went_wrong = wrong  # type: ignore[attr-defined]

    def on_response(response: Response) -> None:
        if response.status >= 400 and response.status not in expected:
            wrong.append(f"{response.status} from {response.url}")

    page.on("response", on_response)
    page.on("pageerror", lambda error: wrong.append(f"exception: {error}"))
    page.on(
        "console",
        lambda message: (
            wrong.append(f"console {message.type}: {message.text}")
            if message.type in ("error", "warning") and "Failed to load resource" not in message.text
            else None
        ),
    )
    page.on(
        "requestfailed",
        lambda request: (
            None if request.failure in expected else wrong.append(f"{request.url} failed: {request.failure}")
        ),
    )
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((f"{url}/", "data:", "blob:")) else wrong.append(f"asked {request.url}")
        ),
    )
    try:
        yield page
        assert wrong == [], wrong
    finally:
        context.close()


def keep_screenshot(page: Page, name: str) -> None:
    """Keep how the page looks now as .flashsale/pictures/<name>.png, when somebody asked for it: it takes its time."""
    if os.environ.get("FLASHSALE_PICTURES"):
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
