"""``python -m sql.deploy.backup save|restore FILE``: what ``make backup`` and ``make restore`` run.

A backup is one snapshot of a running sale, and the binary log that begins just before it. A restore loads the snapshot
and then repeats the log. mysqldump's own --source-data would need FLUSH TABLES WITH READ LOCK, which stops every buyer
and, in the middle of a sale, ends in a deadlock. FLUSH BINARY LOGS stops nobody, and MySQL begins a new log only when
all that the old ones have is committed: what a snapshot that is taken then does not have is in the new log. The few
transactions that are in both are repeated with --idempotent.
"""

import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import mysql.connector

from sql.deploy.deployment import Echo, migrate
from sql.deploy.primary import find_primary
from sql.deploy.session import Session, scheduler_off
from sql.deploy.unfinished import End, begin, begun, clear, finish
from sql.server.state import STATE, Failure, private_folder
from sql.server.tools import find_tool
from sql.server.urls import Url, parse
from sql.server.variables import ADMIN_URL, API_PASSWORD, OPERATOR_PASSWORD, read_variable

BACKUPS = STATE / "backups"
DUMP = ["--single-transaction", "--routines", "--events", "--no-tablespaces", "--set-gtid-purged=OFF", "--hex-blob"]
_WHOLE = b"-- Dump completed"
"""How the last line begins of what mysqldump wrote to its end."""
_HEAD = re.compile(r"-- A backup of the database (\S+); the binary log goes on with (\S+)\n")


class Head(NamedTuple):
    """What the first line of a backup says: the database, and the file with which the binary log goes on."""

    database: str
    log: str


def save(url: Url, file: Path, echo: Echo = print) -> None:
    """Write a backup to `file`, compressed and for its owner's eyes only; it appears when it is whole.

    The sale goes on meanwhile. Raises Failure with what mysqldump said.
    """
    log = _begin_log(url)
    part = file.with_name(file.name + ".part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw, gzip.open(raw, "wb") as packed:
        packed.write(f"-- A backup of the database {url.database}; the binary log goes on with {log}\n".encode())
        command = [*find_tool("mysqldump"), *_login(url), *DUMP, url.database]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment(url)
        ) as process:
            assert process.stdout and process.stderr
            shutil.copyfileobj(process.stdout, packed, 1 << 20)
            said = process.stderr.read().decode(errors="replace").strip()
    if process.returncode != 0:
        part.unlink()
        raise Failure(f"no backup was made: {said}")
    part.rename(file)
    echo(f"  {file}: {file.stat().st_size:,} bytes; the binary log goes on with {log}")


def restore(
    url: Url, file: Path, passwords: tuple[str, str], logs: Path | None = None, until: str = "", echo: Echo = print
) -> None:
    """Make the database of `url` what it was when `file` was saved, and then repeat what the binary log has since.

    The log is the server's own, up to this moment, or the files in the folder `logs` when that server is lost.
    `until` is a UTC time, 'YYYY-MM-DD hh:mm:ss': nothing that was committed from then on is repeated. What is wrong
    with the file, the log or the time is found before anything is replaced. Raises Failure then, when buyers are
    connected, and when the result does not add up.
    """
    head = read_head(file)
    _require_time(until)
    with Session(url, database=None) as session:
        _refuse_beside_buyers(session, url.database)
        unfinished = begun(url)
        end = None if logs else unfinished or _end_of_log(session)
        commands = list(_log_commands(session, url, head, logs or end, until))
        with scheduler_off(session):  # no sweep of half a sale
            if unfinished:
                echo("  the restore before this one did not finish; what was written since it began is left out")
                clear(url)
            migrate(str(url), *passwords, echo=lambda line: None)  # the accounts, which the views in the backup need
            if end:
                begin(url, end)
            client = [*find_tool("mysql"), *_login(url), "--binary-mode", "--loose-commands", url.database]
            echo(f"  loading {file}")
            _load(url, file, client)
            for command in commands:
                echo(
                    f"  repeating {' '.join(Path(name).name for name in command if 'binlog' in Path(name).name)[:200]}"
                )
                _repeat(url, command, client)
            for line in _migrated(url, passwords):  # the grants, which the procedures in the backup took with them
                echo(line)
            finish(url)
    with Session(url) as checker:
        checker.query("CALL sweep()")
        wrong = checker.query("SELECT violation, product_id, detail FROM invariant_violations")
    if wrong:
        raise Failure("\n".join(["what was restored does not add up:", *(str(row) for row in wrong)]))
    echo("  everything adds up")


def read_head(file: Path) -> Head:
    """What the first line of a backup says. Raises Failure when it is none, or is not whole."""
    try:
        with gzip.open(file, "rb") as text:
            found = _HEAD.fullmatch(text.readline(1000).decode(errors="replace"))
            last = b""
            for line in text:  # to its end, where the checksum is
                last = line
    except (OSError, EOFError, zlib.error) as error:
        raise Failure(f"{file} is no backup, or is damaged: {error}") from None
    if not found:
        raise Failure(f"{file} is no backup of `make backup`: its first line names no binary log")
    if not last.startswith(_WHOLE):
        raise Failure(f"{file} is not the whole of a backup: its last line is missing")
    return Head(found[1], found[2])


