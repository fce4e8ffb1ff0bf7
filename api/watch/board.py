"""What `/board` shows: the sale as MySQL sees it and the service's own counters, fetched once for all who look.

Answers of MySQL of several ages. show_board and list_tasks cost the same whatever has been sold and are a second or
two old. show_totals and check_invariants walk over the history; they run on threads that nobody waits for, for a share
of the time, and the page says how old they are.
"""

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
from api.gateway import BlockingCalls, ProcedureError, Row, UnavailableError
from api.watch.cached import Cached
from api.watch.meters import Meters
from api.watch.rates import take_sample

LIVE_SECONDS = 1.0
LIVE_PATIENCE = 2.0
"""When show_board takes longer, MySQL counts as away."""
SLOW_PATIENCE = 0.05
TOTALS_SECONDS = 1.0
TOTALS_SHARE = 0.05
"""Of the time, for show_totals: a walk of 3 s every minute."""
INVARIANTS_SECONDS = 5.0
INVARIANTS_SHARE = 0.02
TASKS_SECONDS = 2.0


class Board:
    """The document of /board/data. `patient` waits for CALLs for which no request would.

    What waits for somebody names payments, so `lists` says whether those who look may see it.
    """

    def __init__(self, gateway: BlockingCalls, patient: BlockingCalls, meters: Meters, lists: bool) -> None:
        self._live = Cached(lambda: gateway.call("show_board", ()), LIVE_SECONDS, LIVE_PATIENCE)
        self._requests = Cached(lambda: take_sample(meters), LIVE_SECONDS, LIVE_PATIENCE)
        self._tasks = Cached(lambda: gateway.call("list_tasks", ()), TASKS_SECONDS, SLOW_PATIENCE) if lists else None
        self._totals = Cached(lambda: patient.call("show_totals", ()), TOTALS_SECONDS, SLOW_PATIENCE, TOTALS_SHARE)
        self._violations = Cached(
            lambda: patient.call("check_invariants", ()), INVARIANTS_SECONDS, SLOW_PATIENCE, INVARIANTS_SHARE
        )

    def document(self) -> dict[str, Any]:
        """Everything, each part with its age; parts that nobody has yet are null.

        `away` says why MySQL gave no figures just now, null when it did; `live` then holds the last that there were.
        `lists` is false where nobody is told what waits.
        """
        away = None
        try:
            self._live.fresh()
        except UnavailableError as error:
            away = error.detail
        except ProcedureError as error:
            away = f"The database refuses to show the board: errno {error.errno}."
        if away is None:
            totals, violations = self._totals.last(), self._violations.last()
            tasks = self._tasks.last() if self._tasks else None
        else:  # they would only wait for what is not there
            totals, violations = self._totals.kept(), self._violations.kept()
            tasks = self._tasks.kept() if self._tasks else None
        return {
            "at": _now(),
            "away": away,
            "live": _part(self._live.kept()),
            "totals": _part(totals),
            "violations": _part(violations),
            "lists": self._tasks is not None,
            "tasks": _part(tasks),
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
