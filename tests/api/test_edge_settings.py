"""The API starts only with an environment it understands, and says what is wrong with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.settings import SettingsError, parse_database_url, read_settings

URL = "mysql://flashsale_api:s%40cret%2F%23@127.0.0.1:13306/flashsale"
PROJECT = Path(__file__).parents[2]


def test_the_url_is_percent_decoded() -> None:
    database = parse_database_url(URL)
    assert (database.host, database.port, database.name) == ("127.0.0.1", 13306, "flashsale")
    assert (database.user, database.password) == ("flashsale_api", "s@cret/#")


def test_the_port_of_mysql_is_the_default() -> None:
    assert parse_database_url("mysql://a:b@[::1]/shop").port == 3306


def test_numbers_have_defaults() -> None:
    settings = read_settings({"FLASHSALE_DATABASE_URL": URL, "FLASHSALE_WORKERS": "3", "FLASHSALE_THREADS": " "})
    assert (settings.port, settings.workers, settings.threads) == (8000, 3, 16)


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
    with pytest.raises(SettingsError, match="FLASHSALE_DATABASE_URL") as refused:
        read_settings({"FLASHSALE_DATABASE_URL": url})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["PORT", "FLASHSALE_WORKERS", "FLASHSALE_THREADS"])
@pytest.mark.parametrize("value", ["0", "-1", "eight", "1.5", "99999999999999999999", "٣"])
def test_a_wrong_number_is_refused_naming_the_range(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} .* whole number from 1 to"):
        read_settings({"FLASHSALE_DATABASE_URL": URL, name: value})


def test_gunicorn_does_not_start_without_the_url() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLASHSALE_")}
    command = [sys.executable, "-m", "gunicorn", "-c", "api/gunicorn.conf.py"]
    ended = subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode != 0
    assert ended.stderr.strip().endswith("percent-encoded).")
    assert "FLASHSALE_DATABASE_URL is not set" in ended.stderr
    assert "Traceback" not in ended.stderr
