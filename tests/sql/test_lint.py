"""`make lint` finds what breaks a house rule, and says where."""

import pytest

from sql.lint import check_house_rules

TABLE = "-- a comment\nCREATE TABLE holds (\n{}\n) ENGINE = InnoDB;\n"
ROUTINE = "CREATE PROCEDURE p (\n{}\n)\nCOMMENT '\nit said NOW(),\tSIGNAL\n'\nBEGIN\n{}\nEND $$\n"


def findings(source: str, path: str = "sql/procedures/holds/create_hold.sql") -> list[str]:
    """What is found, with the number of its line."""
    return [f"{found.line}: {found.what}" for found in check_house_rules(path, source)]


@pytest.mark.parametrize(
    ("column", "complaint"),
    [
        ("  held_on DATETIME(6) NOT NULL", "3: the time held_on "),
        ("  held_at DATETIME NOT NULL", "3: the time held_at must be a DATETIME(6)"),
        ("  held_at TIMESTAMP(6) NOT NULL", "3: the time held_at must be a DATETIME(6)"),
        ("  unit_price BIGINT NOT NULL", "3: the money unit_price must end in _minor"),
        ("  price_minor INT NOT NULL", "3: the money price_minor must be a BIGINT"),
        ("  KEY ix_expires (expires_at)", "3: the index ix_expires must be called ix_holds_expires_at"),
        ("  UNIQUE KEY ix_holds_k (k)", "3: the index ix_holds_k must be called uq_holds_k"),
        ("  KEY (expires_at)", "3: the index None must be called ix_holds_expires_at"),
        ("  CONSTRAINT ck_qty CHECK (qty > 0)", "3: the constraint ck_qty must be called ck_holds_"),
        ("  CHECK (qty > 0)", "3: the constraint None must be called ck_holds_"),
        ("  CONSTRAINT fk_p FOREIGN KEY (a, b) REFERENCES p (a, b)", "the constraint fk_p must be called fk_holds_a_b"),
        ("  qty INT NOT NULL ", "3: a tab, or a space at the end"),
        ("  qty\tINT NOT NULL", "3: a tab, or a space at the end"),
    ],
)
def test_a_table_that_breaks_a_rule_is_found(column: str, complaint: str) -> None:
    [found] = findings(TABLE.format(column), "migrations/0001.holds.sql")
    assert complaint in found


@pytest.mark.parametrize(
    ("parameter", "body", "complaint"),
    [
        ("  IN product_id INT", "", "2: the IN parameter product_id must begin with in_"),
        ("  OUT in_qty INT", "", "2: the OUT parameter in_qty must begin with out_"),
        ("  INOUT in_qty INT", "", "2: the INOUT parameter in_qty must begin with io_"),
        ("", "  DECLARE v_one, two INT;", "8: the local two must begin with v_"),
        ("", "  DECLARE v_ended CURSOR FOR SELECT 1;", "8: the local v_ended must begin with c_"),
        ("", "  SIGNAL SQLSTATE '45409';", "8: errors are raised by _raise only"),
        ("", "  SET v_now = NOW(6);", "8: NOW: times come from UTC_TIMESTAMP(6)"),
    ],
)
def test_a_procedure_that_breaks_a_rule_is_found(parameter: str, body: str, complaint: str) -> None:
    [found] = findings(ROUTINE.format(parameter, body))
    assert complaint in found


def test_what_keeps_the_rules_is_let_pass() -> None:
    columns = """  hold_id BINARY(16) NOT NULL COMMENT 'CHECK (price INT)',
  pay_by DATETIME(6) NULL,
  price_minor BIGINT NOT NULL,
  KEY ix_holds_product_id_expires_at (product_id, expires_at, qty),
  CONSTRAINT fk_holds_product_id FOREIGN KEY (product_id) REFERENCES products (product_id),
  CONSTRAINT ck_holds_qty        CHECK (qty >= 1)"""
    body = """  DECLARE v_a, v_b INT DEFAULT 1;
  DECLARE c_ended CURSOR FOR SELECT 'NOW()';
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END; -- SIGNAL"""

    assert findings(TABLE.format(columns), "migrations/0001.holds.sql") == []
    assert findings(ROUTINE.format("  IN in_a INT,\n  OUT out_b INT,\n  INOUT io_c INT", body)) == []
    assert findings("BEGIN SIGNAL SQLSTATE '45409'; END", "sql/procedures/lib/_raise.sql") == []
