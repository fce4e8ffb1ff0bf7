"""The API as it ships: gunicorn with its own settings, on a free port, against the tests' MySQL."""

import os
import signal
import socket
import subprocess
import sys
import time
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
        [sys.executable, "-m", "gunicorn", "-c", "api/gunicorn.conf.py", "api.app:get_app()"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


WORKERS = 2
# What the developer's own shell may say about signatures is not about the tests.
UNSIGNED = {"FLASHSALE_ENV": "", "FLASHSALE_WEBHOOK_SECRETS": "", "FLASHSALE_STRIPE_SECRETS": ""}
# Nor what it says about access and logs.
OPEN = dict.fromkeys(
    ("FLASHSALE_API_KEYS", "FLASHSALE_METRICS_TOKEN", "FLASHSALE_CORS_ORIGINS", "FLASHSALE_LOG_FORMAT",
     "FLASHSALE_SLOW_CALL_MS"), "",
)  # fmt: skip


class Service:
    """A running gunicorn; `url` is where it answers."""

    def __init__(self, database_url: str, log: Path, port: int | None = None, **environment: str) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        environment = UNSIGNED | OPEN | {"PORT": str(self.port), "FLASHSALE_DATABASE_URL": database_url} | environment
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "api/gunicorn.conf.py", "api.app:get_app()"],
                cwd=ROOT,
                env=os.environ | environment,
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
