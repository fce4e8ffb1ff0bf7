"""The files that take the service to production agree with the service: the image, compose, nginx, systemd."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from api import VERSION
from api.bodies import BODY_LIMIT, EVENT_LIMIT
from api.problem_kinds import PROBLEMS
from api.variables import KNOWN_VARIABLES

ROOT = Path(__file__).parents[2]
NGINX = (ROOT / "docs/deploy/nginx.conf").read_text(encoding="utf-8")
UNIT = (ROOT / "docs/deploy/flashsale.service").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
DEPLOYING = (ROOT / "docs/deploying.md").read_text(encoding="utf-8")
COMPOSE_TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
GUNICORN = (ROOT / "api/server/gunicorn.conf.py").read_text(encoding="utf-8")
SERVICES: dict[str, Any] = COMPOSE["services"]
SOCKET = (ROOT / "docs/deploy/flashsale.socket").read_text(encoding="utf-8")
KUBERNETES_TEXT = (ROOT / "docs/deploy/kubernetes/flashsale.yaml").read_text(encoding="utf-8")
KUBERNETES = {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(KUBERNETES_TEXT)}
POD = KUBERNETES["Deployment", "flashsale"]["spec"]["template"]["spec"]
[CONTAINER] = POD["containers"]


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
        "api": ["api_keys", "database_url", "metrics_token", "notify_secrets", "webhook_secrets"],
    }
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if name.endswith("_FILE"):
                assert str(value).removeprefix("/run/secrets/") in service["secrets"]
    used = {secret for service in SERVICES.values() for secret in service["secrets"]}
    assert used == COMPOSE["secrets"].keys()
    assert {secret["file"].split("/")[1] for secret in COMPOSE["secrets"].values()} == {"secrets"}
    assert "secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_the_shop_can_be_told_wherever_it_is_deployed() -> None:
    assert "FLASHSALE_NOTIFY_URL" in SERVICES["api"]["environment"]
    assert SERVICES["api"]["environment"]["FLASHSALE_NOTIFY_SECRETS_FILE"] == "/run/secrets/notify_secrets"
    assert KUBERNETES["ConfigMap", "flashsale"]["data"]["FLASHSALE_NOTIFY_URL"] == ""
    assert "FLASHSALE_NOTIFY_SECRETS_FILE" in {each["name"] for each in CONTAINER["env"]}
    assert "FLASHSALE_NOTIFY_SECRETS_FILE=%d/notify_secrets\n" in UNIT
    assert "LoadCredential=notify_secrets:/etc/flashsale/notify_secrets\n" in UNIT


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
    used = set(re.findall(r"\b(FLASHSALE_\w+)\b", "".join((UNIT, DOCKERFILE, NGINX, COMPOSE_TEXT, KUBERNETES_TEXT))))

    of_the_image = {"FLASHSALE_VERSION", "FLASHSALE_REVISION"}
    assert {name.removesuffix("_FILE") for name in used} - of_the_image <= KNOWN_VARIABLES


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


def test_the_image_has_a_version_and_says_what_it_is() -> None:
    assert f"ARG VERSION={VERSION}\n" in DOCKERFILE
    for label in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in DOCKERFILE
    tag = f"flashsale:${{FLASHSALE_VERSION:-{VERSION}}}"
    assert {SERVICES[name]["image"] for name in ("migrate", "api")} == {tag}
    assert set(re.findall(r"image: (\S+)", KUBERNETES_TEXT)) == {f"flashsale:{VERSION}"}
    assert f"\n  name: flashsale-migrate-{VERSION}\n" in KUBERNETES_TEXT


def test_the_newest_entry_of_the_changelog_is_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.findall(r"^## \[(.+)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)[0] == VERSION


def test_the_logs_of_no_container_fill_the_disk() -> None:
    for service in SERVICES.values():
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}


def test_nginx_caches_nothing_unless_somebody_asks_for_it() -> None:
    in_force = "\n".join(line for line in NGINX.splitlines() if not line.strip().startswith("#"))

    assert "proxy_cache" not in in_force
    assert re.search(r"^\s*http2 on;", in_force, re.MULTILINE)
    assert re.search(r"^\s*gzip +on;", in_force, re.MULTILINE)
    zones = re.findall(r"keys_zone=(\w+):|shared:(\w+):", NGINX)
    assert len({first or second for first, second in zones}) == len(zones) == 2


def test_kubernetes_gives_the_api_what_it_reads_and_the_job_the_rest() -> None:
    [job] = [each for (kind, _), each in KUBERNETES.items() if kind == "Job"]
    pairs = ((POD, "flashsale"), (job["spec"]["template"]["spec"], "flashsale-admin"))
    for pod, secret in pairs:
        [container] = pod["containers"]
        read = {each["value"] for each in container["env"]}
        assert read == {f"/run/secrets/{name}" for name in KUBERNETES["Secret", secret]["stringData"]}
        assert {each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each} == {secret}
        assert pod["securityContext"]["runAsUser"] == 10001
        assert container["securityContext"]["readOnlyRootFilesystem"]
    assert KUBERNETES["Secret", "flashsale"]["stringData"].keys() == set(SERVICES["api"]["secrets"])


def test_kubernetes_restarts_no_pod_for_mysqls_sake_and_ends_none_in_the_middle_of_an_answer() -> None:
    paths = {name: CONTAINER[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}

    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
    pause = int(CONTAINER["lifecycle"]["preStop"]["exec"]["command"][1])
    assert POD["terminationGracePeriodSeconds"] > pause + gunicorn("graceful_timeout")
    replicas = KUBERNETES["Deployment", "flashsale"]["spec"]["replicas"]
    assert 1 <= KUBERNETES["PodDisruptionBudget", "flashsale"]["spec"]["minAvailable"] < replicas
    selectors = [
        KUBERNETES["Deployment", "flashsale"]["spec"]["selector"]["matchLabels"],
        KUBERNETES["PodDisruptionBudget", "flashsale"]["spec"]["selector"]["matchLabels"],
        KUBERNETES["Service", "flashsale"]["spec"]["selector"],
    ]
    assert selectors == [KUBERNETES["Deployment", "flashsale"]["spec"]["template"]["metadata"]["labels"]] * 3


def test_systemd_keeps_the_port_that_nginx_asks() -> None:
    [address] = re.findall(r"^ListenStream=(\S+)$", SOCKET, re.MULTILINE)

    assert f"server {address};" in NGINX
    assert f"Backlog={gunicorn('backlog')}\n" in SOCKET
    assert "Requires=flashsale.socket\n" in UNIT
