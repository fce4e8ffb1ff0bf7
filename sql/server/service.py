"""The API as it ships, gunicorn with its own settings: for `make run`, the tests and the load test."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from .ports import LOOPBACK, free_port
from .state import ROOT, Failure
from .variables import DATABASE_URL, PORT, without_ours

START_SECONDS = 30
# gunicorn lets requests finish for 10 s (its graceful_timeout), and a busy machine takes its time.
STOP_SECONDS = 30
WORKERS = 2
"""Processes that serve, unless FLASHSALE_WORKERS says otherwise."""


@dataclass(frozen=True)
class Checkout:
    """What gunicorn runs: the folder it lies in, its Python, gunicorn's settings, and the application."""

    folder: Path = ROOT
    python: str = sys.executable
    settings: str = "api/server/gunicorn.conf.py"
    app: str = ""
    """"" for the one that the settings name."""

    def command(self, *options: str) -> list[str]:
        """The command line, to be run in `folder`; `options` are gunicorn's."""
        return [self.python, "-m", "gunicorn", "-c", self.settings, *options, *filter(None, [self.app])]


HERE = Checkout()


class Service:
    """A running gunicorn on a port of 127.0.0.1, until `stop` or the end of a `with` block.

    log: the file to which what it prints is added.
    port: None for one that is free.
    ready: the path that answers 200 when it serves.
    environment: what it is told besides its port and its database. Of our own shell it hears nothing about the API.
    Raises Failure with the end of the log when it does not come up.
    """

    def __init__(
        self,
        database_url: str,
        log: Path,
        port: int | None = None,
        *,
        checkout: Checkout = HERE,
        ready: str = "/healthz",
        **environment: str,
    ) -> None:
        self.port = port or free_port()
        self.log = log
        given = {PORT: str(self.port), DATABASE_URL: database_url} | environment
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                checkout.command(),
                cwd=checkout.folder,
                env=without_ours(os.environ) | given,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A session of its own: Ctrl-C is for the program that started us, which then ends it in order.
                start_new_session=True,
            )
        try:
            await_answer(self.process, self.port, ready, log)
            self._await_workers(int(environment.get("FLASHSALE_WORKERS", WORKERS)))
        except BaseException:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop()
            raise

    @property
    def pid(self) -> int:
        """The process id of its master."""
        return self.process.pid

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def workers(self) -> set[int]:
        """The process ids of its workers; none where there is no /proc."""
        try:
            return {int(child) for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()}
        except OSError:
            return set()

    def stop(self) -> None:
        """Stop it as an operator would, with SIGTERM."""
        end(self.process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _await_workers(self, count: int) -> None:
        """The first may answer while the others are being made."""
        deadline = time.monotonic() + START_SECONDS
        while 0 < len(self.workers()) < count and time.monotonic() < deadline:
            time.sleep(0.02)


def await_answer(process: subprocess.Popen[bytes], port: int, path: str = "/healthz", log: Path | None = None) -> None:
    """Return as soon as the API that runs as `process` answers 200 at 127.0.0.1:`port`.

    Raises Failure, with the end of `log` if it prints into that, when it ends instead, or does not answer in time.
    """
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port, path):
        ended = process.poll() is not None
        if ended or time.monotonic() > deadline:
            what = f"start (status {process.returncode})" if ended else f"answer within {START_SECONDS} s"
            why = f"the end of {log}:\n{log.read_text(errors='replace')[-2000:]}" if log else "it says why above"
            raise Failure(f"the API did not {what}; {why}")
        time.sleep(0.05)


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop a process by SIGTERM; by SIGKILL, with all of its session, when it does not listen: then raise."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
