"""The files that browsers get: what is in the table and nothing else, with their types and times to live."""

import re
from hashlib import sha256

import httpx
import pytest

from api.access import NO_PAGE
from api.pages.static_files import CSS, FOLDER, HTML, IMMUTABLE, JAVASCRIPT, PAGE_POLICY, REVALIDATE, STATIC_FILES, SVG
from tests.support.buyer import Buyer, problem_of
from tests.support.service import Service

TYPES = {".html": HTML, ".css": CSS, ".js": JAVASCRIPT, ".svg": SVG}


@pytest.mark.parametrize("file", STATIC_FILES, ids=lambda file: file.address)
def test_a_file_is_served_as_what_it_is(http: httpx.Client, file: object) -> None:
    path = FOLDER / file.name  # type: ignore[attr-defined]
    answer = http.get(file.address)  # type: ignore[attr-defined]

    assert (answer.status_code, answer.content) == (200, path.read_bytes())
    assert answer.headers["content-type"] == TYPES[path.suffix]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers.get("content-security-policy") == (PAGE_POLICY if path.suffix == ".html" else NO_PAGE)
    with_version = re.search(r"-\d+\.\d+\.\d+/", answer.url.path)
    assert answer.headers["cache-control"] == (IMMUTABLE if with_version else REVALIDATE)


@pytest.mark.parametrize("file", STATIC_FILES, ids=lambda file: file.address)
def test_a_file_is_not_sent_again_to_who_has_it(http: httpx.Client, file: object) -> None:
    address = file.address  # type: ignore[attr-defined]
    tag = http.get(address).headers["etag"]

    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = http.get(address, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert http.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


def test_head_tells_the_size_and_sends_nothing(http: httpx.Client) -> None:
    answer = http.head("/docs")

    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == len((FOLDER / "docs.html").read_bytes())


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/README.md",
        "/static/docs.html",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/swagger-ui-5.35.0/SHA256SUMS",
        "/static/swagger-ui-5.35.0/../../app.py",
        "/static//etc/passwd",
        "/static/docs.js%00.css",
        "/static/docs.js/",
        "/static/DOCS.JS",
    ],
)
def test_nothing_but_the_table_is_served(service: Service, path: str) -> None:
    with Buyer(service.url) as visitor:  # unlike httpx it sends the path as it is written
        answer = visitor.get(path)

    assert (answer.status_code, problem_of(answer)) == (404, "not_found")


def test_what_comes_from_others_is_what_they_published() -> None:
    sums = sorted(FOLDER.glob("*/SHA256SUMS"))
    assert [path.parent.name for path in sums] == ["swagger-ui-5.35.0", "uplot-1.6.32"]
    for path in sums:
        for line in path.read_text().splitlines():
            expected, name = line.split()
            assert sha256((path.parent / name).read_bytes()).hexdigest() == expected, name
        assert (path.parent / "LICENSE").exists()


def test_a_page_loads_only_what_is_in_the_table() -> None:
    served = {file.address for file in STATIC_FILES}
    for page in FOLDER.glob("*.html"):
        loaded = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.read_text(encoding="utf-8"))
        assert loaded
        assert set(loaded) <= served
