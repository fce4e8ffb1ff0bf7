"""The API contains no SQL but CALL."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

SOURCES = sorted((Path(__file__).parents[2] / "api").rglob("*.py"))
SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s.+\sSET|DELETE\s+FROM|REPLACE\s+INTO|SET\s+\w+\s*=|SET\s+TRANSACTION"
    r"|START\s+TRANSACTION|COMMIT|ROLLBACK|LOCK\s+TABLES|GET_LOCK|(?:CREATE|ALTER|DROP|TRUNCATE)\s+(?:TABLE|TEMPORARY"
    r"|DATABASE|INDEX|VIEW|EVENT|USER)|INFORMATION_SCHEMA)\b",
    re.IGNORECASE | re.DOTALL,
)


def literals(source: Path) -> list[str]:
    """Every string literal of a module that is not a docstring."""
    text = source.read_text()
    docstrings = {
        node.body[0].value.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node) is not None
        if isinstance(node.body[0], ast.Expr)
    }
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string for token in tokens if token.type == tokenize.STRING and token.start[0] not in docstrings]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_the_api_contains_no_sql_but_call(source: Path) -> None:
    assert [literal for literal in literals(source) if SQL.search(literal)] == []


def test_statements_are_made_in_the_gateway_only() -> None:
    calls = [source.name for source in SOURCES if any(re.search(r"\bCALL %s\(", text) for text in literals(source))]
    assert calls == ["driver.py"]


def test_the_gateway_sets_how_long_its_sessions_wait_and_nothing_else() -> None:
    settings = [
        (source.name, re.findall(r"SESSION (\w+) =", text))
        for source in SOURCES
        for text in literals(source)
        if re.search(r"\bSET\s+(?:SESSION|GLOBAL|PERSIST|@)", text)
    ]
    assert settings == [("driver.py", ["autocommit", "innodb_lock_wait_timeout", "lock_wait_timeout"])]


def test_only_the_gateway_knows_mysql() -> None:
    assert [source.name for source in SOURCES if "_mysql_connector" in source.read_text()] == ["driver.py"]
