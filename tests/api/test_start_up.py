"""The environment is checked before anything is served, and no password is ever printed."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.conftest import API_PASSWORD
from tests.support.database import Database
from tests.support.sale import new_product
from tests.support.service import Service, start_up_refusal
from tests.support.shop import problem_of

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
        ({"FLASHSALE_DATABASE_URL": GOOD, "FLASHSALE_THREADS": "many"}, "FLASHSALE_THREADS", "1 to 256"),
        ({"FLASHSALE_DATABASE_URL": GOOD, "FLASHSALE_ENV": "staging"}, "FLASHSALE_ENV", "development, production"),
        ({"FLASHSALE_DATABASE_URL": GOOD, "FLASHSALE_ENV": "production"}, "FLASHSALE_ENV", "FLASHSALE_STRIPE_SECRETS"),
        (
            {"FLASHSALE_DATABASE_URL": GOOD, "FLASHSALE_WEBHOOK_SECRETS": "whsec_s3cret"},
            "FLASHSALE_WEBHOOK_SECRETS",
            "openssl rand -base64 24",
        ),
    ],
)
def test_a_wrong_environment_is_named_and_nothing_starts(
    environment: dict[str, str], variable: str, allowed: str
) -> None:
    status, printed = start_up_refusal(**environment)

    assert status != 0
    assert variable in printed
    assert allowed in printed
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

    statement = "SELECT USER AS name FROM information_schema.processlist WHERE db = 'flashsale'"
    names = {session["name"] for session in connect_as("admin").query(statement)}

    assert names - {"root", "flashsale_operator"} == {"flashsale_api"}


def test_the_log_has_no_password(service: Service) -> None:
    log = service.log.read_text()

    assert "answering from MySQL at 127.0.0.1" in log
    assert API_PASSWORD not in log
    assert quote(API_PASSWORD, safe="") not in log
