"""Processes that outlive the one that started them, and how anybody finds and ends them.

Such a process inherits the lock on a file, its lease, in which its pid stands. The kernel drops the lock
with the last process that has it, so neither a stale file nor a stranger with the same pid passes for it.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from .state import Failure, try_lock


def begin(
    lease: Path,
    command: Sequence[str],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    output: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in `folder`, printing to `output` (None: where we print), as the holder of `lease`.

    It has a session of its own: Ctrl-C in the terminal does not reach it, the process that started it ends it in order.
    Raises Failure when the lease is held already.
    """
    with open(lease, "a", encoding="utf-8") as file:
        deadline = time.monotonic() + 1  # somebody who looks at the lease has it for a moment, too
        while not try_lock(file):
            if time.monotonic() > deadline:
                raise Failure(f"it runs already, as process {lease.read_text().strip()}")
            time.sleep(0.01)
        file.truncate(0)
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=[file.fileno()],
        )
        print(process.pid, file=file)
    return process


def holder(lease: Path) -> int | None:
    """The pid that holds `lease`; None when nobody does."""
    while _is_locked(lease):
        if text := lease.read_text():
            return int(text)
    return None


def end(lease: Path, how: signal.Signals, seconds: float) -> None:
    """Signal the holder of `lease` and wait until it and its children are gone: by SIGKILL after `seconds`."""
    pid = holder(lease)
    if pid is None:
        return
    try:
        os.kill(pid, how)
    except ProcessLookupError:  # killed, and its children are still about
        _signal_all(pid, how)
    deadline = time.monotonic() + seconds
    while _is_locked(lease):
        if time.monotonic() > deadline:
            _signal_all(pid, signal.SIGKILL)
        time.sleep(0.02)


def _signal_all(leader: int, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, how)


def _is_locked(lease: Path) -> bool:
    try:
        with open(lease, encoding="utf-8") as file:
            return not try_lock(file)
    except FileNotFoundError:
        return False
