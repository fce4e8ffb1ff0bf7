"""Which MySQL is taken, and which is refused."""

import stat
from pathlib import Path

import pytest

from sql.server import programs, tools
from sql.server.state import Failure

UBUNTU = "/usr/sbin/mysqld  Ver 8.0.36-0ubuntu0.22.04.1 for Linux on x86_64 ((Ubuntu))"
MARIADB = "mysqld  Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)"


@pytest.mark.parametrize(
    ("line", "version"),
    [
        (UBUNTU, "8.0.36"),
        ("mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))", "9.7.4"),
        ("/opt/homebrew/opt/mysql/bin/mysqld  Ver 8.4.3 for macos14.7 on arm64 (Homebrew)", "8.4.3"),
        ("mysqld  Ver 8.0.17 for Linux on x86_64 (MySQL Community Server - GPL)", "8.0.17"),
    ],
)
def test_a_mysql_that_is_new_enough_will_do(line: str, version: str) -> None:
    assert tools.parse_version(line) == version


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (MARIADB, "MariaDB"),
        ("mysqld  Ver 8.0.16 for Linux on x86_64 (MySQL Community Server - GPL)", "8.0.17 is the oldest"),
        ("mysqld  Ver 5.7.44 for Linux on x86_64 (MySQL Community Server (GPL))", "8.0.17 is the oldest"),
        ("error while loading shared libraries: libaio.so.1", "does not tell its version"),
        ("", "no output"),
    ],
)
def test_what_will_not_do_is_refused_with_the_reason(line: str, why: str) -> None:
    with pytest.raises(Failure, match=why):
        tools.parse_version(line)


def program(folder: Path, name: str, version: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{version}'\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_mysqld_on_path_is_taken_before_a_private_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "mysqld", UBUNTU)
    program(tmp_path, "mysql", "mysql  Ver 8.0.36 for Linux on x86_64")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = programs.find_programs()
    assert (found.mysqld_command(), found.version) == ([str(tmp_path / "mysqld")], "8.0.36")


@pytest.mark.parametrize(
    ("server", "client", "why"),
    [(MARIADB, "mysql  Ver 8.0.36", "it is MariaDB"), (UBUNTU, MARIADB, "MySQL's client program")],
)
def test_mariadb_on_path_is_passed_over(
    server: str, client: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "mysqld", server)
    program(tmp_path, "mysql", client)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    private = tools.Programs(Path("private/mysqld"), Path("private/mysql"), "9.7.4")
    monkeypatch.setattr(programs, "_private_copy", lambda progress: private)
    told: list[str] = []
    assert programs.find_programs(told.append) == private
    assert why in told[0]


def test_a_client_program_on_path_is_enough_to_save_a_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "mysqldump", "mysqldump  Ver 8.0.36 for Linux on x86_64")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(programs, "find_programs", lambda progress: pytest.fail("nothing has to be obtained"))
    assert programs.obtain_tool("mysqldump") == tools.find_tool("mysqldump") == [str(tmp_path / "mysqldump")]


def test_a_client_program_that_is_nowhere_is_named_and_not_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "tool_on_path", lambda name: None)
    monkeypatch.setattr(tools, "on_path", lambda progress: None)
    monkeypatch.setattr(tools, "PRIVATE_COPY", tmp_path / "mysql")
    with pytest.raises(Failure, match="no mysqldump on PATH: install MySQL's client programs"):
        tools.find_tool("mysqldump")
    assert list(tmp_path.iterdir()) == []
