"""The API starts only with an environment it understands, and says what is wrong with it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from api.settings import read_settings
from api.variables import KNOWN_VARIABLES
from sql.server.state import Failure
from sql.server.urls import parse
from tests.support.service import Service, refused_settings, start_up_refusal
from tests.support.signing import STANDARD_NEXT, STANDARD_SECRET, STRIPE_SECRET

URL = "mysql://flashsale_api:s%40cret%2F%23@127.0.0.1:13306/flashsale"
SEVERAL = URL.replace(":13306", ":13306,127.0.0.1:13316")
PROJECT = Path(__file__).parents[2]
PASSWORDS = ("FLASHSALE_API_PASSWORD", "FLASHSALE_OPERATOR_PASSWORD")
GOOD = {
    "FLASHSALE_DATABASE_URL": URL.replace("13306", "13307"), "FLASHSALE_ENV": "production", "FLASHSALE_HOST": "0.0.0.0",
    "FLASHSALE_WORKERS": "3", "FLASHSALE_CONNECTIONS": "5", "FLASHSALE_WEBHOOK_SECRETS": STANDARD_SECRET,
    "FLASHSALE_STRIPE_SECRETS": STRIPE_SECRET, "FLASHSALE_API_KEYS": "0a" * 32, "FLASHSALE_METRICS_TOKEN": "m" * 32,
    "FLASHSALE_NOTIFY_URL": "https://shop.example/told, https://other.example",
    "FLASHSALE_NOTIFY_SECRETS": STANDARD_SECRET,
    "FLASHSALE_CORS_ORIGINS": "https://shop.example", "FLASHSALE_LOG_FORMAT": "json", "FLASHSALE_SLOW_CALL_MS": "50",
    "FLASHSALE_PRODUCT_READS_MAX_AGE_MS": "2000",
}  # fmt: skip
"""A good value of every variable, none of them the default."""


def test_the_url_is_percent_decoded() -> None:
    database = parse(URL)
    assert (database.host, database.port, database.database) == ("127.0.0.1", 13306, "flashsale")
    assert (database.user, database.password) == ("flashsale_api", "s@cret/#")


def test_the_port_of_mysql_is_the_default() -> None:
    assert parse("mysql://a:b@[::1]/shop").port == 3306


def test_numbers_have_defaults() -> None:
    settings = read_settings({"FLASHSALE_DATABASE_URL": URL, "FLASHSALE_WORKERS": "3", "FLASHSALE_CONNECTIONS": " "})
    assert (settings.port, settings.workers, settings.connections) == (8000, 3, 16)


@pytest.mark.parametrize(
    ("environment", "secret", "demo"),
    [("", "", True), ("development", "", True), ("development", STANDARD_SECRET, True), ("", STANDARD_SECRET, False),
     ("production", STANDARD_SECRET, False)],
)  # fmt: skip
def test_the_demo_signs_payments_only_where_somebody_said_development(
    environment: str, secret: str, demo: bool
) -> None:
    variables = {"FLASHSALE_ENV": environment, "FLASHSALE_WEBHOOK_SECRETS": secret}
    assert read_settings({"FLASHSALE_DATABASE_URL": URL, **variables}).demo is demo


def test_the_password_does_not_show() -> None:
    assert "cret" not in repr(read_settings({"FLASHSALE_DATABASE_URL": URL}))


@pytest.mark.parametrize(
    "url",
    [
        "", "localhost", "postgres://u:secret@h/d", "mysql://u:secret@h", "mysql://u:secret@h/", "mysql://h/d",
        "mysql://u:secret@/d", "mysql://u:secret@h:none/d", "mysql://u:secret@h:99999/d", "mysql://u:secret@h/d?x=1",
        "mysql://u:secret@[h/d",
    ],
)  # fmt: skip
def test_a_wrong_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Failure, match="FLASHSALE_DATABASE_URL") as refused:
        read_settings({"FLASHSALE_DATABASE_URL": url})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["PORT", "FLASHSALE_WORKERS", "FLASHSALE_CONNECTIONS"])
@pytest.mark.parametrize("value", ["0", "-1", "eight", "1.5", "99999999999999999999", "٣"])
def test_a_wrong_number_is_refused_naming_the_range(name: str, value: str) -> None:
    with pytest.raises(Failure, match=f"{name} .* whole number from 1 to"):
        read_settings({"FLASHSALE_DATABASE_URL": URL, name: value})


def test_secrets_are_split_kept_by_provider_and_do_not_show() -> None:
    settings = read_settings(
        {
            "FLASHSALE_DATABASE_URL": URL,
            "FLASHSALE_WEBHOOK_SECRETS": f"{STANDARD_NEXT}, {STANDARD_SECRET}",
            "FLASHSALE_STRIPE_SECRETS": STRIPE_SECRET,
            "FLASHSALE_ENV": "production",
        }
    )
    assert settings.secrets == {"standard": (STANDARD_NEXT, STANDARD_SECRET), "stripe": (STRIPE_SECRET,)}
    assert "whsec" not in repr(settings)


@pytest.mark.parametrize("environment", ["development", "", " "])
def test_development_needs_no_secret(environment: str) -> None:
    settings = read_settings({"FLASHSALE_DATABASE_URL": URL, "FLASHSALE_ENV": environment})
    assert settings.secrets == {"standard": (), "stripe": ()}
    assert not settings.production


def test_production_is_what_says_so() -> None:
    variables = {"FLASHSALE_ENV": " production ", "FLASHSALE_STRIPE_SECRETS": STRIPE_SECRET}
    assert read_settings({"FLASHSALE_DATABASE_URL": URL, **variables}).production


@pytest.mark.parametrize(
    ("variable", "secrets"),
    [
        ("FLASHSALE_WEBHOOK_SECRETS", "whsec_c2VjcmV0"),
        ("FLASHSALE_WEBHOOK_SECRETS", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"),
        ("FLASHSALE_WEBHOOK_SECRETS", f"{STANDARD_SECRET},"),
        ("FLASHSALE_WEBHOOK_SECRETS", f"{STANDARD_SECRET},whsec_c2VjcmV0!"),
        ("FLASHSALE_WEBHOOK_SECRETS", f"{STANDARD_SECRET} {STANDARD_NEXT}"),
        ("FLASHSALE_STRIPE_SECRETS", "sk_live_c2VjcmV0c2VjcmV0"),
        ("FLASHSALE_STRIPE_SECRETS", f"{STRIPE_SECRET};{STRIPE_SECRET}"),
    ],
)
def test_a_malformed_secret_is_refused_without_showing_it(variable: str, secrets: str) -> None:
    with pytest.raises(Failure, match=f"{variable}: .*must be .*whsec_") as refused:
        read_settings({"FLASHSALE_DATABASE_URL": URL, variable: secrets})
    shown = str(refused.value)
    assert not any(part in shown for part in ("c2VjcmV0", *secrets.replace(";", ",").split(",")) if part)


@pytest.mark.parametrize("environment", ["Production", "prod", "test", "production,"])
def test_an_unknown_environment_is_refused(environment: str) -> None:
    with pytest.raises(Failure, match=r"FLASHSALE_ENV .* development, production"):
        read_settings({"FLASHSALE_DATABASE_URL": URL, "FLASHSALE_ENV": environment})


def test_gunicorn_does_not_start_without_the_url() -> None:
    status, printed = start_up_refusal()
    assert status != 0
    assert printed.strip().endswith("percent-encoded).")
    assert "FLASHSALE_DATABASE_URL is not set" in printed
    assert "Traceback" not in printed


def test_it_listens_on_the_loopback_interface_unless_told_otherwise() -> None:
    assert read_settings({"FLASHSALE_DATABASE_URL": URL}).host == "127.0.0.1"
    assert read_settings({"FLASHSALE_DATABASE_URL": URL, "FLASHSALE_HOST": "::"}).host == "::"


@pytest.mark.parametrize("host", ["everywhere", "0.0.0.0:80", "10.0.0", "[::]"])
def test_an_address_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(Failure, match=r"FLASHSALE_HOST .* must be an IP address"):
        read_settings({"FLASHSALE_DATABASE_URL": URL, "FLASHSALE_HOST": host})


def test_another_address_than_127_0_0_1_is_not_served(service: Service) -> None:
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.2:{service.port}/healthz", verify=False)


def test_every_address_is_served_when_that_is_asked_for(api_url: str, tmp_path: Path) -> None:
    with Service(api_url, tmp_path / "log", FLASHSALE_HOST="0.0.0.0") as everywhere:
        assert httpx.get(f"http://127.0.0.2:{everywhere.port}/healthz", verify=False).status_code == 200


def test_a_secret_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(URL + "\n")

    database = read_settings({"FLASHSALE_DATABASE_URL_FILE": str(tmp_path / "url")}).database
    assert (database.password, database.database) == ("s@cret/#", "flashsale")


@pytest.mark.parametrize("name", sorted(KNOWN_VARIABLES - {"FLASHSALE_ADMIN_URL", *PASSWORDS}))
def test_every_variable_may_be_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text(GOOD[name] + "\n")
    others = {"FLASHSALE_DATABASE_URL": SEVERAL, "FLASHSALE_WEBHOOK_SECRETS": STANDARD_NEXT}
    others |= {"FLASHSALE_NOTIFY_SECRETS": STANDARD_NEXT}  # without which no URL is taken
    others.pop(name, None)

    by_file, by_value, without = (
        read_settings(environ)
        for environ in (
            others | {name + "_FILE": str(tmp_path / "file")},
            others | {name: GOOD[name]},
            {"FLASHSALE_DATABASE_URL": URL} | others,
        )
    )

    assert by_file == by_value != without


@pytest.mark.parametrize("name", ["FLASHSALE_API_KEYS", "FLASHSALE_METRICS_TOKEN", "FLASHSALE_WEBHOOK_SECRETS"])
@pytest.mark.parametrize("case", ["empty", "missing", "both"])
def test_nothing_starts_with_a_file_that_closes_nothing(tmp_path: Path, name: str, case: str) -> None:
    if case != "missing":
        (tmp_path / "s3cret").write_text("" if case == "empty" else GOOD[name])
    given = {name + "_FILE": str(tmp_path / "s3cret")} | ({name: GOOD[name]} if case == "both" else {})

    said = refused_settings(FLASHSALE_DATABASE_URL=URL, **given)

    assert f"{name}_FILE" in said
    assert not {"s3cret", GOOD[name]} & set(said.replace("'", " ").split())


@pytest.mark.parametrize("name", ["FLASHSALE_API_KEYS", "FLASHSALE_CORS_ORIGINS"])
def test_a_list_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(Failure, match=f"{name} is set to commas only"):
        read_settings({"FLASHSALE_DATABASE_URL": URL, name: " , "})


def test_every_variable_that_is_read_is_declared_and_every_declared_one_is_read() -> None:
    sources = [path.read_text(encoding="utf-8") for name in ("api", "sql") for path in (PROJECT / name).rglob("*.py")]
    read = {name for source in sources for name in re.findall(r'"(FLASHSALE_[A-Z_]+)"', source)}
    of_the_private_server = {"FLASHSALE_ROOT_PASSWORD", "FLASHSALE_RECOVERY_PASSWORD"}  # in its own file, never given

    assert read - of_the_private_server - {"FLASHSALE_"} == KNOWN_VARIABLES


def test_the_deployment_takes_its_secrets_from_files_too(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("mysql://root:s3cret@127.0.0.1:1/flashsale\n")
    files = {"FLASHSALE_ADMIN_URL_FILE": str(tmp_path / "url"), "FLASHSALE_API_PASSWORD_FILE": str(tmp_path / "none")}
    ended = subprocess.run(
        [sys.executable, "-m", "sql.deploy", "migrate"],
        cwd=PROJECT, env=files, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    assert ended.returncode == 1
    assert "FLASHSALE_API_PASSWORD_FILE must be the path of a file" in ended.stderr  # so the first of them was read
    assert "No such file" in ended.stderr
    assert "s3cret" not in ended.stderr
