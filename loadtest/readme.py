"""The figures of the project's README: rows of RESULTS.md, found by their table's head and their first cell."""

from collections.abc import Iterator

from sql.server.state import ROOT

README = ROOT / "README.md"
RESULTS = ROOT / "loadtest" / "RESULTS.md"


def written(readme: str, results: str) -> str:
    """The README with the figures of these results. Raises KeyError for a row that they do not have."""
    measured: dict[str, dict[str, str]] = {}
    for head, row in _rows(results):
        measured.setdefault(head, {}).setdefault(_first_cell(row), row)
    ours = {row: measured[head][_first_cell(row)] for head, row in _rows(readme) if head in measured}
    return "".join(ours.get(line, line) + "\n" for line in readme.splitlines())


def write() -> None:
    """Write the figures anew."""
    README.write_text(
        written(README.read_text(encoding="utf-8"), RESULTS.read_text(encoding="utf-8")), encoding="utf-8"
    )


def _rows(text: str) -> Iterator[tuple[str, str]]:
    """The rows of all tables, each with the head of its table; the head itself is none."""
    head = ""
    for line in text.splitlines():
        if not line.startswith("|"):
            head = ""
        elif not head:
            head = line
        elif not line.startswith("|---"):
            yield head, line


def _first_cell(row: str) -> str:
    return row.split("|")[1].strip()
