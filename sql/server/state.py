"""Where everything generated lives, and the lock for what two `make` at once must not both do."""

import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".flashsale"
VENV = ROOT / ".venv"

Echo = Callable[[str], None]


class Failure(Exception):
    """What the user has to know and can act on; printed as it is, without a traceback."""


def say(line: str) -> None:
    """Tell the user what is done. On stderr, because stdout belongs to rows, URLs and other results."""
    print(line, file=sys.stderr, flush=True)


def private_folder(path: Path) -> Path:
    """Make `path` (mode 700: it holds passwords and data) and return it.

    Raises Failure when it cannot be written, as after a run by another account.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"cannot make the folder {path}: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise Failure(f"{path} was made by another account (user id {path.stat().st_uid}): run as that, or remove it")
    return path


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` with mode 600, whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    part.rename(path)


@contextmanager
def locked(path: Path, doing: str, echo: Echo = say) -> Iterator[None]:
    """Hold the lock file `path`; when somebody else has it, say what they are `doing` and wait.

    The kernel drops the lock with its holder, so a killed process leaves nothing to clean up.
    """
    private_folder(path.parent)
    with open(path, "a", encoding="utf-8") as file:
        if not try_lock(file):
            echo(f"waiting for another process that is {doing}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def try_lock(file: TextIO) -> bool:
    """Lock an open file until it is closed; False when somebody else has it locked."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
