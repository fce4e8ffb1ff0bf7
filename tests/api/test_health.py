"""What a load balancer asks."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.database import Database
from tests.support.sale import new_key, new_product
from tests.support.unable_servers import UNABLE, Setting, set_globally

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def test_the_service_is_alive(http: httpx.Client) -> None:
    answer = http.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def test_the_service_is_ready_and_says_what_it_stands_on(http: httpx.Client) -> None:
    answer = http.get("/readyz")

    assert answer.status_code == 200
    state = answer.json()
    assert state.keys() == {
        "status", "detail", "database_version", "schema_version", "event_scheduler", "event_status", "last_sweep_at",
        "sweep_lag_seconds", "checked_at", "role", "node", "members_online", "members", "members_behind",
    }  # fmt: skip
    assert (state["status"], state["event_scheduler"], state["event_status"]) == ("ok", "ON", "ENABLED")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", state["checked_at"])
    assert state["schema_version"] == max(
        path.stem for path in MIGRATIONS.glob("*.sql") if ".rollback" not in path.name
    )


def disconnect(admin: Database) -> None:
    """Let the API open its connections anew: a session keeps some of the settings it began with."""
    for row in admin.query("SELECT id AS id FROM information_schema.processlist WHERE user = 'flashsale_api'"):
        admin.query(f"KILL {row['id']}")


@pytest.mark.parametrize("setting", UNABLE, ids=lambda setting: setting.name)
def test_the_service_is_not_ready_and_takes_no_hold_while_mysql_cannot_sell(
    http: httpx.Client, db: Database, connect_as: Callable[..., Database], setting: Setting
) -> None:
    admin, body = connect_as("admin"), {"product_id": new_product(db, 1), "qty": 1}
    key = {"Idempotency-Key": new_key()}
    with set_globally(admin, setting):
        disconnect(admin)
        answers = [http.get("/readyz"), http.post("/api/holds", json=body, headers=key)]
        looked_at = http.get(f"/api/products/{body['product_id']}")

    for answer in answers:
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/service_unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
    assert setting.named in answers[0].json()["detail"]
    assert (looked_at.status_code, looked_at.json()["available"]) == (200, 1)
    # Also when the thread's session began with the bad setting, and keeps it.
    assert http.post("/api/holds", json=body, headers=key).status_code == 201
    assert http.get("/readyz").json()["status"] == "ok"
