"""The environment is checked before anything is served, and no password is ever printed."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.conftest import API_PASSWORD
from tests.support.buyer import problem_of
from tests.support.database import Database
from tests.support.sale import new_product
from tests.support.service import Service, refused_settings, start_up_refusal
from tests.support.signing import STANDARD_SECRET

SECRET = "s3cret-w%C3%B6rd"
GOOD = f"mysql://flashsale_api:{SECRET}@127.0.0.1:3306/flashsale"


@pytest.mark.parametrize(
    ("environment", "variable", "allowed"),
    [
        ({}, "FLASHSALE_DATABASE_URL", "mysql://user:password@host:port/database"),
        ({"FLASHSALE_DATABASE_URL": GOOD.replace("mysql", "postgres", 1)}, "FLASHSALE_DATABASE_URL", "mysql://"),
        ({"FLASHSALE_DATABASE_URL": GOOD.replace("3306", "99999")}, "FLASHSALE_DATABASE_URL", "mysql://"),
        ({"FLASHSALE_DATABASE_URL": GOOD.removesuffix("/flashsale")}, "FLASHSALE_DATABASE_URL", "database"),
        ({"FLASHSALE_DATABASE_URL": GOOD, "PORT": "http"}, "PORT", "1 to 65535"),
        ({"FLASHSALE_DATABASE_URL": GOOD, "FLASHSALE_WORKERS": "0"}, "FLASHSALE_WORKERS", "1 to 64"),
        ({"FLASHSALE_DATABASE_URL": GOOD, "FLASHSALE_CONNECTIONS": "many"}, "FLASHSALE_CONNECTIONS", "1 to 256"),
        (
            {"FLASHSALE_DATABASE_URL": GOOD, "FLASHSALE_PRODUCT_READS_MAX_AGE_MS": "2000"},
            "FLASHSALE_PRODUCT_READS_MAX_AGE_MS",
            "name all of the group",
        ),
        (
            {
                "FLASHSALE_DATABASE_URL": GOOD.replace("3306", "3306,b:3306"),
                "FLASHSALE_PRODUCT_READS_MAX_AGE_MS": "499",
            },
            "FLASHSALE_PRODUCT_READS_MAX_AGE_MS",
            "500 to 60000",
        ),
        ({"FLASHSALE_DATABASE_URL": GOOD, "FLASHSALE_ENV": "staging"}, "FLASHSALE_ENV", "development, production"),
        ({"FLASHSALE_DATABASE_URL": GOOD, "FLASHSALE_ENV": "production"}, "FLASHSALE_ENV", "FLASHSALE_STRIPE_SECRETS"),
        (
            {"FLASHSALE_DATABASE_URL": GOOD, "FLASHSALE_WEBHOOK_SECRETS": "whsec_s3cret"},
            "FLASHSALE_WEBHOOK_SECRETS",
            "openssl rand -base64 24",
        ),
    ],
)
def test_a_wrong_environment_is_refused_by_name_without_its_secrets(
    environment: dict[str, str], variable: str, allowed: str
) -> None:
    said = refused_settings(**environment)

    assert variable in said
    assert allowed in said
    assert "s3cret" not in said


def test_what_is_wrong_with_the_environment_is_all_that_is_printed() -> None:
    status, printed = start_up_refusal(FLASHSALE_DATABASE_URL=GOOD, FLASHSALE_WORKERS="0")

    assert status != 0
    assert printed.startswith("The API can't start: FLASHSALE_WORKERS")
    assert "Traceback" not in printed
    assert "s3cret" not in printed


def test_a_wrong_password_is_told_to_the_operator_but_not_printed(
    api_url: str, mysql_server: object, tmp_path: Path
) -> None:
    wrong = Service(api_url.replace("mysql://flashsale_api:", "mysql://flashsale_api:s3cret"), tmp_path / "log")
    try:
        answer = httpx.get(f"{wrong.url}/readyz")
        assert (answer.status_code, problem_of(answer)) == (503, "service_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert httpx.get(f"{wrong.url}/healthz").status_code == 200
    finally:
        wrong.stop()
    log = wrong.log.read_text()
    assert "Access denied for user 'flashsale_api'" in log
    assert "s3cret" not in log


def test_the_service_logs_in_with_its_own_account(
    http: httpx.Client, connect_as: Callable[..., Database], db: Database
) -> None:
    http.post("/api/holds", json={"product_id": new_product(db, 1), "qty": 1})

    # A port has who logged in; the EVENT, which may be at work just now, has none.
    statement = "SELECT USER AS name FROM information_schema.processlist WHERE db = 'flashsale' AND LOCATE(':', host)"
    names = {session["name"] for session in connect_as("admin").query(statement)}

    # Nobody can log in as flashsale_owner; the EVENT runs as it.
    assert names - {"root", "flashsale_operator", "flashsale_owner"} == {"flashsale_api"}


def test_the_log_has_no_password(service: Service) -> None:
    log = service.log.read_text()

    assert "answering from MySQL at 127.0.0.1" in log
    assert API_PASSWORD not in log
    assert quote(API_PASSWORD, safe="") not in log


def log_of(api_url: str, folder: Path, **environment: str) -> str:
    """What a service writes while it starts."""
    running = Service(api_url, folder / "log", FLASHSALE_LOG_FORMAT="text", **environment)
    running.stop()
    return running.log.read_text()


def warnings_of(log: str, *words: str) -> list[str]:
    """The warnings that hold one of these words."""
    return [line for line in log.splitlines() if "[WARNING]" in line and any(word in line for word in words)]


def test_in_production_it_is_said_loudly_what_is_open(api_url: str, tmp_path: Path) -> None:
    log = log_of(api_url, tmp_path, FLASHSALE_ENV="production", FLASHSALE_WEBHOOK_SECRETS=STANDARD_SECRET)

    [about_keys] = warnings_of(log, "FLASHSALE_API_KEYS")
    [about_token] = warnings_of(log, "FLASHSALE_METRICS_TOKEN")
    assert "THE API IS OPEN" in about_keys
    assert "/metrics and /board" in about_token


def test_nothing_is_open_where_both_are_set_and_nothing_is_said_in_development(api_url: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("m" * 32)
    closed = {"FLASHSALE_API_KEYS": "0a" * 32, "FLASHSALE_METRICS_TOKEN_FILE": str(tmp_path / "token")}
    production = {"FLASHSALE_ENV": "production", "FLASHSALE_WEBHOOK_SECRETS": STANDARD_SECRET}

    for environment in ({**production, **closed}, {}):
        assert warnings_of(log_of(api_url, tmp_path, **environment), "API_KEYS", "METRICS_TOKEN") == []


def test_a_variable_that_nobody_reads_is_named(api_url: str, tmp_path: Path) -> None:
    log = log_of(api_url, tmp_path, FLASHSALE_API_KEY="s3cret", FLASHSALE_METRICS_TOKENS_FILE="/s3cret")

    [about_keys] = warnings_of(log, "FLASHSALE_API_KEY ")
    [about_token] = warnings_of(log, "FLASHSALE_METRICS_TOKENS_FILE")
    assert "FLASHSALE_API_KEYS is a variable" in about_keys
    assert "FLASHSALE_METRICS_TOKEN_FILE is a variable" in about_token
    assert "s3cret" not in log
