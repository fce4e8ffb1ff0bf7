"""``make lint`` for SQL: sqlfluff, and the house rules that a program can check.

sqlfluff's MySQL dialect does not know a DEFINER without quotes, a routine's COMMENT, the columns of a JSON_TABLE,
FORCE INDEX after each kind of JOIN or the mysql client's DELIMITER, so it is given the files without them. It then has
to read every migration wholly, and reads most other files so; of the rest (FOR SHARE OF, LATERAL, an expression as the
DEFAULT of a DECLARE, the privilege EVENT) it checks the statements it understands, and they are listed.
That every file is one object of its own name, documented in all sections, is tested in tests/sql/test_documentation.py.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sqlfluff.core import Linter

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "sql" / "examples"
"""What a person types into the client, with its commands; tests/sql/test_manual.py runs it."""

NAME = r"[a-z]\w*"
_COMMENT = re.compile(r"--[^\n]*|/\*(?!!).*?\*/", re.DOTALL)
_TEXT = re.compile(r"'(?:[^'\\]|''|\\.)*'", re.DOTALL)
_DOCUMENTATION = re.compile(r"^COMMENT '(?:[^']|'')*'$", re.MULTILINE)
_DEFINER = re.compile(r"\bDEFINER = flashsale_owner@localhost|\bSQL SECURITY DEFINER\b")
_HINT = re.compile(r"\bFORCE INDEX \(\w+\)")
_JSON_TABLE = re.compile(r"JSON_TABLE\(\w+, '[^']*' COLUMNS \((?:[^()]|\([^()]*\))*\)\)")
_CLIENT = re.compile(r"^DELIMITER .*$|^DROP (?:PROCEDURE|EVENT) IF EXISTS .*$| ?\$\$$", re.MULTILINE)
_PARAMETER = re.compile(r"^\s*(IN|OUT|INOUT) (\w+) ", re.MULTILINE)
_DECLARE = re.compile(r"\bDECLARE (?!EXIT |CONTINUE |UNDO )(\w+(?:, ?\w+)*) (CURSOR|CONDITION)?")
_TABLE = re.compile(r"\b(?:CREATE|ALTER) TABLE (\w+)")
_KEY = re.compile(r"(?:^|ADD )\s*(UNIQUE KEY|UNIQUE INDEX|UNIQUE|KEY|INDEX)\s+(\w+)?\s*\(([^)]*)\)", re.MULTILINE)
_CONSTRAINT = re.compile(r"(?:CONSTRAINT\s+(\w+)\s+)?\b(?:(CHECK)\s*\(|(FOREIGN KEY)\s*\(([^)]*)\))")
_COLUMN = re.compile(r"^  (?:(?:ADD|MODIFY) COLUMN )?([a-z]\w*)\s+([A-Z]+(?:\(\d+\))?)", re.MULTILINE)
_MONEY = re.compile(r"price|amount|refunded|fee|charge")
_PREFIXES = {"IN": "in_", "OUT": "out_", "INOUT": "io_", None: "v_", "CURSOR": "c_", "CONDITION": ""}


class Finding(NamedTuple):
    """A place, and what is wrong there."""

    path: str
    line: int
    what: str


def check_house_rules(path: str, source: str) -> Iterator[Finding]:
    """The findings in one file of sql/ or migrations/. Positions are kept: what is not SQL is blanked, not cut."""
    code = _blank(_TEXT, _blank(_COMMENT, _blank(_DOCUMENTATION, source)))
    rules = (_names_in_routines, _names_in_tables, _columns, _statements)
    for offset, what in (found for rule in rules for found in rule(path, code)):
        yield Finding(path, source.count("\n", 0, offset) + 1, what)
    undocumented = _DOCUMENTATION.sub(lambda found: "\n" * found[0].count("\n"), source)
    for number, line in enumerate(undocumented.splitlines(), 1):
        if "\t" in line or line != line.rstrip():
            yield Finding(path, number, "a tab, or a space at the end of the line")


def _names_in_routines(path: str, code: str) -> Iterator[tuple[int, str]]:
    header = code.partition("\nBEGIN")[0]
    for found in _PARAMETER.finditer(header):
        prefix = _PREFIXES[found[1]]
        if not found[2].startswith(prefix):
            yield found.start(2), f"the {found[1]} parameter {found[2]} must begin with {prefix}"
    for found in _DECLARE.finditer(code):
        prefix = _PREFIXES[found[2]]
        for name in re.split(r", ?", found[1]):
            if not name.startswith(prefix):
                yield found.start(), f"the local {name} must begin with {prefix}"


def _names_in_tables(path: str, code: str) -> Iterator[tuple[int, str]]:
    table = _TABLE.search(code)
    if table is None:
        return
    for found in _KEY.finditer(code):
        prefix = "uq_" if found[1].startswith("UNIQUE") else "ix_"
        columns = [column.split()[0] for column in re.sub(r"\(\d+\)", "", found[3]).split(",")]
        # What only makes an index cover a query need not be in its name.
        allowed = {f"{prefix}{table[1]}_{'_'.join(columns[:count])}" for count in range(1, len(columns) + 1)}
        if found[2] not in allowed:
            yield found.start(1), f"the index {found[2]} must be called {max(allowed, key=len)}"
    for found in _CONSTRAINT.finditer(code):
        prefix = f"ck_{table[1]}_"
        if found[3]:
            prefix = f"fk_{table[1]}_{'_'.join(re.findall(NAME, found[4]))}"
        if not (found[1] or "").startswith(prefix):
            yield found.start(), f"the constraint {found[1]} must be called {prefix}…"


def _columns(path: str, code: str) -> Iterator[tuple[int, str]]:
    if not _TABLE.search(code):
        return
    for found in _COLUMN.finditer(code):
        name, type_ = found[1], found[2]
        is_time = re.search(r"_(at|by|until)$", name) is not None
        if type_.startswith(("DATETIME", "TIMESTAMP")) and (type_ != "DATETIME(6)" or not is_time):
            yield found.start(1), f"the time {name} must be a DATETIME(6) whose name ends in _at (or _by, _until)"
        if "INT" in type_ and _MONEY.search(name) and not name.endswith("_minor"):
            yield found.start(1), f"the money {name} must end in _minor: it is in minor units"
        if name.endswith("_minor") and type_ != "BIGINT":
            yield found.start(1), f"the money {name} must be a BIGINT"


def _statements(path: str, code: str) -> Iterator[tuple[int, str]]:
    for found in re.finditer(r"\b(?<!RE)SIGNAL\b", code):
        if Path(path).stem != "_raise":
            yield found.start(), "errors are raised by _raise only, so that one file lists them all"
    for found in re.finditer(r"\b(NOW|SYSDATE|CURRENT_TIMESTAMP|CURDATE|LOCALTIME)\b", code):
        yield found.start(), f"{found[1]}: times come from UTC_TIMESTAMP(6), which follows SET timestamp"


def check_with_sqlfluff(linter: "Linter", path: str, source: str) -> tuple[list[Finding], bool]:
    """sqlfluff's findings in one file, and whether it could read all of it."""
    readable = _CLIENT.sub("", _HINT.sub("", _DEFINER.sub("", _blank(_DOCUMENTATION, source))))
    readable = readable.replace("flashsale_owner@localhost", "'flashsale_owner'@'localhost'")
    readable = _JSON_TABLE.sub(lambda found: "json_table" + "\n" * found[0].count("\n"), readable)
    violations = linter.lint_string(readable.rstrip() + "\n", fname=path).get_violations()
    findings = [Finding(path, found.line_no, f"{found.rule_code()} {found.desc()}") for found in violations]
    return findings, all(found.rule_code() != "PRS" for found in violations)


def main() -> int:
    """Check every file and say what was checked; the exit status."""
    from sqlfluff.core import FluffConfig, Linter  # the house rules are tested without it

    linter = Linter(config=FluffConfig.from_path(str(ROOT)))
    files = sorted(
        [*ROOT.glob("migrations/*.sql"), *(file for file in ROOT.glob("sql/*/**/*.sql") if file.parent != EXAMPLES)]
    )
    findings: list[Finding] = []
    in_part: list[str] = []
    for file in files:
        path, source = str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")
        findings += check_house_rules(path, source)
        found, whole = check_with_sqlfluff(linter, path, source)
        if not whole and not path.startswith("migrations/"):
            in_part.append(file.stem)
            found = [finding for finding in found if not finding.what.startswith("PRS")]
        findings += found
    for finding in findings:
        print(f"{finding.path}:{finding.line}: {finding.what}")
    print(f"{len(files)} SQL files, {len(findings)} findings; read by sqlfluff in part: {', '.join(in_part) or 'none'}")
    return 1 if findings else 0


def _blank(pattern: re.Pattern[str], text: str) -> str:
    """The text with spaces in the place of what matches; lines stay where they are."""
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


if __name__ == "__main__":
    sys.exit(main())
