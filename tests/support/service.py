"""The API as it ships: gunicorn with its own settings, on a free port, against the tests' MySQL."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_up_refusal(**environment: str) -> tuple[int, str]:
    """Start the API where it should not start; its exit status and all it printed."""
    ended = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "api/server/gunicorn.conf.py", "api.app:get_app()"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def _without_ours(environ: Mapping[str, str]) -> dict[str, str]:
    """What the developer's own shell says about the service is not about the tests."""
    return {name: value for name, value in environ.items() if not name.startswith("FLASHSALE_")}


WORKERS = 2


class Service:
    """A running gunicorn; `url` is where it answers."""

    def __init__(self, database_url: str, log: Path, port: int | None = None, **environment: str) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        environment = {"PORT": str(self.port), "FLASHSALE_DATABASE_URL": database_url} | environment
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "api/server/gunicorn.conf.py", "api.app:get_app()"],
                cwd=ROOT,
                env=_without_ours(os.environ) | environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                alive = httpx.get(f"{self.url}/healthz", verify=False).status_code == 200  # no TLS to set up
                if alive and len(self.workers()) == WORKERS:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
            if self.process.poll() is not None:
                break
        raise AssertionError(f"gunicorn did not come up:\n{self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """Stop it as an operator would, with SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)

    def workers(self) -> set[int]:
        """The process ids of its workers."""
        pid = self.process.pid
        return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