def _require_time(until: str) -> None:
    """mysqlbinlog would say so only when the backup is loaded."""
    if until:
        try:
            datetime.strptime(until, "%Y-%m-%d %H:%M:%S")
        except ValueError:
            raise Failure(f"UNTIL must be a UTC time such as '2026-11-27 09:00:00', not {until!r}") from None


def _begin_log(url: Url) -> str:
    """Begin a new file of the binary log, and return its name; all that is in older ones is committed."""
    with Session(url, database=None) as session:
        if not session.value("SELECT @@GLOBAL.log_bin"):
            raise Failure("the server keeps no binary log, so what is sold after a backup would be lost: set log_bin")
        session.query("FLUSH BINARY LOGS")
        return list(_lengths(session))[-1]


def _lengths(session: Session) -> dict[str, int]:
    """The files of the binary log and how long they are, oldest first."""
    return {row["Log_name"]: int(row["File_size"]) for row in session.query("SHOW BINARY LOGS")}


def _log_commands(session: Session, url: Url, head: Head, source: Path | End | None, until: str) -> Iterator[list[str]]:
    """The mysqlbinlog command for all since the backup, from a folder, or from the server up to the end of its log.

    It is made before the restore itself is logged.
    """
    names = [head.database, url.database]
    command = [*find_tool("mysqlbinlog"), "--no-defaults", "--skip-gtids", "--idempotent"]
    command += [f"--rewrite-db={'->'.join(names)}"] if names[0] != names[1] else []
    command += [f"--database={url.database}"]
    command += [f"--stop-datetime={until}"] if until else []
    if isinstance(source, Path):
        kind = head.log.rpartition(".")[0]
        files = sorted(path for path in source.glob(f"{kind}.[0-9]*") if path.name >= head.log)
        if not files or files[0].name != head.log:
            raise Failure(f"{source} has no {head.log}, with which the log goes on after the backup")
        yield [*command, *map(str, files)]
        return
    assert source
    there = [name for name in _lengths(session) if head.log <= name <= source.log]
    if head.log not in there:
        raise Failure(
            f"the server has no {head.log} any more, with which the log goes on after the backup;"
            " LOGS= names a folder that has a copy"
        )
    remote = [*_login(url)[1:], "--read-from-remote-server", f"--stop-position={source.position}"]
    yield [*command, *remote, *there]


def _end_of_log(session: Session) -> End:
    return End(*list(_lengths(session).items())[-1])


def _repeat(url: Url, command: list[str], client: list[str]) -> None:
    environment = _environment(url)
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as log,
        subprocess.Popen(client, stdin=log.stdout, env=environment) as repeated,
    ):
        assert log.stdout
        log.stdout.close()
    if log.returncode or repeated.returncode:
        raise Failure("the binary log could not be repeated; the database is as it was at the backup, or between")


def _load(url: Url, file: Path, client: list[str]) -> None:
    with (
        gzip.open(file, "rb") as text,
        subprocess.Popen(client, stdin=subprocess.PIPE, env=_environment(url)) as loading,
    ):
        assert loading.stdin
        try:
            shutil.copyfileobj(text, loading.stdin, 1 << 20)
            loading.stdin.close()
        except BrokenPipeError:
            pass  # the client has said why it ended
    if loading.returncode:
        raise Failure(f"{file} could not be loaded; the database is not whole, restore it again")


def _migrated(url: Url, passwords: tuple[str, str]) -> list[str]:
    lines: list[str] = []
    migrate(str(url), *passwords, echo=lines.append)
    return lines


def _refuse_beside_buyers(session: Session, database: str) -> None:
    statement = "SELECT COUNT(*) FROM performance_schema.processlist WHERE user = 'flashsale_api' AND db = %s"
    if session.value(statement, database):
        raise Failure(f"the API is connected to {database}: stop it first, so that nobody buys what is replaced")


def _login(url: Url) -> list[str]:
    tls = [f"--ssl-mode={url.ssl_mode}"] if url.ssl_mode else []
    tls += [f"--ssl-ca={url.ssl_ca}"] if url.ssl_ca else []
    return ["--no-defaults", "--protocol=TCP", f"--host={url.host}", f"--port={url.port}", f"--user={url.user}", *tls]


def _environment(url: Url) -> dict[str, str]:
    # mysqlbinlog compares --stop-datetime with the machine's time zone.
    return os.environ | {"MYSQL_PWD": url.password, "TZ": "UTC"}


def main() -> int:
    """Save or restore the database of FLASHSALE_ADMIN_URL; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sql.deploy.backup")
    parser.add_argument("action", choices=["save", "restore"])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--logs", type=Path)
    parser.add_argument("--until", default="")
    given = parser.parse_args()
    values = [read_variable(os.environ, name) for name in (ADMIN_URL, API_PASSWORD, OPERATOR_PASSWORD)]
    try:
        url = parse(values[0], ADMIN_URL)
        if given.action == "save":
            now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
            save(url, given.file or private_folder(BACKUPS) / f"{url.database}-{now}.sql.gz")
        elif given.file is None:
            raise Failure("say which: make restore FILE=<one of `make backup`> [LOGS=<folder>] [UNTIL=<UTC time>]")
        else:
            restore(find_primary(url), given.file, (values[1], values[2]), given.logs, given.until)
    except (mysql.connector.Error, Failure) as error:
        print(f"{given.action} failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"{given.action} was stopped; a database that was being replaced is not whole: restore it again",
            file=sys.stderr,
        )
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
