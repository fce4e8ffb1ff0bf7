"""Products may be read from nodes that do not sell, while it is known how old that is; else the primary answers."""

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from api.gateway import SecondaryReads, secondaries
from api.gateway.secondaries import age_ms
from sql.server.urls import Url, parse
from tests.support.waiting import wait_until

NODES = parse("mysql://api:secret@a,b,c/shop")
MAX_AGE_MS = 500
Rows = list[dict[str, Any]]


class NodeError(Exception):
    """As the driver raises them."""

    def __init__(self, errno: int, sqlstate: str = "HY000") -> None:
        super().__init__(errno)
        self.errno, self.sqlstate, self.msg = errno, sqlstate, "product_not_found: no"


class Servers:
    """Three servers that are no MySQL: node a sells; what the others have of it, and what happens at a read there."""

    def __init__(self) -> None:
        self.primary: Url | None = NODES.nodes[0]
        self.role = "primary"
        self.complete = {"b", "c"}
        self.at_read: Callable[[], None] = lambda: None
        self.reads: list[str] = []
        self.compared: list[tuple[str, str | None]] = []
        self.open: set[threading.Event] = set()

    def known(self) -> Url | None:
        """In the place of the look for the primary."""
        return self.primary

    async def call(self, procedure: str, arguments: Sequence[Any]) -> Rows:
        """In the place of the gateway for the sale."""
        self.reads.append("sale")
        return [{"node": "sale"}]

    def driver(self, url: Url, *_: object) -> "FakeDriver":
        """In the place of the Driver."""
        return FakeDriver(self, url)


class FakeDriver:
    """What is used of the Driver."""

    Error = NodeError

    def __init__(self, servers: Servers, url: Url) -> None:
        self.servers, self.url = servers, url

    def log_in(self) -> "FakeDriver":
        """The driver is its own connection."""
        return self

    def close(self) -> None:
        """Nothing to do."""

    def run(self, _: object, procedure: str, arguments: tuple[Any, ...]) -> Rows:
        """compare_node as its COMMENT says, and rows that say who answered."""
        servers, node = self.servers, self.url.host
        if procedure == "compare_node":
            servers.compared.append((node, arguments[0]))
            if node == "a":
                return [{"role": servers.role, "executed": "all", "complete": None}]
            return [{"role": "secondary", "executed": "", "complete": int(node in servers.complete)}]
        servers.reads.append(node)
        servers.at_read()
        return [{"node": node}]


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    """In the place of MySQL."""
    made = Servers()
    monkeypatch.setattr(secondaries, "Driver", made.driver)
    yield made
    made.primary = None


def asked(servers: Servers, work: Callable[[SecondaryReads], Any], max_age_ms: int = MAX_AGE_MS) -> Any:
    """What a coroutine gives that reads through the gateway."""

    async def run() -> Any:
        reads = SecondaryReads(servers, NODES, servers, max_age_ms)  # type: ignore[arg-type]
        return await work(reads)

    return asyncio.run(run())


async def until_young(reads: SecondaryReads, servers: Servers) -> None:
    """Read until a secondary answers."""
    deadline = time.monotonic() + 5
    while (await reads.call("get_product", (1,)))[0]["node"] == "sale":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    servers.reads.clear()


def test_before_anything_is_known_and_while_no_node_sells_the_gateway_for_the_sale_answers(servers: Servers) -> None:
    servers.primary = None

    async def work(reads: SecondaryReads) -> None:
        for _ in range(20):
            assert await reads.call("get_product", (1,)) == [{"node": "sale"}]
            assert age_ms.get() is None
            await asyncio.sleep(0.02)

    asked(servers, work)
    assert servers.compared == []


def test_secondaries_that_have_all_of_it_answer_in_turn_and_say_how_old_it_may_be(servers: Servers) -> None:
    async def work(reads: SecondaryReads) -> None:
        await until_young(reads, servers)
        for _ in range(30):
            age_ms.set(None)
            await reads.call("get_product", (1,))
            age = age_ms.get()
            assert age is not None
            assert 0 <= age <= MAX_AGE_MS
            await asyncio.sleep(0.01)

    asked(servers, work)
    assert set(servers.reads) == {"b", "c"}
    assert ("b", "all") in servers.compared


