"""A number is taken as exactly what was written, or refused: nothing is rounded on its way into a procedure."""

import re
from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.support.database import Database, Refused, Row
from tests.support.good_calls import PARAMETERS, GoodCalls
from tests.support.waiting import open_transactions

NUMBERS = [(each.procedure, each.name) for each in PARAMETERS if each.kind == "BIGINT"]
OUT_OF_BOUNDS = re.compile(r"must be a whole number from (-?\d+) to (\d+)$")


class Written(NamedTuple):
    """A number as somebody writes it in SQL, and the whole number that it is; None: it is none."""

    literal: str
    whole: int | None


ODDITIES = [
    Written("1.5", None), Written("0.5", None), Written("-0.5", None), Written("129.00", None), Written("1.0", None),
    Written("'12.90'", None), Written("'1.5'", None), Written("'1e3'", None), Written("' 1'", None),
    Written("'1 '", None), Written("'1\\n'", None), Written("'1\\r'", None), Written("'\\t1'", None),
    Written("'+1'", None), Written("'--1'", None), Written("'-'", None), Written("''", None), Written("'TRUE'", None),
    Written("'true'", None), Written("'yes'", None), Written("'1,000'", None), Written("'1_000'", None),
    Written("'0x10'", None), Written("0x10", None), Written("'1/2'", None), Written("'NaN'", None),
    Written("'٣'", None), Written("'１'", None), Written("'1\\0'", None),
    Written("1e30", None), Written("9223372036854775807.5", None), Written("9223372036854775808", 2**63),
    Written("-9223372036854775809", -(2**63) - 1), Written("18446744073709551615", 2**64 - 1),
    Written("'9223372036854775808'", 2**63), Written("'99999999999999999999'", 10**20 - 1),
    Written("9223372036854775807", 2**63 - 1), Written("4294967297", 2**32 + 1),
    Written("TRUE", 1), Written("FALSE", 0), Written("-1", -1), Written("'-0'", 0), Written("'007'", 7),
    Written("7", 7), Written("'7'", 7), Written("1e1", 10), Written("1e0", 1), Written("3 + 4", 7),
]  # fmt: skip
"""1e1 is a floating-point number to MySQL, and a whole one."""
SHOWN: dict[tuple[str, str], Callable[[Database, Row], int]] = {
    **{(procedure, "product_id"): lambda _, row: row["product_id"]
       for procedure in ("adjust_stock", "get_product", "create_hold", "set_price", "set_sale_window", "stop_sale")},
    ("create_hold", "qty"): lambda _, row: row["qty"],
    **{("create_product", name): lambda _, row, name=name: row[name]
       for name in ("price", "stock_total", "stripes", "hold_seconds", "payment_seconds", "max_per_hold",
                    "max_per_customer")},
    **{("set_limits", name): lambda _, row, name=name: row[name]
       for name in ("max_per_customer", "max_unpaid_percent", "pause_seconds", "extension_seconds")},
    ("set_price", "price"): lambda _, row: row["price"],
    ("adjust_stock", "delta"): lambda _, row: row["stock_total"] - 1000,
    ("receive_payment_webhook", "amount"):
        lambda db, row: db.value("SELECT amount_minor FROM payments WHERE payment_id = %s", row["payment_id"]),
}  # fmt: skip
"""Where one sees which number was taken."""


def call(shop: GoodCalls, procedure: str, parameter: str, literal: str) -> list[Row]:
    """CALL it with good arguments, but this one as it is written."""
    arguments = shop.good(procedure)
    places = ", ".join(literal.replace("%", "%%") if name == parameter else "%s" for name in arguments)
    return shop.db.query(f"CALL {procedure}({places})", *(v for name, v in arguments.items() if name != parameter))


def test_every_number_of_every_public_procedure_is_asked_for() -> None:
    assert len(NUMBERS) >= 29
    assert {key for key in SHOWN if key not in NUMBERS} == set()


@pytest.mark.parametrize(("procedure", "parameter"), NUMBERS)
def test_a_number_is_taken_as_it_is_or_refused_by_name_and_never_rounded(
    connect_as: Callable[..., Database], procedure: str, parameter: str
) -> None:
    admin, db = connect_as("admin"), connect_as("dba", autocommit=False)
    shop = GoodCalls(db, procedure)
    before = shop.state()
    db.query("COMMIT")
    for literal, whole in ODDITIES:
        try:
            rows = call(shop, procedure, parameter, literal)
        except Refused as refused:
            assert open_transactions(admin, db) == 0, literal
            assert shop.state() == before, literal
            db.query("COMMIT")
            bounds = OUT_OF_BOUNDS.search(refused.detail)
            if whole is None:
                assert refused.sqlstate == "45422", (literal, refused)
                assert bounds or refused.slug == "invalid_argument", (literal, refused)
                assert refused.detail.startswith(f"{parameter} "), (literal, refused)
            elif bounds and refused.detail.startswith(f"{parameter} "):
                assert not int(bounds[1]) <= whole <= int(bounds[2]), (literal, refused)
            continue
        assert whole is not None, f"{literal} was taken"
        if (procedure, parameter) in SHOWN:
            assert SHOWN[procedure, parameter](db, rows[0]) == whole, literal
        db.query("COMMIT")
        shop = GoodCalls(db, procedure)
        before = shop.state()
        db.query("COMMIT")
