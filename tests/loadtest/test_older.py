"""Another checkout is measured as it is: by its own Python, its own deployment and its own settings."""

from pathlib import Path

import httpx
import pytest

from loadtest import older
from loadtest.database import Database
from loadtest.service import serving
from sql.server.private import PrivateServer
from sql.server.service import HERE, Checkout
from sql.server.state import Failure
from tests.conftest import API_PASSWORD, OPERATOR_PASSWORD

SCRATCH = "flashsale_older"


def test_no_folder_means_that_there_is_none() -> None:
    assert older.find("") is None


def test_a_folder_without_a_python_or_without_the_api_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"\.venv.*make bench OLD="):
        older.find(str(tmp_path))
    _touch(tmp_path / ".venv/bin/python")
    with pytest.raises(Failure, match=older.SETTINGS):
        older.find(str(tmp_path))


def test_a_checkout_is_used_with_the_python_that_it_has(tmp_path: Path) -> None:
    _touch(tmp_path / ".venv/bin/python")
    _touch(tmp_path / older.SETTINGS)
    assert older.find(str(tmp_path)) == Checkout(tmp_path, str(tmp_path / ".venv/bin/python"), older.SETTINGS)


def test_a_checkout_deploys_itself_and_serves_that_database(
    mysql_server: PrivateServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the caller's environment says of another server is not for this one.
    monkeypatch.setenv("FLASHSALE_ADMIN_URL_FILE", "/nowhere")
    address = mysql_server.admin_url(SCRATCH)
    older.deploy(HERE, address, API_PASSWORD, OPERATOR_PASSWORD)
    with Database(address) as database:
        product = database.create_product("sneaker", 3)
        try:
            with serving(mysql_server.url("flashsale_api", API_PASSWORD, SCRATCH), tmp_path / "log", HERE) as service:
                assert httpx.get(f"{service.url}/api/products/{product}").json()["name"] == "sneaker"
        finally:
            database.query(f"DROP DATABASE {SCRATCH}")


def test_a_checkout_that_cannot_be_deployed_says_why(mysql_server: PrivateServer) -> None:
    nobody = mysql_server.admin_url(SCRATCH).replace("root:", "nobody:")
    with pytest.raises(Failure, match=r"could not be deployed.*\n.*Access denied"):
        older.deploy(HERE, nobody, API_PASSWORD, OPERATOR_PASSWORD)


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
