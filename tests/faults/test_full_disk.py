"""A disk that takes no more: a clear 503, no half-done sale, and afterwards it goes on by itself.

MySQL knows two answers. When the disk is full (ENOSPC) it holds every commit and looks again every 60 s; reads go on.
On any other refusal (here EFBIG, at a file size limit) it ends rather than commit what the binary log does not have.
"""

import resource
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from sql.server.private import PrivateServer
from sql.server.programs import find_programs
from tests.conftest import API_PASSWORD, OPERATOR_PASSWORD, url_of
from tests.faults.conftest import redeploy
from tests.faults.test_mysql_fails import API_SESSIONS
from tests.support.buyer import Buyer
from tests.support.database import Database
from tests.support.fault_lengths import LONG
from tests.support.prepared_servers import copy_data
from tests.support.running_sale import assert_sold_once, running_sale
from tests.support.service import Service, free_port
from tests.support.waiting import wait_until


class Disk(Protocol):
    """Where a server keeps its binary log."""

    server: PrivateServer

    def fill(self) -> None:
        """From now on it refuses to be written to."""

    def empty(self) -> None:
        """There is room again, and a supervisor starts what has ended."""


class LimitedDisk:
    """No file may grow beyond the size that the binary log has now. The kernel enforces it for any account."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "data"
        copy_data(folder)
        self.server = PrivateServer(folder, free_port(), root_password="root-password")

    def fill(self) -> None:
        pid = self.server.pid
        assert pid is not None
        size = max(log.stat().st_size for log in self._data.glob("binlog.0*"))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def empty(self) -> None:
        wait_until(lambda: not self.server.running(), 30)
        self.server.start()


class FullDisk:
    """The binary log on a small tmpfs of its own, in a mount namespace that an ordinary user may have, too."""

    def __init__(self, folder: Path) -> None:
        self._logs = folder / "logs"
        self._logs.mkdir(parents=True)
        namespace = ("unshare", "--user", "--map-root-user", "--mount")
        mount = ("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(self._logs))
        if not shutil.which("unshare") or subprocess.run([*namespace, *mount], check=False).returncode != 0:
            warnings.warn("this kernel lets us mount no tmpfs: the full disk was not tested", stacklevel=1)
            pytest.skip("no tmpfs can be mounted here")
        programs = find_programs()
        inside = (*namespace, "sh", "-c", f"{' '.join(mount[:-1])} '{self._logs}' && exec \"$@\"", "sh")
        programs = replace(
            programs,
            loader=(*inside, *programs.loader),
            server_options=(*programs.server_options, "--user=root"),
        )
        settings = {"log_bin": str(self._logs / "binlog")}
        self.server = PrivateServer(folder, free_port(), "root-password", settings, programs)

    @property
    def _ballast(self) -> Path:
        return Path(f"/proc/{self.server.pid}/root{self._logs}/ballast")

    def fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as file:
            for size in (65536, 1):
                with pytest.raises(OSError, match="No space left"):
                    while True:
                        file.write(b"x" * size)

    def empty(self) -> None:
        self._ballast.unlink()


@contextmanager
def shop_on(disk: Disk, log: Path) -> Iterator[tuple[Service, Database]]:
    """A sale on a server with that disk."""
    with disk.server:
        redeploy(disk.server)
        service = Service(url_of(disk.server, "flashsale_api", API_PASSWORD), log)
        try:
            with Database(url_of(disk.server, "flashsale_operator", OPERATOR_PASSWORD)) as db:
                yield service, db
        finally:
            service.stop()


def test_a_disk_that_refuses_to_be_written_stops_the_sale_and_costs_nobody_anything(tmp_path: Path) -> None:
    disk = LimitedDisk(tmp_path / "server")
    with shop_on(disk, tmp_path / "gunicorn.log") as (service, db):
        with running_sale(service.url, db) as sale:
            disk.fill()
            wait_until(lambda: sale.answers[503] >= 20)
            disk.empty()
            sale.goes_on(12)

        assert sale.answers.keys() <= {200, 201, 202, 503}
        with Database(url_of(disk.server, "flashsale_operator", OPERATOR_PASSWORD)) as after:
            assert_sold_once(after, sale)


def full_disk_test(tmp_path: Path) -> None:
    """The whole sale waits with MySQL, is told so within the gateway's limits, and goes on when there is room."""
    disk = FullDisk(tmp_path / "server")
    with shop_on(disk, tmp_path / "gunicorn.log") as (service, db), Database(disk.server.admin_url()) as admin:
        with running_sale(service.url, db, buyers=24, patience=180) as sale, Buyer(service.url) as visitor:
            disk.fill()
            wait_until(lambda: sale.answers[503] >= 200, 60)
            paid = len(sale.paid)
            assert visitor.get(f"/api/products/{sale.product}").status_code == 200
            assert len(admin.query(API_SESSIONS)) < 80
            assert len(sale.paid) == paid, "sold on a full disk"
            disk.empty()
            sale.goes_on(24)

        assert sale.answers.keys() <= {200, 201, 202, 503}
        assert sale.slowest < 5
        # The sweep has waited with everybody, and until it runs again that is a violation, too.
        wait_until(lambda: db.one("health_check")["status"] == "ok", 30)
        assert_sold_once(db, sale)


if LONG:  # MySQL looks for free space every 60 s

    @pytest.mark.timeout(240)
    def test_a_full_disk_stops_the_sale_until_there_is_room(tmp_path: Path) -> None:
        full_disk_test(tmp_path)
