"""What `/board` shows: the sale as MySQL sees it, and the service's own counters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import falcon
import msgspec
from falcon.asgi import Request, Response

from api import values
from api.access import HIDE_FROM_CACHES
from api.gateway import ProcedureError, Row, UnavailableError
from api.watch.cached import Cached
from api.watch.figures import LIVE_PATIENCE, LIVE_SECONDS, Figures
from api.watch.meters import Meters
from api.watch.rates import take_sample


class Board:
    """The document of /board/data.

    What waits for somebody names payments, so `lists` says whether those who look may see it.
    """

    def __init__(self, figures: Figures, meters: Meters, lists: bool) -> None:
        self._figures = figures
        self._requests = Cached(lambda: take_sample(meters), LIVE_SECONDS, LIVE_PATIENCE)
        self._lists = lists

    def document(self) -> dict[str, Any]:
        """Everything, each part with its age; parts that nobody has yet are null.

        `away` says why MySQL gave no figures just now, null when it did; `live` then holds the last that there were.
        `lists` is false where nobody is told what waits.
        """
        away, figures = None, self._figures
        try:
            figures.live.fresh()
        except UnavailableError as error:
            away = error.detail
        except ProcedureError as error:
            away = f"The database refuses to show the board: errno {error.errno}."

        def part(cached: Cached[list[Row]]) -> dict[str, Any] | None:
            return _part(cached.kept() if away else cached.last())  # it would only wait for what is not there

        return {
            "at": _now(),
            "away": away,
            "live": _part(figures.live.kept()),
            "totals": part(figures.totals),
            "violations": part(figures.violations),
            "lists": self._lists,
            "tasks": part(figures.tasks) if self._lists else None,
            "requests": self._requests.fresh(),
        }


def board_responder(board: Board, executor: Executor) -> Callable[..., Awaitable[None]]:
    """The responder of /board/data; the board is made on threads of the executor."""

    async def respond(req: Request, resp: Response) -> None:
        resp.set_header("Cache-Control", HIDE_FROM_CACHES)
        resp.content_type = falcon.MEDIA_JSON
        document = await asyncio.get_running_loop().run_in_executor(executor, board.document)
        resp.data = msgspec.json.encode(document)

    return respond


def _part(found: tuple[list[Row], float] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    rows, age = found
    return {
        "age_seconds": round(age, 3),
        "rows": [{name: _plain(value) for name, value in row.items()} for row in rows],
    }


def _plain(value: Any) -> Any:
    """A column as JSON: integers as such, other numbers as floats, times as RFC 3339."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            return values.rfc3339(value)
        case bytes() | bytearray():
            return value.decode()
        case _:
            return value


def _now() -> str:
    return values.rfc3339(datetime.fromtimestamp(time.time(), UTC).replace(tzinfo=None))
