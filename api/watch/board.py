"""What `/board` shows: the sale as MySQL sees it and the service's own counters, fetched once for all who look.

Three answers of MySQL of three ages. show_board costs the same whatever has been sold and is a second old at most.
show_totals and check_invariants walk over the history; they run on threads that nobody waits for, for a share of the
time, and the page says how old they are.
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

LIVE_SECONDS = 1.0
LIVE_PATIENCE = 2.0
"""When show_board takes longer, MySQL counts as away."""
SLOW_PATIENCE = 0.05
TOTALS_SECONDS = 1.0
TOTALS_SHARE = 0.05
"""Of the time, for show_totals: a walk of 3 s every minute."""
INVARIANTS_SECONDS = 5.0
INVARIANTS_SHARE = 0.02

HOLDS = ("POST", "/api/holds")


class Board:
    """The document of /board/data. `patient` waits for CALLs for which no request would."""

    def __init__(self, gateway: BlockingCalls, patient: BlockingCalls, meters: Meters) -> None:
        self._live = Cached(lambda: gateway.call("show_board", ()), LIVE_SECONDS, LIVE_PATIENCE)
        self._requests = Cached(lambda: _requests(meters), LIVE_SECONDS, LIVE_PATIENCE)
        self._totals = Cached(lambda: patient.call("show_totals", ()), TOTALS_SECONDS, SLOW_PATIENCE, TOTALS_SHARE)
        self._violations = Cached(
            lambda: patient.call("check_invariants", ()), INVARIANTS_SECONDS, SLOW_PATIENCE, INVARIANTS_SHARE
        )

    def document(self) -> dict[str, Any]:
        """Everything, each part with its age; parts that nobody has yet are null.

        `away` says why MySQL gave no figures just now, null when it did; `live` then holds the last that there were.
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
        else:  # they would only wait for what is not there
            totals, violations = self._totals.kept(), self._violations.kept()
        return {
            "at": _now(),
            "away": away,
            "live": _part(self._live.kept()),
            "totals": _part(totals),
            "violations": _part(violations),
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


def _requests(meters: Meters) -> dict[str, Any]:
    """Requests for holds since the service began, in all workers: those that got one, and the others by slug."""
    held, refused = 0, dict[str, int]()
    for (method, route, problem), count in meters.answers().items():
        if (method, route) == HOLDS:
            if problem:
                refused[problem] = refused.get(problem, 0) + count
            else:
                held += count
    return {"at": _now(), "held": held, "refused": refused}


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
