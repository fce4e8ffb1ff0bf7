"""A session that a test gives back is as good as new for the next one."""

from collections.abc import Callable

import pytest

from tests.conftest import Sessions
from tests.support.database import Database
from tests.support.sale import new_product

STATE = (
    "SELECT @@SESSION.transaction_isolation, @@SESSION.innodb_lock_wait_timeout, @@SESSION.time_zone,"
    " @@SESSION.autocommit, IS_FREE_LOCK('mine')"
)
VARIABLES = (
    "SELECT variable_name, variable_value FROM performance_schema.user_variables_by_thread"
    " WHERE thread_id = PS_CURRENT_THREAD_ID() AND variable_value IS NOT NULL"
)
LEFT = {
    "a transaction": ["START TRANSACTION", "UPDATE products SET name = 'changed'"],
    "a lock": ["SELECT GET_LOCK('mine', 0)"],
    "an isolation level": ["SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE"],
    "patience": ["SET SESSION innodb_lock_wait_timeout = 1"],
    "a variable": ["SET @mine = 1"],
    "a variable in passing": ["SELECT 1 INTO @mine"],
    "a setting that nobody thought of": ["SET time_zone = '+05:00'"],
    "another mode of transactions": ["SET autocommit = 0"],
}


@pytest.mark.parametrize("statements", LEFT.values(), ids=LEFT)
def test_nothing_that_a_test_left_in_a_session_meets_the_next(
    connect_as: Callable[..., Database], statements: list[str]
) -> None:
    session = connect_as("admin")
    before = session.query(STATE)
    product = new_product(session, 1)
    assert session.query(VARIABLES)  # its id
    for statement in statements:
        session.query(statement)
    session.travel(-3600)

    session.clear()

    assert (session.query(STATE), session.query(VARIABLES)) == (before, [])
    assert session.value("SELECT ABS(TIMESTAMPDIFF(SECOND, NOW(), SYSDATE()))") < 60
    assert session.value("SELECT name FROM products WHERE product_id = %s", product) == "Limited sneaker"


@pytest.mark.parametrize("account", ["admin", "api", "dba"])
def test_a_session_that_was_given_back_is_lent_again_with_its_procedures(sessions: Sessions, account: str) -> None:
    """One that is new, or was reset, would parse each of them anew, which takes ten times as long as most CALLs."""
    session = sessions.open(account)
    session.call("list_products")
    called = session.query("SHOW SESSION STATUS LIKE 'Com_call_procedure'")

    for _ in range(2):
        sessions.take_back()
        assert sessions.open(account) is session
        assert session.query("SHOW SESSION STATUS LIKE 'Com_call_procedure'") == called

    sessions.take_back()
