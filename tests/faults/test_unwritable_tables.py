"""A MySQL that was started so that no table can be written: it answers, and is out of service."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sql.server.private import PrivateServer
from tests.conftest import API_PASSWORD, url_of
from tests.faults.test_mysql_fails import assert_out_of_service
from tests.support.buyer import Buyer
from tests.support.database import Database
from tests.support.prepared_servers import copy_data
from tests.support.sale import new_product
from tests.support.service import Service, free_port

PASSWORD = "root-password"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a server that sells one product, and does not run."""
    folder = tmp_path_factory.mktemp("mysql-to-freeze")
    copy_data(folder)
    with PrivateServer(folder, free_port(), PASSWORD) as server, Database(server.admin_url()) as session:
        assert new_product(session, 5) == 1
    return folder


@pytest.fixture(params=["innodb_read_only", "innodb_force_recovery"])
def frozen(request: pytest.FixtureRequest, deployed: Path) -> Iterator[tuple[str, PrivateServer]]:
    """That server, started with an option that keeps its tables as they are."""
    with PrivateServer(deployed, free_port(), PASSWORD, {request.param: "1"}) as server:
        yield request.param, server


def test_tables_that_cannot_be_written_are_out_of_service(frozen: tuple[str, PrivateServer], tmp_path: Path) -> None:
    option, server = frozen
    service = Service(url_of(server, "flashsale_api", API_PASSWORD), tmp_path / "gunicorn.log")
    try:
        with Buyer(service.url) as buyer:
            for _ in range(3):
                assert_out_of_service(buyer.hold(1))
            assert buyer.get("/api/products/1").json()["available"] == 5
            ready = buyer.get("/readyz")
            assert_out_of_service(ready)
            assert option in ready.json()["detail"]
    finally:
        service.stop()
