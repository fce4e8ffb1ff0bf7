"""The million orders that lists and searches are measured beside are a sale like any other."""

import pytest

from loadtest import scale
from loadtest.database import Database
from sql.deploy import migrate
from sql.server.private import PrivateServer
from tests.conftest import API_PASSWORD, OPERATOR_PASSWORD

SCRATCH = "flashsale_scale"


def test_what_is_filled_in_breaks_no_invariant_and_every_list_finds_something(
    mysql_server: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale, "LIVE_HOLDS", 1_000)
    monkeypatch.setattr(scale, "TOLD", 2_000)
    address = mysql_server.admin_url(SCRATCH)
    migrate(address, API_PASSWORD, OPERATOR_PASSWORD, echo=lambda _: None)
    database = Database(address)
    try:
        scale.fill(database, 10_000)
        assert database.violations() == []
        [order] = database.query("SELECT order_uuid, payment_id FROM orders WHERE status = 'paid' LIMIT 1")
        [newest] = database.query("SELECT order_uuid FROM orders ORDER BY order_id DESC LIMIT 1")
        for line in scale.lines(order["order_uuid"], order["payment_id"], newest["order_uuid"]):
            found = database.query(f"CALL {line.call}")
            if line.quick and not any(few in line.name for few in ("nobody", "customer", "hardly any")):
                assert found, line.name
    finally:
        database.query(f"DROP DATABASE {SCRATCH}")
        database.close()
