"""Buyers who come together travel together: what waits for a connection is sent as one CALL.

docs/adr/0017-sets-of-buyers.md says why. A set does what is plain, refuses what its product refuses, and leaves the
rest alone, which then goes on by the single procedure on other connections.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from api.gateway.driver import Row
from api.gateway.errors import LockWaitError, ProcedureError
from api.gateway.lane import Job, Lane
from api.gateway.waiting import Outcome, Patience, Waiting

MOST = 100
"""Requests of one set: what the procedures take."""
AT_ONCE = 2
"""Sets of one line under way. With more of them the sets get smaller, and the sale slower."""
ENOUGH = 16
"""Requests for which a second set begins. Fewer wait for the end of the first: a small set costs each buyer more."""
LATE_SECONDS = 0.05
"""But not for longer: what takes so long waits for somebody's row, or for a disk."""


class Together:
    """The procedure that takes a JSON array of requests, the members of one, and which of them a set must share."""

    def __init__(self, procedure: str, *members: str, shared: str | None = None) -> None:
        self.procedure = procedure
        self.request = msgspec.defstruct(procedure, members)
        """Makes a request of its arguments, for a fraction of what a dict costs."""
        self.shared = None if shared is None else members.index(shared)
        """The place of that member; None: any may come together."""


SETS = {
    "create_hold": Together(
        "create_holds", "product_id", "qty", "customer_id", "idempotency_key", shared="product_id"
    ),
    "create_order": Together("create_orders", "hold_id", "idempotency_key", "reference", "metadata"),
    "receive_payment_webhook": Together(
        "receive_payment_webhooks",
        "idempotency_key", "order_id", "payment_id", "status", "amount", "currency", "occurred_at", "payload",
    ),
}  # fmt: skip
"""By the single procedure, whose arguments are the members in their order."""


class SetJob(Job):
    """A CALL with those requests that still wait when it begins: one that was refused before is not to happen."""

    __slots__ = ("_request",)

    def __init__(self, together: Together, waiters: list[Waiting], done: Callable[[Outcome], None]) -> None:
        super().__init__(together.procedure, (), waiters, done)
        self._request = together.request

    def begin(self) -> None:
        """Ask for them, and for nobody else."""
        self.waiters[:] = [each for each in self.waiters if not each.answer.done()]  # in place: `done` has the list
        self.arguments = [msgspec.json.encode([self._request(*each.arguments) for each in self.waiters])]
        super().begin()


class Line:
    """The requests for one procedure (and one product) that wait, in the order they came. For the loop alone.

    A request that comes alone goes at once, by the single procedure; else all that wait go as a set. Nobody waits for a
    timer: what came in the same turn of the loop goes together, and then what came while sets were under way.
    """

    def __init__(self, single: str, together: Together, sets: Lane, singles: Lane, patience: Patience) -> None:
        self._single = single
        self._together = together
        self._sets = sets
        self._singles = singles
        self._patience = patience
        self._waiting: deque[Waiting] = deque()
        self._under_way = 0
        self._alone = 0
        self._sending = False
        self._late = 0
        self._loop = asyncio.get_running_loop()

    def ask(self, waiting: Waiting) -> None:
        """Stand in line."""
        self._waiting.append(waiting)
        self._send_soon()

    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not (self._waiting or self._under_way or self._alone)

    def _send_soon(self) -> None:
        """At the end of this turn of the loop, if a set may begin."""
        if self._waiting and not self._sending and self._may_begin():
            self._sending = True
            self._loop.call_soon(self._send)

    def _send(self) -> None:
        self._sending = False
        while self._may_begin() and (group := self._take()):
            if len(group) == 1 and not self._under_way and self._alone < AT_ONCE:
                self._go_alone(group[0])
            else:
                self._go_together(group)

    def _may_begin(self) -> bool:
        """Whether there is a place for a set, and enough waits for it."""
        return not self._under_way or (self._under_way < AT_ONCE and (self._late > 0 or len(self._waiting) >= ENOUGH))

    def _take(self) -> list[Waiting]:
        group: list[Waiting] = []
        while self._waiting and len(group) < MOST:
            each = self._waiting.popleft()
            if not each.answer.done():
                group.append(each)
        return group

    def _go_together(self, group: list[Waiting]) -> None:
        late = False

        def hurry() -> None:
            """It takes long: who waits goes without it."""
            nonlocal late
            late = True
            self._late += 1
            self._send_soon()

        def done(outcome: Outcome) -> None:
            timer.cancel()
            self._under_way -= 1
            self._late -= late
            self._send_soon()
            self._answer(group, outcome)

        self._under_way += 1
        timer = self._loop.call_later(LATE_SECONDS, hurry)
        self._sets.submit(SetJob(self._together, group, done))

    def _go_alone(self, each: Waiting) -> None:
        """By the single procedure, which knows every rule."""

        def done(outcome: Outcome) -> None:
            self._alone -= 1
            each.settle(outcome)

        self._alone += 1
        self._singles.submit(Job(self._single, each.arguments, [each], done, each.context))

    def _answer(self, group: list[Waiting], outcome: Outcome) -> None:
        """Everybody in a set gets their own answer, or goes on alone."""
        if isinstance(outcome, ProcedureError | LockWaitError):
            # Of a fault, and of a row that somebody else has, only those must hear whom it concerns.
            for each in group:
                self._leave_alone(each)
        elif isinstance(outcome, Exception):
            for each in group:
                each.settle(outcome)
        else:
            for each, row in zip(group, outcome, strict=True):
                self._answer_one(each, row)

    def _answer_one(self, each: Waiting, row: Row) -> None:
        match row["answer"]:
            case "done":
                each.settle([row])
            case "refused":
                each.settle(ProcedureError(self._single, row["errno"], row["sqlstate"], row["message"]))
            case _:
                self._leave_alone(each)

    def _leave_alone(self, each: Waiting) -> None:
        if not each.answer.done() and self._patience.admit_again(each):
            self._go_alone(each)
