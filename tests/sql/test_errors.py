"""One list of errors: what procedures raise, and what the API knows and explains."""

import re
from collections.abc import Callable
from pathlib import Path

from api.problem_kinds import PROBLEMS
from sql.deploy.objects import SQL_FOLDER, all_objects
from tests.support.database import Database
from tests.support.sale import refusal

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


def test_every_error_is_in_the_registry_of_the_api_and_the_other_way_round() -> None:
    registry = {(f"45{kind.status}", kind.code, slug) for slug, kind in PROBLEMS.items() if kind.code is not None}

    assert registry == signalled()


def test_a_refusal_that_ends_by_itself_says_when_in_one_form_which_is_never_cut(
    connect_as: Callable[..., Database],
) -> None:
    admin = connect_as("admin")

    def message(detail: str, seconds: int | None) -> str:
        refused = refusal(lambda: admin.call("_raise", "sold_out", detail, seconds))
        return f"{refused.slug}: {refused.detail}"

    assert message("wait", None) == "sold_out: wait"
    assert message("wait", 90) == "sold_out: wait; retry after 90 s"
    assert message("wait", 0) == "sold_out: wait; retry after 1 s"
    assert message("x" * 300, None) == "sold_out: " + "x" * 118
    assert message("x" * 300, 31_536_000) == "sold_out: " + "x" * 94 + "; retry after 31536000 s"


def test_no_procedure_but_one_writes_how_long_to_wait() -> None:
    assert [path.name for path, source in SOURCES.items() if "retry after" in code_of(source)] == ["_raise.sql"]


def test_every_slug_that_is_raised_exists_and_every_slug_is_raised_somewhere() -> None:
    used = {slug for source in SOURCES.values() for slug in raised(source)}

    assert used == {slug for *_, slug in signalled()}


CALL = re.compile(r"CALL _raise\(\s*'(\w+)', ")
PLAIN = re.compile(CALL.pattern + r"'((?:[^']|'')*)', (NULL|\w+)\)")
COMPOSED = re.compile(CALL.pattern + r"CONCAT\((.*)\),\s+(NULL|CEILING\(.*\))\);")


def waits(seconds: str) -> int:
    """How many characters the third argument of _raise adds at most."""
    return 0 if seconds == "NULL" else len("; retry after 31536000 s")


def test_every_refusal_says_whether_it_ends_by_itself() -> None:
    sources = [code_of(source) for source in SOURCES.values()]
    calls, plain, composed = (sum(len(each.findall(source)) for source in sources) for each in (CALL, PLAIN, COMPOSED))

    assert calls == plain + composed > 50


def test_no_message_with_its_slug_is_cut_at_128_characters() -> None:
    messages = [found for source in SOURCES.values() for found in PLAIN.findall(source)]

    for slug, detail, seconds in messages:
        assert len(f"{slug}: " + detail.replace("''", "'")) + waits(seconds) <= 128, (slug, detail)


def test_no_message_that_is_put_together_can_grow_beyond_128_characters() -> None:
    longest = {"in_name": 16, "in_most": 19, "v_outcome": 15}

    def length_of(name: str) -> int:
        """Of a moment, a number or the word of a state."""
        return longest.get(name, 20 if name.endswith("_at") else 11)

    composed = [found for source in SOURCES.values() for found in COMPOSED.findall(source)]

    for slug, arguments, seconds in composed:
        literals = re.sub(r"DATE_FORMAT\((\w+), '[^']*'\)", r"\1", arguments)
        texts = "".join(re.findall(r"'([^']*)'", literals))
        names = re.findall(r"\b(?:v|in)_\w+", re.sub(r"'[^']*'", "", literals))
        length = len(slug) + 2 + len(texts) + sum(map(length_of, names)) + waits(seconds)
        assert length <= 128, (slug, arguments)


# What the way through the code could raise and these callers never let happen: a flag or a sign forbids it, or a set
# tells it in the row of each buyer.
NEVER = {
    "create_holds": {"sold_out", *raised(next(SOURCES[path] for path in SOURCES if path.stem == "_refuse_unsellable"))},
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
