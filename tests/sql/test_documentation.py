"""The documentation that travels with the procedures, and the shape of sql/."""

import re
from pathlib import Path

import pytest

from sql import areas
from sql.deploy.objects import SQL_FOLDER, SqlObject, all_objects
from tests.support.database import Database, Row
from tests.support.sale import hold, new_product, order, pay, refusal

SECTIONS = ["Description", "Parameters", "Result set", "Errors", "Locks", "Example"]
PUBLIC = [item for item in all_objects() if item.kind == "PROCEDURE" and not item.name.startswith("_")]
FILES = sorted(path for path in SQL_FOLDER.glob("*/**/*.sql") if path.parent.name != "examples")
INSTALL = (SQL_FOLDER / "install.sql").read_text(encoding="utf-8")
DOCUMENTATION = re.compile(r"^COMMENT '(?:[^']|'')*'$", re.MULTILINE)


def comment_of(item: SqlObject) -> str:
    """The COMMENT of a procedure, as the server has it."""
    found = DOCUMENTATION.search(item.statement)
    assert found
    return found[0].removeprefix("COMMENT '").removesuffix("'").replace("''", "'").replace("\\\\", "\\")


def section_of(item: SqlObject, name: str) -> str:
    """One section of a procedure's COMMENT, without its heading."""
    return re.split(r"^(\w[\w ]*)$", comment_of(item), flags=re.MULTILINE)[2 * (SECTIONS.index(name) + 1)]


def test_every_public_procedure_is_named_by_verb_and_noun_or_is_a_single_verb() -> None:
    assert [item.name for item in PUBLIC if not re.fullmatch(r"[a-z]+(_[a-z]+)*", item.name)] == []
    assert len(PUBLIC) >= 41


@pytest.mark.parametrize("item", PUBLIC, ids=lambda item: item.name)
def test_every_public_procedure_is_documented_in_all_sections(item: SqlObject) -> None:
    assert re.findall(r"^(\w[\w ]*)$", comment_of(item), re.MULTILINE) == SECTIONS
    assert all(section_of(item, name).strip() for name in SECTIONS)


@pytest.mark.parametrize("item", PUBLIC, ids=lambda item: item.name)
def test_every_parameter_is_documented_with_its_type_in_order(db: Database, item: SqlObject) -> None:
    parameters = db.query(
        "SELECT parameter_name AS name, parameter_mode AS mode FROM information_schema.parameters"
        " WHERE specific_schema = DATABASE() AND specific_name = %s ORDER BY ordinal_position", item.name,
    )  # fmt: skip

    documented = re.findall(r"^  (in_\w+) +(?:TEXT|BIGINT|DATETIME\(6\)) +\S|^  (in_\w+) +BIGINT$",
                            section_of(item, "Parameters"), re.MULTILINE)  # fmt: skip
    assert [first or second for first, second in documented] == [row["name"] for row in parameters]
    assert {row["mode"] for row in parameters} <= {"IN"}
    if not parameters:
        assert section_of(item, "Parameters").strip() == "none"


@pytest.mark.parametrize("item", PUBLIC, ids=lambda item: item.name)
def test_every_example_calls_the_procedure_and_shows_a_call_that_fails(item: SqlObject) -> None:
    example = section_of(item, "Example")

    assert f"mysql> CALL {item.name}(" in example
    if section_of(item, "Errors").strip() != "none":
        assert re.search(r"^  ERROR 31\d{3} \(45\d{3}\): \w+: .", example, re.MULTILINE)


@pytest.mark.parametrize("item", PUBLIC, ids=lambda item: item.name)
def test_every_example_that_fails_by_itself_fails_as_it_says(db: Database, item: SqlObject) -> None:
    failing = re.findall(r"mysql> CALL (\w+)\((.*)\);\n  ERROR (\d+) \((\d+)\): (\w+): (.*)$",
                         section_of(item, "Example"), re.MULTILINE)  # fmt: skip
    for procedure, arguments, errno, state, slug, detail in failing:
        if slug != "invalid_argument":  # the others need a certain hold or product
            continue
        arguments = re.sub(r"^1,", f"{new_product(db, 1)},", arguments)
        refused = refusal(lambda p=procedure, a=arguments: db.query(f"CALL {p}({a})"))
        assert (str(refused.errno), refused.sqlstate, refused.slug) == (errno, state, slug)
        assert refused.detail == detail


@pytest.mark.parametrize("item", PUBLIC, ids=lambda item: item.name)
def test_help_prints_the_documentation_of_a_procedure(db: Database, item: SqlObject) -> None:
    assert db.one("help", item.name) == {
        "area": item.path.parent.name, "name": item.name, "documentation": comment_of(item),
    }  # fmt: skip


def test_help_has_the_areas_of_the_folders_in_which_the_procedures_lie_now() -> None:
    assert areas.VIEW.read_text(encoding="utf-8") == areas.written(), "make examples"


