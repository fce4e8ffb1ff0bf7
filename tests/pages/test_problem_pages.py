"""Every type of a problem is an address where people can read what it means."""

import re
from collections.abc import Callable
from html import unescape

import httpx
import pytest
from playwright.sync_api import Page, expect

from api.pages.static_files import HTML, PAGE_POLICY
from api.problem_kinds import PROBLEMS, ProblemKind
from tests.support.browser import PHONE, keep_screenshot
from tests.support.buyer import problem_of

WORDS_ON_TWO_LINES = """() => [...document.querySelectorAll("td code")].flatMap((code) => [...code.childNodes])
  .filter((node) => node.nodeType === Node.TEXT_NODE).filter((word) => {
    const range = document.createRange();
    range.selectNodeContents(word);
    return range.getClientRects().length > 1;
  }).map((word) => word.data)"""


@pytest.mark.parametrize("kind", PROBLEMS.values(), ids=lambda kind: kind.slug)
def test_a_problem_has_a_page_that_says_what_to_do(http: httpx.Client, kind: ProblemKind) -> None:
    answer = http.get(f"/problems/{kind.slug}")

    assert (answer.status_code, answer.headers["content-type"]) == (200, HTML)
    assert answer.headers["content-security-policy"] == PAGE_POLICY
    text = unescape(re.sub(r"<[^>]+>", "", answer.text))
    for expected in (kind.title, f"{kind.status} ", kind.meaning, kind.action, f'"type": "/problems/{kind.slug}"'):
        assert expected in text
    assert (str(kind.code) in text) == (kind.code is not None)


def test_the_list_leads_to_every_page(http: httpx.Client) -> None:
    links = re.findall(r'href="/problems/(\w+)"', http.get("/problems").text)

    assert sorted(links) == sorted(PROBLEMS)


@pytest.mark.parametrize("slug", ["oversold", "SOLD_OUT", "sold_out.html", "%3Cscript%3E", "..%2f", "sold_out%00"])
def test_an_unknown_problem_is_not_found(http: httpx.Client, slug: str) -> None:
    answer = http.get(f"/problems/{slug}")

    assert (answer.status_code, problem_of(answer)) == (404, "not_found")


def test_the_type_of_a_refusal_leads_to_its_page(http: httpx.Client) -> None:
    problem = http.get("/api/products/2000000000").json()

    assert problem["title"] in http.get(problem["type"]).text


@pytest.mark.parametrize("look", ["light", "dark"])
def test_a_page_reads_well_in_a_browser(open_page: Callable[..., Page], look: str) -> None:
    page = open_page(viewport=PHONE, color_scheme=look)
    page.goto("/problems")
    keep_screenshot(page, f"problems-{look}")
    assert page.evaluate(WORDS_ON_TWO_LINES) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("link", name="sold_out").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(PROBLEMS["sold_out"].title)
    keep_screenshot(page, f"problem-{look}")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
