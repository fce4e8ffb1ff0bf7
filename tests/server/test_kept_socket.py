"""A socket that somebody else keeps, as systemd does: gunicorn may be restarted, and no buyer is refused."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from sql.server.service import HERE
from sql.server.variables import without_ours

# As systemd starts a service: the socket is file 3, and the variables name this very process.
START = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.fixture
def kept() -> Iterator[socket.socket]:
    """A listening socket."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield listening


def start(api_url: str, kept: socket.socket, log: Path) -> subprocess.Popen[bytes]:
    """The API on that socket."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-c", START, str(kept.fileno()), *HERE.command()],
            cwd=HERE.folder, env=without_ours(os.environ) | {"FLASHSALE_DATABASE_URL": api_url},
            pass_fds=(kept.fileno(),), stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip


def test_who_connects_while_the_service_restarts_waits_and_is_served(
    api_url: str, kept: socket.socket, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{kept.getsockname()[1]}"
    first = start(api_url, kept, tmp_path / "log")
    try:
        assert httpx.get(f"{url}/readyz", timeout=30, verify=False).status_code == 200
    finally:
        first.send_signal(signal.SIGTERM)
        first.wait(30)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(httpx.get, f"{url}/readyz", timeout=60, verify=False)
        second = start(api_url, kept, tmp_path / "log")
        try:
            assert waiting.result().status_code == 200
        finally:
            second.send_signal(signal.SIGTERM)
            second.wait(30)
