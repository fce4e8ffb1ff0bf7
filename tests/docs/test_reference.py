"""docs/errors.md and docs/settings.md say what the service itself reads."""

import pytest

from api.openapi.reference import DOCS, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_its_source_makes_of_it(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make reference` and review the change"
