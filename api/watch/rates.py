"""The last 15 minutes of requests for holds, for a board that is opened in the middle of a sale.

Whichever worker comes first samples the counters of all of them every 5 s into a file beside the meters. So every
worker tells the same, and a worker that ends takes nothing with it; with the last of them the file is gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import falcon
import msgspec
from falcon.asgi import Request, Response

from api import values
from api.access import HIDE_FROM_CACHES
from api.watch.meter_files import VARIABLE
from api.watch.meters import Meters

STEP_SECONDS = 5
SAMPLES = 15 * 60 // STEP_SECONDS + 1
HOLDS = ("POST", "/api/holds")


class Sample(msgspec.Struct):
    """Requests for holds since the service began: those that got one, and the others by slug."""

    at: str
    held: int
    refused: dict[str, int]


def take_sample(meters: Meters) -> Sample:
    """What all workers have counted by now."""
    sample = Sample(values.rfc3339(datetime.now(UTC).replace(tzinfo=None)), 0, {})
    for (method, route, problem), count in meters.answers().items():
        if (method, route) == HOLDS:
            if problem:
                sample.refused[problem] = sample.refused.get(problem, 0) + count
            else:
                sample.held += count
    return sample


def keep_samples(meters: Meters) -> None:
    """Take samples from now on, on a thread of this worker's own."""
    threading.Thread(target=_run, args=(meters,), name="rates", daemon=True).start()


def samples() -> list[Sample]:
    """Those of the last 15 minutes, oldest first; none where no worker keeps them."""
    folder = os.environ.get(VARIABLE)
    try:
        kept = (Path(folder) / "rates.json").read_bytes() if folder else b"[]"
    except FileNotFoundError:
        kept = b"[]"
    return msgspec.json.decode(kept, type=list[Sample])


def history_responder() -> Callable[..., Awaitable[None]]:
    """The responder of /board/history."""

    async def respond(req: Request, resp: Response) -> None:
        resp.set_header("Cache-Control", HIDE_FROM_CACHES)
        resp.content_type = falcon.MEDIA_JSON
        resp.data = msgspec.json.encode(samples())

    return respond


def _run(meters: Meters) -> None:
    while True:
        time.sleep(STEP_SECONDS - time.time() % STEP_SECONDS)
        with contextlib.suppress(OSError):  # a full disk: the board then has gaps, and the sale goes on
            add_sample(Path(os.environ[VARIABLE]), meters)


def add_sample(folder: Path, meters: Meters) -> None:
    """Add one, unless another worker just did or is about to."""
    path = folder / "rates.json"
    with (folder / "rates.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if path.exists() and 0 <= time.time() - path.stat().st_mtime < STEP_SECONDS / 2:
            return
        whole = folder / "rates.new"  # a reader never sees half of it, nor does the next worker if this one is killed
        whole.write_bytes(msgspec.json.encode([*samples()[1 - SAMPLES :], take_sample(meters)]))
        whole.replace(path)