def test_the_age_counts_from_before_the_primary_was_asked(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the questions take belongs to it, for what was bought meanwhile may be missing."""
    slow = FakeDriver.run

    def run(self: FakeDriver, connection: object, procedure: str, arguments: tuple[Any, ...]) -> Rows:
        if procedure == "compare_node":
            time.sleep(0.1)
        return slow(self, connection, procedure, arguments)

    monkeypatch.setattr(FakeDriver, "run", run)

    async def work(reads: SecondaryReads) -> None:
        await until_young(reads, servers)
        await reads.call("get_product", (1,))
        assert (age_ms.get() or 0) >= 200

    asked(servers, work, 5000)


def test_one_that_lags_is_left_out_and_when_all_do_the_sale_answers_within_the_bound(servers: Servers) -> None:
    async def work(reads: SecondaryReads) -> None:
        await until_young(reads, servers)
        servers.complete = {"c"}
        await asyncio.sleep(MAX_AGE_MS / 1000 + 0.01)
        assert {(await reads.call("get_product", (1,)))[0]["node"] for _ in range(6)} == {"c"}
        servers.complete = set()
        await asyncio.sleep(MAX_AGE_MS / 1000 + 0.01)
        assert {(await reads.call("get_product", (1,)))[0]["node"] for _ in range(6)} == {"sale"}
        assert age_ms.get() is None
        servers.complete = {"b", "c"}
        await until_young(reads, servers)

    asked(servers, work)


@pytest.mark.parametrize("role", ["minority", "secondary", "outside", "read_only"])
def test_what_is_compared_with_a_node_that_sells_no_more_proves_nothing(servers: Servers, role: str) -> None:
    async def work(reads: SecondaryReads) -> None:
        await until_young(reads, servers)
        servers.role = role
        await asyncio.sleep(MAX_AGE_MS / 1000 + 0.01)
        assert await reads.call("get_product", (1,)) == [{"node": "sale"}]

    asked(servers, work)


@pytest.mark.parametrize("error", [NodeError(2013), NodeError(3032), NodeError(31001, "45404")])
def test_neither_a_failure_nor_a_refusal_of_a_secondary_reaches_anybody(servers: Servers, error: NodeError) -> None:
    def fail() -> None:
        raise error

    async def work(reads: SecondaryReads) -> None:
        await until_young(reads, servers)
        servers.at_read = fail
        for _ in range(3):
            assert await reads.call("get_product", (1,)) == [{"node": "sale"}]
            assert age_ms.get() is None

    asked(servers, work)
    assert servers.reads[0] in ("b", "c")


def test_one_that_hangs_costs_a_quarter_of_a_second_and_then_nobody_waits_for_it(servers: Servers) -> None:
    go_on = threading.Event()

    async def work(reads: SecondaryReads) -> None:
        await until_young(reads, servers)
        servers.complete = set()
        servers.at_read = lambda: go_on.wait(10)  # type: ignore[assignment, return-value]
        try:
            for limit in (0.45, 0.45, 0.1):  # one node after the other hangs, then none is asked
                began = time.monotonic()
                assert await reads.call("get_product", (1,)) == [{"node": "sale"}]
                assert time.monotonic() - began < limit
        finally:
            go_on.set()

    asked(servers, work, 5000)  # it would be young enough for long


def test_an_answer_that_came_too_late_for_the_bound_is_thrown_away(servers: Servers) -> None:
    async def work(reads: SecondaryReads) -> None:
        await until_young(reads, servers)
        servers.complete = set()
        await asyncio.sleep(0.35)
        servers.at_read = lambda: time.sleep(0.2)
        assert await reads.call("get_product", (1,)) == [{"node": "sale"}]

    asked(servers, work)


def test_a_node_that_does_not_answer_is_asked_again_after_a_while_only(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = FakeDriver.run
    dead: list[float] = []

    def run(self: FakeDriver, connection: object, procedure: str, arguments: tuple[Any, ...]) -> Rows:
        if self.url.host == "b":
            dead.append(time.monotonic())
            raise NodeError(2013)
        return answers(self, connection, procedure, arguments)

    monkeypatch.setattr(FakeDriver, "run", run)
    monkeypatch.setattr(secondaries, "SILENT_SECONDS", 0.6)

    async def work(reads: SecondaryReads) -> None:
        await until_young(reads, servers)
        await asyncio.to_thread(wait_until, lambda: len(dead) >= 3, 5)

    asked(servers, work)
    assert all(later - earlier >= 0.6 for earlier, later in itertools.pairwise(dead))
