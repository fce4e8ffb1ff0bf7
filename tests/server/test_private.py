"""A private server lives where it is told, survives being killed, and never half exists."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sql.server.ports import LOOPBACK, port_is_free
from sql.server.private import PrivateServer
from sql.server.state import Failure
from sql.server.urls import Url, parse
from tests.support.database import Database
from tests.support.prepared_servers import SMALL, copy_data

LITTLE = SMALL | {"innodb_buffer_pool_size": "64M"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    # Deeper than the 107 bytes that a socket's path may have, and with a space in it.
    folder = tmp_path_factory.mktemp("a server") / ("deep-" * 24)
    # A page size counts only when the data folder is made, and no other one may be asked for afterwards.
    settings = LITTLE | {"innodb_page_size": "8k"}
    with PrivateServer(folder, root_password="it's\\ a%secret", settings=settings) as server:
        yield server


def test_a_second_start_finds_it_running(server: PrivateServer) -> None:
    pid = server.pid
    assert not server.start()
    assert server.pid == pid is not None


def test_it_starts_again_after_a_crash_on_the_same_port(server: PrivateServer) -> None:
    pid, port = server.pid, server.port
    server.kill()
    assert server.pid is None
    assert server.start()
    assert (server.port, server.pid == pid) == (port, False)


def test_its_url_holds_any_password(server: PrivateServer) -> None:
    assert parse(server.admin_url("shop")) == Url("root", "it's\\ a%secret", "127.0.0.1", server.port, "shop")


def test_it_takes_the_next_port_when_the_first_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        taken = listener.getsockname()[1]
        monkeypatch.setattr("sql.server.private.FIRST_PORT", taken)
        (tmp_path / "data.part").mkdir()  # and what an interrupted start left is done again
        (tmp_path / "data.part" / "ibdata1").touch()
        with PrivateServer(tmp_path, settings=LITTLE) as second:
            assert taken < second.port < taken + 200
            assert not (tmp_path / "data.part").exists()
            assert (tmp_path / "secrets.env").stat().st_mode & 0o777 == 0o600
        assert second.pid is None


def test_a_strangers_server_on_its_port_does_not_pass_for_it(server: PrivateServer, tmp_path: Path) -> None:
    """It was free when it was looked for, and taken a moment later: what greets there is not ours."""
    copy_data(tmp_path, deployed=False)
    second = PrivateServer(tmp_path, port=server.port, settings=LITTLE)

    with pytest.raises(Failure, match="already have another mysqld"):
        second.start()
    assert second.pid is None
    assert server.pid is not None


def test_of_two_that_start_at_the_same_time_each_serves_on_a_port_of_its_own(
    server: PrivateServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both saw the same port free; the other one got it, and greets there."""
    seen = iter([True])
    monkeypatch.setattr("sql.server.private.port_is_free", lambda port: next(seen, False) or port_is_free(port))
    copy_data(tmp_path, deployed=False)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "port").write_text(f"{server.port}\n")
    with PrivateServer(tmp_path, root_password="of the second", settings=LITTLE) as second:
        assert second.port != server.port
        with Database(second.admin_url("mysql")) as session:
            assert Path(session.value("SELECT @@datadir")) == tmp_path / "data"
