"""Servers that begin with everything deployed: each with a copy of a data folder, made once for these sources."""

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from sql.deploy import migrate
from sql.server.private import PrivateServer
from sql.server.programs import find_programs
from sql.server.state import ROOT, STATE, locked
from tests.support import accounts
from tests.support.database import Database
from tests.support.service import free_port
from tests.support.waiting import wait_until

FOLDER = STATE / "prepared"
SMALL = {"loose_innodb_redo_log_capacity": "64M"}
"""Half a gigabyte of redo log is more than all tests write."""
QUICK = {
    **SMALL, "sync_binlog": "0", "innodb_flush_log_at_trx_commit": "2", "innodb_parallel_read_threads": "1",
    "performance_schema_instrument": "memory/%=OFF",
}  # fmt: skip
"""Nothing waits for the disk, which only a power cut could tell; no COUNT(*) of a small table starts four threads; and
nobody asks what memory is for. tests/faults has the settings that ship."""


def copy_data(folder: Path, deployed: bool = True) -> None:
    """Give the server in `folder`, which has never run, the data of one that ended cleanly.

    `deployed`, or as MySQL makes it. The copy takes an identity of its own when it starts.
    """
    with locked(FOLDER / "lock", "preparing a MySQL server", lambda _: None):
        prepared = FOLDER / _key()
        if not prepared.exists():
            for old in filter(Path.is_dir, FOLDER.iterdir()):
                shutil.rmtree(old)
            _prepare(FOLDER / "part")
            (FOLDER / "part").rename(prepared)
        source = prepared / ("deployed" if deployed else "initialised")
        shutil.copytree(source, folder / "data", ignore=shutil.ignore_patterns("auto.cnf"))


@contextmanager
def prepared_server(
    factory: pytest.TempPathFactory, name: str, settings: Mapping[str, str] = QUICK
) -> Iterator[PrivateServer]:
    """A running server with everything deployed, which has swept; gone with its data afterwards, but for its log."""
    folder = factory.mktemp(name)
    copy_data(folder)
    server = PrivateServer(folder, free_port(), accounts.ROOT_PASSWORD, settings)
    try:
        server.start()
        with Database(server.admin_url()) as session:
            wait_until(lambda: session.value("SELECT COUNT(*) FROM sweep_heartbeat") > 0, 30)
        yield server
    finally:
        server.kill()
        server.forget()


def _key() -> str:
    """Another one for other sources or another MySQL."""
    folders = [ROOT / "sql", ROOT / "migrations"]
    files = [Path(__file__), Path(accounts.__file__), *(file for folder in folders for file in folder.rglob("*"))]
    key = hashlib.sha256(repr(find_programs()).encode())
    for file in sorted(file for file in files if file.is_file() and file.suffix != ".pyc"):
        key.update(f"{file} {file.stat().st_size} ".encode() + file.read_bytes())
    return key.hexdigest()[:16]


def _prepare(folder: Path) -> None:
    # Without the sweep, which would be found late when a copy is started some minutes from now.
    settings = {**QUICK, "event_scheduler": "OFF"}
    server = PrivateServer(folder / "server", free_port(), accounts.ROOT_PASSWORD, settings, echo=lambda _: None)
    data = folder / "server" / "data"
    server.initialise()
    shutil.copytree(data, folder / "initialised")
    with server:
        migrate(server.admin_url(), accounts.API_PASSWORD, accounts.OPERATOR_PASSWORD, echo=lambda _: None)
    data.rename(folder / "deployed")
