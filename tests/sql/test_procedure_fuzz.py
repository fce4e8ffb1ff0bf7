"""Every public procedure, as the server lists it, is CALLed with anything by a DBA: it does it or refuses by name.

A new procedure is tried as soon as it is there. What its parameters are meant to be comes from its documentation, since
a number is a LONGTEXT to MySQL.
"""

import random
import re
from typing import Any

import mysql.connector
import pytest

from api.problem_kinds import PROBLEMS
from tests.support.database import Database, Refused
from tests.support.fault_lengths import times
from tests.support.good_calls import PARAMETERS, PROCEDURES, Parameter, rows_of
from tests.support.sale import hold, new_key, new_payment, new_product, order, pay

REGISTERED = {(kind.code, f"45{kind.status}", kind.slug) for kind in PROBLEMS.values() if kind.code}
# MySQL converts arguments before a body runs: not a time, no text, no JSON.
CONVERSION = {1048, 1292, 1366, 3140, 3141, 3854, 3988}

NUMBERS = [
    "0", "1", "-1", "2", "3", "127", "255", "65536", "2147483647", "2147483648", "4294967296", "9223372036854775807",
    "-9223372036854775808", "18446744073709551616", "1.5", "129.00", "-0.4", "1e3", "1e300", "'12'", "'12 pieces'",
    "''", "'1\\n'", "' 1'", "'+1'", "'１'", "REPEAT('9', 70000)", "TRUE", "X'41'", "X'FF00FE'", "NOW()",
    "JSON_ARRAY(1)",
]  # fmt: skip
TIMES = [
    "NOW(6)", "'2026-11-27 12:00:00'", "'2026-02-30 00:00:00'", "'0000-00-00'", "'9999-12-31 23:59:59.999999'",
    "'1000-01-01'", "20261127", "-1", "'tomorrow'", "''", "'2026-11-27T12:00:00Z'", "'2026-11-27 12:00:00+14:00'",
]  # fmt: skip
TEXTS = [
    "''", "' '", "'x'", "REPEAT('x', 36)", "REPEAT('x', 300)", "REPEAT('🙂', 70000)", "'EUR'", "'eur'", "'succeeded'",
    "'refunded'", "'failed'", "'{}'", "'[1, '", "CONCAT(REPEAT('[', 200), REPEAT(']', 200))", "'\\0'", "'a\\nb'",
    "''' OR 1=1 -- '", "'%'", "X'FF00FE'", "_latin1 X'E9'", "12", "NOW()", "UUID()", "'ⅷ'", "'\\\\'",
    "JSON_OBJECT('a', 1)",
]  # fmt: skip

TABLES: dict[str, bool] = {}


class Stall:
    """A product with something in every state, and whatever a procedure may be asked about."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.product = new_product(db, 1000, max_per_hold=100, max_per_customer=50)
        self.key = new_key()
        held = hold(db, self.product, 2, "alice", self.key)
        gone = hold(db, self.product, 1, "bob")
        db.one("release_hold", gone)
        pending, paid = (order(db, self.product, 1, "carol") for _ in range(2))
        self.payments = [new_payment() for _ in range(3)]
        for order_id, payment in zip([paid, paid, gone], self.payments, strict=True):
            self.webhook = pay(db, order_id, payment=payment)["webhook_id"]
        self.ids = [held, gone, pending, paid]

    def literals(self, name: str, kind: str) -> list[str]:
        """Values for a parameter: some that are sensible there, more that are not."""
        sensible: list[object] = []
        if "product" in name:
            sensible = [self.product]
        elif "payment" in name:
            sensible = [*self.payments, self.ids[-1]]
        elif "webhook" in name:
            sensible = [self.webhook, self.webhook - 1, str(self.webhook)]
        elif "connection" in name:
            return ["NULL", *(number for number in NUMBERS if number not in {"1", "2", "3", "TRUE"})]
        elif name.endswith("_id"):
            sensible = [*self.ids, "alice", *map(str.upper, self.ids[:1])]
        elif "key" in name:
            sensible = [self.key, new_key()]
        quoted = [f"'{value}'" if isinstance(value, str) else str(value) for value in sensible]
        pool = {"DATETIME": TIMES, "BIGINT": NUMBERS}.get(kind, TEXTS)
        return quoted * (1 + len(pool) // (2 * len(quoted))) + ["NULL"] + pool if quoted else ["NULL", *pool]

    def books(self) -> list[Any]:
        """All that a CALL could have changed: the rows of this product, and how many there are of everything else."""
        statements = (
            rows_of(self.db, table, f"product_id = {self.product}") if mine
            else f"SELECT '{table}', JSON_ARRAY(COUNT(*)) FROM {table}" for table, mine in self.tables().items()
        )  # fmt: skip
        return sorted(tuple(row.values()) for row in self.db.query(" UNION ALL ".join(statements)))

    def tables(self) -> dict[str, bool]:
        """Each table of the sale, and whether its rows are a product's."""
        if not TABLES:
            rows = self.db.query(
                "SELECT t.table_name AS name, MAX(c.column_name = 'product_id') AS mine"
                " FROM information_schema.tables AS t"
                " JOIN information_schema.columns AS c USING (table_schema, table_name)"
                " WHERE t.table_schema = DATABASE() AND t.table_type = 'BASE TABLE'"
                " AND t.table_name NOT LIKE '%yoyo%' AND t.table_name <> 'sweep_heartbeat' GROUP BY t.table_name"
            )
            TABLES.update({row["name"]: bool(row["mine"]) for row in rows})
        return TABLES


def parameters_of(db: Database, procedure: str) -> list[Parameter]:
    """Name and type of each, as documented; they are those that the server knows."""
    rows = db.query(
        "SELECT parameter_name AS name, parameter_mode AS mode FROM information_schema.parameters"
        " WHERE specific_schema = DATABASE() AND specific_name = %s ORDER BY ordinal_position",
        procedure,
    )
    documented = [each for each in PARAMETERS if each.procedure == procedure]
    assert {row["mode"] for row in rows} <= {"IN"}
    assert [f"in_{each.name}" for each in documented] == [row["name"] for row in rows]
    return documented


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_anything_is_done_or_refused_with_a_registered_error_that_changes_nothing(db: Database, procedure: str) -> None:
    chance = random.Random(procedure)
    parameters = parameters_of(db, procedure)
    stall = Stall(db)
    before = stall.books()
    for _ in range(times(25, 100) if parameters else 2):
        arguments = ", ".join(chance.choice(stall.literals(each.name, each.kind)) for each in parameters)
        call = f"CALL {procedure}({arguments})"
        try:
            db.query(call)
        except Refused as refused:
            assert (refused.errno, refused.sqlstate, refused.slug) in REGISTERED, (call[:300], refused)
        except mysql.connector.Error as error:
            # The body never ran: MySQL names the parameter, or the value that is no value at all.
            assert error.errno in CONVERSION, (call[:300], error)
            assert re.search(r"'in_\w+'|[Ii]ncorrect|[Ii]nvalid", error.msg or ""), (call[:300], error)
        else:
            stall = Stall(db)
            before = stall.books()
            continue
        assert stall.books() == before, call[:300]


def test_the_server_lists_every_procedure_that_is_tried(db: Database) -> None:
    listed = db.query(
        "SELECT routine_name AS name FROM information_schema.routines WHERE routine_schema = DATABASE()"
        r" AND routine_type = 'PROCEDURE' AND routine_name NOT LIKE '\_%'"
    )
    assert sorted(row["name"] for row in listed) == sorted(PROCEDURES)
