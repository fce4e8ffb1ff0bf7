"""A MySQL server of our own: made, started and stopped in one folder."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from . import lease
from .passwords import load_passwords
from .ports import LOOPBACK, port_is_free
from .programs import find_programs
from .state import Echo, Failure, locked, private_folder, say, write_private
from .tools import Programs
from .urls import Url

MY_CNF = Path(__file__).with_name("my.cnf")
FIRST_PORT = 13306
# Recovery after a crash under load took up to 8 s; a laptop with a full disk cache takes longer.
START_SECONDS = 90
STOP_SECONDS = 90


class PrivateServer:
    """mysqld on `host`, 127.0.0.1, with its data in `folder`/data and its log, port and pid in `folder`/run.

    port: 0 means the port of the last time, else the first free one from 13306 on.
    root_password: None means the one in `folder`/secrets.env, generated once.
    settings: further mysqld options, {"binlog_group_commit_sync_delay": "2000"}, also while the data folder is made.
    option_files: read after my.cnf, but not while the data folder is made.
    It speaks TCP only: a socket's path may have 107 bytes, and a project may lie deeper.
    """

    host = LOOPBACK

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        root_password: str | None = None,
        settings: Mapping[str, str] | None = None,
        programs: Programs | None = None,
        echo: Echo = say,
        option_files: Sequence[Path] = (),
    ) -> None:
        self._folder = folder.resolve()
        self._data = self._folder / "data"
        self._run = self._folder / "run"
        self._log = self._run / "mysqld.log"
        self._lease = self._run / "mysqld.lease"
        self._pid_file = self._run / "mysqld.pid"
        self._fixed_port = port
        self._password = root_password
        self._settings = dict(settings or {})
        self._option_files = option_files
        self._programs = programs
        self._echo = echo
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process that serves the data folder, also one that another program started; None when none does."""
        return lease.holder(self._lease)

    @property
    def port(self) -> int:
        """The TCP port it listens on, or listened on last; 0 when it never ran and none was asked for."""
        try:
            return int((self._run / "port").read_text())
        except (FileNotFoundError, ValueError):
            return self._fixed_port

    @property
    def log(self) -> Path:
        """The file of its messages."""
        return self._log

    @property
    def root_password(self) -> str:
        """The password of root@localhost."""
        if self._password is None:
            self._password = load_passwords(private_folder(self._folder))["FLASHSALE_ROOT_PASSWORD"]
        return self._password

    def admin_url(self, database: str = "flashsale") -> str:
        """The URL of its administrator, root."""
        return self.url("root", self.root_password, database)

    def url(self, user: str, password: str, database: str = "flashsale") -> str:
        """The URL of another account of it."""
        return str(Url(user, password, self.host, self.port, database))

    def running(self) -> bool:
        """Whether a mysqld serves the data folder."""
        return self.pid is not None

    def start(self) -> bool:
        """Make the data folder when there is none, start mysqld and wait until it answers.

        True when this call started it, False when it was running already. Raises Failure with the end of the log.
        """
        with self._locked("starting"):
            if self.running():
                _wait(lambda: self._greets(self.port), START_SECONDS, f"MySQL (process {self.pid}) does not answer")
                return False
            programs = self._programs or find_programs(self._echo)
            if not self._data.exists():
                self._initialise(programs)
            self._launch(programs)
            return True

    def initialise(self) -> None:
        """Make the data folder, there being none, and start nothing. Raises Failure with the end of the log."""
        with self._locked("making the data folder of"):
            self._initialise(self._programs or find_programs(self._echo))

    def stop(self) -> None:
        """Stop it cleanly and wait until it is gone; nothing happens when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it by SIGKILL, as a power cut would."""
        self._end(signal.SIGKILL)

    def forget(self) -> None:
        """Delete its data; it must not run."""
        shutil.rmtree(self._data)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _locked(self, doing: str) -> AbstractContextManager[None]:
        return locked(private_folder(self._run) / "lock", f"{doing} MySQL in {self._folder}", self._echo)

    def _command(self, programs: Programs, data: Path, option_file: Path = MY_CNF) -> list[str]:
        user = ["--user=root"] if os.geteuid() == 0 else []
        options = [f"--defaults-file={option_file}", *programs.server_options, *user, f"--datadir={data}"]
        return [*programs.mysqld_command(), *options, f"--log-error={self._log}"]

    def _options(self) -> list[str]:
        return [f"--{name}={value}" for name, value in self._settings.items()]

    def _initialise(self, programs: Programs) -> None:
        """Make the data folder beside its place, and put it there only when it is whole."""
        self._echo(f"making the data folder {self._data}")
        part = self._data.with_name("data.part")
        shutil.rmtree(part, ignore_errors=True)
        since = self._log_size()
        command = [*self._command(programs, part), *self._options(), "--initialize-insecure"]
        if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode != 0:
            raise Failure(f"MySQL could not make its data folder:\n{self._errors(since)}")
        part.rename(self._data)

    def _launch(self, programs: Programs) -> None:
        """Start mysqld on the first port that it gets. Root has its password before the first connection is let in."""
        init = self._run / "init.sql"
        write_private(init, self._init_sql())
        options = ["--socket=", f"--pid-file={self._pid_file}", f"--init-file={init}"]
        options += self._options()
        since = self._log_size()
        option_file = self._run / "my.cnf"
        write_private(option_file, "".join(f"!include {path}\n" for path in (MY_CNF, *self._option_files)))
        for port in self._ports():
            since = self._log_size()
            if self._serve([*self._command(programs, self._data, option_file), *options, f"--port={port}"], port):
                init.unlink()
                return
            if "Do you already have another mysqld server running on port" not in self._log_text(since):
                break
        raise Failure(f"MySQL ended while it started (log: {self._log}):\n{self._errors(since)}")

    def _init_sql(self) -> str:
        """What the server does before it lets anybody in; in no log, for it is about this server alone."""
        password = self.root_password.replace("\\", "\\\\").replace("'", "''")
        return f"SET sql_log_bin = 0;\nALTER USER root@localhost IDENTIFIED BY '{password}';\n"

    def _serve(self, command: list[str], port: int) -> bool:
        """Whether mysqld, started by `command`, answers on `port`; False when it ended instead."""
        write_private(self._run / "port", f"{port}\n")
        self._pid_file.unlink(missing_ok=True)
        self._process = process = lease.begin(self._lease, command, output=subprocess.DEVNULL)
        try:
            _wait(
                lambda: process.poll() is not None or (self._has_port(process.pid) and self._greets(port)),
                START_SECONDS, "MySQL does not answer",
            )  # fmt: skip
        except BaseException:
            process.kill()
            process.wait()
            raise
        return process.poll() is None

    def _has_port(self, pid: int) -> bool:
        """Whether the process got its port, after which it writes its pid. Else a stranger's server may greet there."""
        try:
            return int(self._pid_file.read_text()) == pid
        except (FileNotFoundError, ValueError):
            return False

    def _greets(self, port: int) -> bool:
        """Whether a MySQL server on the port says hello: it listens earlier, but greets only when it is ready."""
        try:
            with socket.create_connection((self.host, port), timeout=1) as connection:
                connection.settimeout(1)
                return len(connection.recv(5)) == 5
        except OSError:
            return False

    def _ports(self) -> Iterator[int]:
        """Those worth trying, in this order."""
        if self._fixed_port:
            yield self._fixed_port
            return
        candidates = [self.port or FIRST_PORT, *range(FIRST_PORT, FIRST_PORT + 200)]
        yield from filter(port_is_free, candidates)

    def _end(self, how: signal.Signals) -> None:
        if not self.running():
            return
        with self._locked("stopping"):
            lease.end(self._lease, how, STOP_SECONDS)
        if self._process:
            self._process.wait()

    def _log_size(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0

    def _log_text(self, since: int) -> str:
        if not self._log.exists():
            return ""
        with open(self._log, encoding="utf-8", errors="replace") as log:
            log.seek(since)
            return log.read()

    def _errors(self, since: int) -> str:
        """What the log says about a failure since that size of it."""
        lines = self._log_text(since).splitlines()
        return "\n".join([line for line in lines if "[ERROR]" in line][:5] or lines[-5:])


def _wait(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Return as soon as `condition` holds. Raises Failure saying `otherwise` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"{otherwise} (waited {seconds:.0f} s)")
        time.sleep(0.05)
