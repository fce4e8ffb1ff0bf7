"""axe-core in a page: what keeps people out of it, by the rules of WCAG 2.2 AA and good practice."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parents[1] / "pages" / "axe-core-4.14.1" / "axe.min.js"


def barriers(page: Page) -> list[str]:
    """Every violation with its elements, and every element whose contrast cannot be told; none when all is well."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations', 'incomplete']})")
    kinds = [*found["violations"], *(kind for kind in found["incomplete"] if kind["id"] == "color-contrast")]
    return [
        f"{kind['id']}: {kind['help']}: {node['html']} {node['failureSummary']}"
        for kind in kinds
        for node in kind["nodes"]
    ]
