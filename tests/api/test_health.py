"""What a load balancer asks."""

import re
from pathlib import Path

import httpx

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
        "sweep_lag_seconds", "checked_at",
    }  # fmt: skip
    assert (state["status"], state["event_scheduler"], state["event_status"]) == ("ok", "ON", "ENABLED")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", state["checked_at"])
    assert state["schema_version"] == max(
        path.stem for path in MIGRATIONS.glob("*.sql") if ".rollback" not in path.name
    )
