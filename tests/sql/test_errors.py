"""One list of errors: what procedures raise, what the DBA's manual explains, what the API knows."""

import re
from pathlib import Path

from api.problem_kinds import PROBLEMS
from sql.deploy.objects import SQL_FOLDER, all_objects

SOURCES = {path: path.read_text(encoding="utf-8") for path in sorted(SQL_FOLDER.rglob("*.sql"))}
RAISE = next(path for path in SOURCES if path.name == "_raise.sql")
Error = tuple[str, int, str]


def signalled() -> set[Error]:
    """(SQLSTATE, errno, slug) of every SIGNAL in sql/."""
    found = re.findall(r"WHEN '(\w+)'\s+THEN SIGNAL SQLSTATE '(\d+)' SET MYSQL_ERRNO = (\d+)", SOURCES[RAISE])
    return {(state, int(errno), slug) for slug, state, errno in found}


def raised(source: str) -> list[str]:
    """The slugs that a source hands to _raise."""
    return re.findall(r"CALL _raise\(\s*'(\w+)'", source)


def code_of(source: str) -> str:
    """A source without its comments and documentation."""
    return re.sub(r"--.*$|COMMENT '(?:[^']|'')*'", "", source, flags=re.MULTILINE)


def calls_of(code: str) -> set[str]:
    """The procedures that it CALLs, but for those that a text tells somebody to CALL."""
    return set(re.findall(r"CALL (\w+)\(", re.sub(r"'(?:[^']|'')*'", "", code)))


def test_every_refusal_is_signalled_in_one_place() -> None:
    signals = {path: len(re.findall(r"\bSIGNAL\b", code_of(source))) for path, source in SOURCES.items()}

    assert {path: count for path, count in signals.items() if count} == {RAISE: len(signalled())}


def test_every_error_number_and_slug_is_used_once() -> None:
    errors = signalled()

    assert len({errno for _, errno, _ in errors}) == len({slug for *_, slug in errors}) == len(errors)


def test_every_error_is_in_the_table_of_the_manual_and_the_other_way_round() -> None:
    manual = (SQL_FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|\s*`?(45\d{3})`?\s*\|\s*`?(\d{5})`?\s*\|\s*`?(\w+)`?\s*\|\s*\S", manual, re.MULTILINE)

    assert sorted((state, int(errno), slug) for state, errno, slug in rows) == sorted(signalled())


def test_every_error_is_in_the_registry_of_the_api_and_the_other_way_round() -> None:
    registry = {(f"45{kind.status}", kind.code, slug) for slug, kind in PROBLEMS.items() if kind.code is not None}

    assert registry == signalled()


def test_every_slug_that_is_raised_exists_and_every_slug_is_raised_somewhere() -> None:
    used = {slug for source in SOURCES.values() for slug in raised(source)}

    assert used == {slug for *_, slug in signalled()}


def test_no_message_with_its_slug_is_cut_at_128_characters() -> None:
    messages = [
        (slug, detail.replace("''", "'"))
        for source in SOURCES.values()
        for slug, detail in re.findall(r"CALL _raise\(\s*'(\w+)',\s*'((?:[^']|'')*)'\s*\)", source)
    ]

    assert len(messages) > 20
    assert [f"{slug}: {detail}" for slug, detail in messages if len(f"{slug}: {detail}") > 128] == []


def test_no_message_that_is_put_together_can_grow_beyond_128_characters() -> None:
    longest = {"v_expires_at": 20, "v_starts_at": 20, "v_ends_at": 20, "v_max_per_hold": 7, "in_name": 16,
               "in_least": 11, "in_most": 19, "v_seconds": 8, "v_status": 10, "v_outcome": 15, "v_stopped_at": 20,
               "v_state": 10, "v_order_state": 10}  # fmt: skip
    composed = [
        (slug, arguments)
        for source in SOURCES.values()
        for slug, arguments in re.findall(r"CALL _raise\('(\w+)', CONCAT\((.*)\)\);", source)
    ]

    assert len(composed) == 16
    for slug, arguments in composed:
        literals = re.sub(r"DATE_FORMAT\((\w+), '[^']*'\)", r"\1", arguments)
        texts = "".join(re.findall(r"'([^']*)'", literals))
        names = re.findall(r"\b(?:v|in)_\w+", re.sub(r"'[^']*'", "", literals))
        assert len(slug) + 2 + len(texts) + sum(longest[name] for name in names) <= 128, (slug, arguments)


# What the way through the code could raise and these callers never let happen: a flag or a sign forbids it, or a set
# tells it in the row of each buyer.
NEVER = {
    "create_holds": {"product_not_found", "sale_not_started", "sale_ended", "sold_out", "quantity_above_limit"},
    "create_product": {"stock_in_use"},
    "get_hold": {"hold_already_used"},
    "release_hold": {"hold_released"},
    "reprocess_webhook": {"payment_not_found"},
    "sweep": {"invalid_argument"},
}


def test_the_errors_in_a_documentation_are_those_the_procedure_can_raise() -> None:
    """Follow every CALL from a public procedure to the _raise at its end, and compare with its section Errors."""
    items = {item.name: item for item in all_objects() if item.kind == "PROCEDURE"}
    bodies = {name: code_of(item.statement) for name, item in items.items()}

    def reachable(name: str, seen: set[str]) -> set[str]:
        if name in seen:
            return set()
        seen.add(name)
        called = calls_of(bodies[name]) - {"_raise"}
        return set(raised(bodies[name])).union(*(reachable(other, seen) for other in called))

    def documented(path: Path) -> set[str]:
        section = re.search(r"^Errors\n(.*?)\n\n", SOURCES[path], re.MULTILINE | re.DOTALL)
        assert section
        return set(re.findall(r"^  (\w+_\w+)  ", section[1], re.MULTILINE))

    public = [item for item in items.values() if not item.name.startswith("_")]
    assert len(public) >= 16
    for item in public:
        assert documented(item.path) == reachable(item.name, set()) - NEVER.get(item.name, set()), item.name
