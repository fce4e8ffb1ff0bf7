"""The rows of sql/README.md on tables: what one row of each is, as the COMMENT of its migration says.

`make examples` writes them between two marks, and a test in tests/sql/test_manual.py compares.
"""

import re

from sql.deploy.objects import SQL_FOLDER

MANUAL = SQL_FOLDER / "README.md"
_TABLE = re.compile(r"^CREATE TABLE (\w+) .*^  COMMENT '((?:[^']|'')*)';$", re.MULTILINE | re.DOTALL)
_ROWS = re.compile(r"(?<=<!-- Made of migrations/ by `make examples`. -->\n\n).*?(?=\n\n)", re.DOTALL)


def written(manual: str) -> str:
    """The manual with the rows that the migrations make."""
    rows = ["| table | one row is |", "|---|---|"]
    for file in sorted((SQL_FOLDER.parent / "migrations").glob("*.sql")):
        for name, comment in _TABLE.findall(file.read_text(encoding="utf-8")):
            rows.append(f"| `{name}` | {_unquoted(comment)} |")
    return _ROWS.sub(lambda _: "\n".join(rows), manual)


def _unquoted(text: str) -> str:
    return text.replace("''", "'")


def write() -> None:
    """Write the rows anew."""
    MANUAL.write_text(written(MANUAL.read_text(encoding="utf-8")), encoding="utf-8")
