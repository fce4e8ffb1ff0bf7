"""The folder in which the workers of one gunicorn keep their meters: private, and gone when they are."""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
PREFIX = "flashsale-meters-"
LOCK = "in-use"


@functools.cache
def prepare() -> Path:
    """Make this gunicorn's folder, once, and delete those that others left behind.

    A lock marks a folder as in use. The kernel gives it up with the last process that has it, whatever ended that.
    """
    parent = Path(tempfile.gettempdir())
    for folder in parent.glob(PREFIX + "*"):
        _delete_unless_used(folder)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    _mark_used(folder)
    os.environ[VARIABLE] = str(folder)
    return folder


def forget_worker(pid: int) -> None:
    """A worker is gone, and with it its connections; what it counted stays counted."""
    for file in prepare().glob(f"gauge_live*_{pid}.db"):
        file.unlink(missing_ok=True)


def delete() -> None:
    """The last process ends."""
    shutil.rmtree(prepare(), ignore_errors=True)


def _mark_used(folder: Path) -> None:
    """Lock first and name afterwards: a folder that has its mark is never seen unlocked while it is used."""
    _lock(folder / "new", os.O_CREAT)
    (folder / "new").rename(folder / LOCK)


def _lock(path: Path, flags: int = 0) -> int:
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise
    return file


def _delete_unless_used(folder: Path) -> None:
    try:
        if folder.stat(follow_symlinks=False).st_uid != os.geteuid():
            return
        os.close(_lock(folder / LOCK))
    except OSError:  # in use, or being made or deleted by another at this very moment
        return
    shutil.rmtree(folder, ignore_errors=True)