@pytest.mark.parametrize("name", ["", None])
def test_help_for_nothing_lists_every_public_procedure_by_area_with_how_its_description_begins(
    db: Database, name: str | None
) -> None:
    listed = db.call("help", name)

    in_order = ["catalog", "holds", "orders", "payments", "notifications", "upkeep", "watch"]
    expected = sorted((in_order.index(item.path.parent.name), item.name) for item in PUBLIC)
    assert [(row["area"], row["name"]) for row in listed] == [(in_order[area], each) for area, each in expected]
    for row in listed:
        [item] = [item for item in PUBLIC if item.name == row["name"]]
        description = " ".join(section_of(item, "Description").split())
        assert re.fullmatch(r"[A-Z][^.,:;(]+[^ .,:;(]", row["documentation"]), row
        assert re.match(rf"{re.escape(row['documentation'])}( \(|[.,:;])", description), row
        assert width(listed) <= 100, row


def width(rows: list[Row]) -> int:
    """How wide the client's table of these rows is."""
    columns = ([name, *(str(row[name]) for row in rows)] for name in rows[0])
    return 1 + sum(3 + max(map(len, column)) for column in columns)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("Refund", {"record_refund", "list_refunds_due", "fulfil_order"}),
        ("extension_not_allowed", {"extend_hold"}),
        ("sold out", set()),
    ],
)
def test_help_for_a_word_lists_what_says_it_in_its_name_description_or_errors(
    db: Database, word: str, found: set[str]
) -> None:
    says = {
        item.name for item in PUBLIC
        if word.lower() in " ".join([item.name, section_of(item, "Description"), section_of(item, "Errors")]).lower()
    }  # fmt: skip
    assert found <= says

    if says:
        assert {row["name"] for row in db.call("help", word)} == says
    else:
        assert refusal(lambda: db.call("help", word)).slug == "invalid_argument"


def test_the_overview_of_a_large_sale_fits_a_hundred_columns(db: Database) -> None:
    product = new_product(db, 999_999, price=9_999_999, max_per_hold=999_999)
    pay(db, order(db, product, 100))
    for qty in (123_456, 3, 4):
        pay(db, hold(db, product, qty))
    pay(db, hold(db, product), "succeeded", 1)

    rows = [row for row in db.call("sale_overview") if row["id"] in (product, None)]

    assert width(rows) <= 100
    assert [row["takings"] for row in rows[:-1]] == ["999999900 EUR"]


@pytest.mark.parametrize("name", ["teleport", "_raise", "%", "create\\_hold", "' OR 1", "🙂", "x" * 100_000])
def test_help_for_what_is_not_public_says_how_to_list(db: Database, name: str) -> None:
    refused = refusal(lambda: db.one("help", name))

    assert refused.slug == "invalid_argument"
    assert "help('')" in refused.detail


def test_the_map_that_install_sql_begins_with_names_every_folder_of_procedures() -> None:
    named = re.findall(r"^--     (\w+)/ ", INSTALL.partition("SOURCE")[0], re.MULTILINE)

    assert sorted(named) == sorted({path.parent.name for path in SQL_FOLDER.glob("procedures/*/*.sql")})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_installed(path: Path) -> None:
    assert f"\nSOURCE {path.relative_to(SQL_FOLDER)}\n" in INSTALL


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name != "rules"], ids=lambda path: path.stem)
def test_every_file_has_one_object_of_its_own_name(path: Path) -> None:
    source = re.sub(r"^--.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    created = re.findall(
        r"^CREATE\b[^(;]*?\b(?:PROCEDURE|FUNCTION|VIEW|EVENT|USER IF NOT EXISTS|ROLE IF NOT EXISTS) (\w+)",
        source,
        re.MULTILINE,
    )

    assert created == [path.stem]


@pytest.mark.parametrize("item", all_objects(), ids=lambda item: item.name)
def test_the_code_of_every_object_fits_on_two_screens(item: SqlObject) -> None:
    assert len(DOCUMENTATION.sub("", item.statement).splitlines()) < 130


@pytest.mark.parametrize("item", all_objects(), ids=lambda item: item.name)
def test_a_table_that_is_joined_to_a_list_is_found_by_an_index_that_is_named(item: SqlObject) -> None:
    """While it is nearly empty MySQL would walk over it, and wait for rows of others; docs/adr/0008."""
    body = item.statement.partition("\nBEGIN")[2]

    assert re.findall(r"STRAIGHT_JOIN (?!product_clocks|live_stock|\w+_deadlines)(\w+) AS \w+ (?:ON|USING)", body) == []


@pytest.mark.parametrize("item", all_objects(), ids=lambda item: item.name)
def test_no_procedure_reads_by_a_subquery_that_would_lock(item: SqlObject) -> None:
    """MySQL takes shared locks for a subquery in SET, IF, DECLARE or an argument of CALL; docs/adr/0008."""
    body = item.statement.partition("\nBEGIN")[2]
    locking = re.compile(
        r"^\s*(SET|IF|ELSEIF|WHILE|UNTIL|CALL \w+|DECLARE \w+ [^;]*DEFAULT)\b(?:(?!\bTHEN\b)[^;])*?\(\s*SELECT\b",
        re.MULTILINE,
    )

    assert [found[0] for found in locking.finditer(re.sub(r"^\s*UPDATE\b[^;]*;", "", body, flags=re.MULTILINE))] == []
