"""The API as it ships, gunicorn with its own settings, for the length of a `with` block."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
START_SECONDS = 30
STOP_SECONDS = 20


class ServiceError(Exception):
    """gunicorn did not come up; the message has the end of its log."""


@dataclass(frozen=True)
class Service:
    """A running gunicorn: the pid of its master, the port it answers on, its log."""

    pid: int
    port: int
    log: Path
    host: str = HOST

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.host}:{self.port}"


@dataclass(frozen=True)
class Checkout:
    """Where an API comes from: its folder, its Python, gunicorn's settings in it."""

    folder: Path = ROOT
    python: str = sys.executable
    settings: str = "api/server/gunicorn.conf.py"


@contextmanager
def serving(
    database_url: str,
    log: Path,
    app: str = "api.app:get_app()",
    checkout: Checkout | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Service]:
    """Run an application by gunicorn on a free port against a database, and stop it again. Raises ServiceError.

    settings: further environment variables of it.
    """
    checkout = checkout or Checkout()
    port = free_port()
    # The API knows its own account and no other. Load comes without a key, and its payments are unsigned.
    secrets = (
        "FLASHSALE_ADMIN_URL", "FLASHSALE_API_PASSWORD", "FLASHSALE_OPERATOR_PASSWORD", "FLASHSALE_API_KEYS",
        "FLASHSALE_ENV", "FLASHSALE_WEBHOOK_SECRETS", "FLASHSALE_STRIPE_SECRETS", "FLASHSALE_NOTIFY_URL",
        "FLASHSALE_NOTIFY_SECRETS",
    )  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in secrets}
    environment |= {"PORT": str(port), "FLASHSALE_HOST": HOST, "FLASHSALE_DATABASE_URL": database_url}
    environment |= settings or {}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [checkout.python, "-m", "gunicorn", "-c", checkout.settings, app],
            cwd=checkout.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # A session of its own: Ctrl-C is for the program that started us, which then ends it in order.
            start_new_session=True,
        )
    try:
        _wait(process, port, log)
        yield Service(process.pid, port, log)
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop a process by SIGTERM, and by SIGKILL, with all of its session, when it does not listen."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def free_port() -> int:
    """A TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection(HOST, port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    raise ServiceError(f"the API did not come up; the end of {log}:\n{log.read_text(errors='replace')[-2000:]}")
