"""The files that take the service to production agree with the service: the image, compose, nginx, systemd."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.bodies import BODY_LIMIT, EVENT_LIMIT
from api.problems import PROBLEMS
from api.watch.start_up import KNOWN_VARIABLES

ROOT = Path(__file__).parents[2]
NGINX = (ROOT / "docs/deploy/nginx.conf").read_text(encoding="utf-8")
UNIT = (ROOT / "docs/deploy/flashsale.service").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
DEPLOYING = (ROOT / "docs/deploying.md").read_text(encoding="utf-8")
COMPOSE_TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
GUNICORN = (ROOT / "api/server/gunicorn.conf.py").read_text(encoding="utf-8")
SERVICES: dict[str, Any] = COMPOSE["services"]


def gunicorn(setting: str) -> int:
    """A number of gunicorn's settings."""
    found = re.search(rf"^{setting} = (\d+)$", GUNICORN, re.MULTILINE)
    assert found, setting
    return int(found[1])


def nginx(directive: str) -> int:
    """The first number of a directive of the site file."""
    found = re.search(rf"^\s*{directive}\s+(\d+)", NGINX, re.MULTILINE)
    assert found, directive
    return int(found[1])


def test_the_image_has_all_that_runs_in_it() -> None:
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE))
    names = {name.rstrip("/") for line in copied for name in line.split()}
    let_in = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))

    assert {"api", "sql", "migrations", "setup.cfg"} <= names
    assert {name.split("/")[0] for name in names} == let_in
    assert all((ROOT / name).exists() for name in names)


def test_the_image_does_not_run_as_root_and_says_it_is_in_production() -> None:
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert "--uid 10001" in DOCKERFILE
    for text in (DOCKERFILE, UNIT):
        assert "FLASHSALE_ENV=production" in text


def test_the_api_starts_after_the_deployment_and_that_after_mysql() -> None:
    assert SERVICES["migrate"]["depends_on"] == {"mysql": {"condition": "service_healthy"}}
    assert SERVICES["api"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert SERVICES["migrate"]["restart"] == "no"


def test_every_secret_is_a_file_and_reaches_only_those_who_need_it() -> None:
    assert {name: sorted(service["secrets"]) for name, service in SERVICES.items()} == {
        "mysql": ["root_password"],
        "migrate": ["admin_url", "api_password", "operator_password"],
        "api": ["api_keys", "database_url", "metrics_token", "webhook_secrets"],
    }
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if name.endswith("_FILE"):
                assert str(value).removeprefix("/run/secrets/") in service["secrets"]
    used = {secret for service in SERVICES.values() for secret in service["secrets"]}
    assert used == COMPOSE["secrets"].keys()
    assert {secret["file"].split("/")[1] for secret in COMPOSE["secrets"].values()} == {"secrets"}
    assert "secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


DOORS = {
    "FLASHSALE_WEBHOOK_SECRETS_FILE": "webhook_secrets",
    "FLASHSALE_API_KEYS_FILE": "api_keys",
    "FLASHSALE_METRICS_TOKEN_FILE": "metrics_token",
}


def test_every_door_of_the_api_is_closed_by_a_file() -> None:
    given = SERVICES["api"]["environment"]
    assert {name: value for name, value in given.items() if name in DOORS} == {
        name: f"/run/secrets/{secret}" for name, secret in DOORS.items()
    }
    assert DOORS.keys() <= set(re.findall(r"\b(FLASHSALE_\w+)=%d/", UNIT))
    for name, secret in DOORS.items():
        assert f"{name}=%d/{secret}" in UNIT
        assert f"LoadCredential={secret}:/etc/flashsale/{secret}\n" in UNIT


def test_every_file_that_compose_wants_is_made_by_the_commands_of_the_documentation() -> None:
    made = set(re.findall(r"> secrets/(\w+)", DEPLOYING))
    made |= {f"{account}_password" for account in re.findall(r"for account in ([\w ]+);", DEPLOYING)[0].split()}

    assert COMPOSE["secrets"].keys() <= made


def test_every_variable_of_the_deployment_files_is_read_by_somebody() -> None:
    used = set(re.findall(r"\b(FLASHSALE_\w+)\b", "".join((UNIT, DOCKERFILE, NGINX, COMPOSE_TEXT))))

    assert {name.removesuffix("_FILE") for name in used} <= KNOWN_VARIABLES


def test_nginx_keeps_the_figures_inside_and_passes_keys_on() -> None:
    [inside] = re.findall(r"location ~ (\S+) \{\s+allow 127", NGINX)

    for path in ("/metrics", "/board", "/board/", "/board/data", "/readyz"):
        assert re.search(inside, path), path
    for path in ("/api/products", "/boardroom", "/healthz", "/"):
        assert not re.search(inside, path), path
    assert "proxy_set_header Authorization" not in NGINX


def test_mysql_in_compose_has_the_settings_of_the_repository() -> None:
    source, target, mode = SERVICES["mysql"]["volumes"][1].split(":")

    assert (ROOT / source).resolve() == ROOT / "sql/server/my.cnf"
    assert (target.rsplit(".", 1)[1], mode) == ("cnf", "ro")
    assert SERVICES["mysql"]["command"] == ["mysqld", "--bind-address=*"]


@pytest.mark.parametrize("name", ["migrate", "api"])
def test_what_is_ours_can_write_nothing_and_has_no_capability(name: str) -> None:
    service = SERVICES[name]

    assert (service["read_only"], service["cap_drop"], service["tmpfs"]) == (True, ["ALL"], ["/tmp"])
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_a_stop_leaves_the_api_the_time_to_answer() -> None:
    grace = gunicorn("graceful_timeout")

    assert int(SERVICES["api"]["stop_grace_period"].removesuffix("s")) > grace
    assert int(re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)[0]) > grace


def test_it_is_nginx_that_ends_a_kept_connection_to_the_api() -> None:
    assert nginx("keepalive_timeout") < gunicorn("keepalive")


def test_nginx_passes_on_every_body_that_the_api_takes() -> None:
    assert [int(kib) * 1024 for kib in re.findall(r"client_max_body_size\s+(\d+)k;", NGINX)] == [
        BODY_LIMIT + 64 * 1024,
        EVENT_LIMIT + 64 * 1024,
    ]
    assert "location = /api/payments/webhook {\n        client_max_body_size 1088k;" in NGINX
    for directive in ("proxy_request_buffering", "proxy_buffering"):
        assert re.search(rf"^\s*{directive}\s+on;", NGINX, re.MULTILINE)


def test_what_nginx_answers_by_itself_is_a_problem_of_the_api() -> None:
    answers = re.findall(r"return (\d+) '(\{.*\})'", NGINX)

    assert [status for status, _ in answers] == ["413", "503"]
    for status, text in answers:
        problem = json.loads(text)
        kind = PROBLEMS[problem["type"].removeprefix("/problems/")]
        assert (problem["title"], problem["status"]) == (kind.title, int(status)) == (kind.title, kind.status)
        assert problem["detail"]
    for limit in (BODY_LIMIT, EVENT_LIMIT):
        assert str(limit) in answers[0][1]
