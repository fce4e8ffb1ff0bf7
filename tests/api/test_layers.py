"""Arrows between the modules of the API point one way: edge, translator, gateway, driver."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WINGS = ("gateway", "notify", "openapi", "pages", "providers", "server", "watch")
TOP = {"api.app", "api.routes", "api.translator"}
"""What one reads to understand a request; only the server's settings name the application, by a text."""


def modules_of(package: str) -> dict[str, Path]:
    """Every module below a package, by its name; a package's own is its __init__.py."""
    files = (ROOT / package).rglob("*.py")
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def imports_of(text: str, known: set[str]) -> set[str]:
    """The modules of the project that a module's text imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports hide where an arrow points"
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & known
            found |= inner or {str(node.module)}
    return found & known


def imports() -> dict[str, set[str]]:
    """What each module of the API imports of it."""
    files = modules_of("api")
    return {name: imports_of(file.read_text(encoding="utf-8"), set(files)) for name, file in files.items()}


def test_no_module_imports_itself_by_a_detour() -> None:
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as error:
        pytest.fail(f"a cycle: {' imports '.join(reversed(error.args[1]))}")


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_does_not_know_who_is_above(wing: str) -> None:
    allowed = {"api.routes"} if wing == "openapi" else set()
    for module, imported in imports().items():
        if module.startswith(f"api.{wing}"):
            assert imported & TOP <= allowed, module


def test_the_gateway_needs_nothing_of_the_project_but_the_address_of_mysql() -> None:
    known = set(modules_of("api")) | set(modules_of("sql")) | set(modules_of("loadtest"))
    for module, file in modules_of("api/gateway").items():
        needed = imports_of(file.read_text(encoding="utf-8"), known)
        assert {name for name in needed if not name.startswith("api.gateway")} <= {"sql.server.urls"}, module


def test_only_the_application_knows_the_translator_and_nobody_knows_the_application() -> None:
    assert {module for module, imported in imports().items() if "api.translator" in imported} == {"api.app"}
    assert not [module for module, imported in imports().items() if "api.app" in imported]


def test_every_folder_is_a_wing() -> None:
    folders = {file.parent.name for file in (ROOT / "api").glob("*/*.py")}
    assert folders == set(WINGS)
