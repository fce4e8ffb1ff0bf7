"""Of several nodes the one that sells answers, whatever goes wrong on the way to it, and no other does."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.gateway import Gateway, Primary, ProcedureError, UnavailableError, blocking, primary
from sql.server.urls import Url, parse
from tests.support.waiting import wait_until

NODES = parse("mysql://api:secret@a,b,c/shop")
ELSEWHERE = [1053, 1290, 1792, 1836, 2002, 2003, 2006, 2013, 2055, 3032, 3100, 4031, 4094]


class NodeError(Exception):
    """As the driver raises them."""

    def __init__(self, errno: int, sqlstate: str = "HY000") -> None:
        super().__init__(errno)
        self.errno, self.sqlstate, self.msg = errno, sqlstate, "hold_not_found: no" if sqlstate[:2] == "45" else "no"


class Servers:
    """Three servers that are no MySQL: who sells, what each refuses, and who asked for what, from which thread."""

    def __init__(self) -> None:
        self.sells: str | None = "a"
        self.down: set[str] = set()
        self.on_call: dict[str, Callable[[], None]] = {}
        self.calls: list[tuple[str, str, tuple[Any, ...]]] = []
        self.log_ins: list[tuple[str, str]] = []

    def driver(self, url: Url, *_: object) -> "FakeDriver":
        """In the place of the Driver."""
        return FakeDriver(self, url)


class Connection:
    """A connection that somebody closes."""

    def close(self) -> None:
        """Nothing to do."""

    def thread_id(self) -> int:
        """Its number."""
        return 7


class FakeDriver:
    """What the gateway uses of the Driver."""

    Error = NodeError

    def __init__(self, servers: Servers, url: Url) -> None:
        self.servers, self.url = servers, url

    def log_in(self) -> Connection:
        """Refused where the server is down."""
        self.servers.log_ins.append((threading.current_thread().name, self.url.host))
        if self.url.host in self.servers.down:
            raise NodeError(2003)
        return Connection()

    def run(self, _: Connection, procedure: str, arguments: tuple[Any, ...]) -> list[dict[str, Any]]:
        """Rows that say who answered."""
        if self.url.host in self.servers.down:
            raise NodeError(2013)
        if procedure == "find_role":
            return [{"role": "primary" if self.servers.sells == self.url.host else "secondary"}]
        self.servers.calls.append((self.url.host, procedure, arguments))
        if procedure == "resume_sweep":
            return []
        self.servers.on_call.pop(self.url.host, lambda: None)()
        return [{"node": self.url.host}]

    def is_read_only(self, _: Connection) -> bool:
        """A server that does not sell is."""
        return self.servers.sells != self.url.host

    def started(self, _: Connection) -> float:
        """Long ago."""
        return 0.0


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    """In the place of MySQL, for the gateway and for its look for the primary."""
    made = Servers()
    monkeypatch.setattr(blocking, "Driver", made.driver)
    monkeypatch.setattr(primary, "Driver", made.driver)
    yield made
    made.sells, made.down = None, set()


def bought(servers: Servers) -> list[tuple[str, tuple[Any, ...]]]:
    """Where create_hold was called, and with what."""
    return [(node, arguments) for node, procedure, arguments in servers.calls if procedure == "create_hold"]


@pytest.mark.parametrize("errno", ELSEWHERE)
def test_what_fails_as_on_a_node_that_sells_no_more_is_repeated_on_the_next_with_the_same_key(
    servers: Servers, errno: int
) -> None:
    gateway = Gateway(NODES)
    assert gateway.call("create_hold", (1, 1, None, "first")) == [{"node": "a"}]

    def fail() -> None:
        servers.sells = "b"
        raise NodeError(errno)

    servers.on_call["a"] = fail

    assert gateway.call("create_hold", (1, 1, None, "key")) == [{"node": "b"}]
    assert bought(servers)[-2:] == [("a", (1, 1, None, "key")), ("b", (1, 1, None, "key"))]
    assert ("b", "resume_sweep", ()) in servers.calls


def test_a_refusal_of_the_node_that_sells_is_passed_on_and_nothing_is_repeated(servers: Servers) -> None:
    def refuse() -> None:
        raise NodeError(31002, "45404")

    servers.on_call["a"] = refuse

    with pytest.raises(ProcedureError):
        Gateway(NODES).call("create_hold", (1,))
    assert len(bought(servers)) == 1


@pytest.mark.parametrize("answer", ["rows", "a refusal"])
def test_what_a_node_says_that_was_demoted_meanwhile_reaches_nobody(servers: Servers, answer: str) -> None:
    gateway = Gateway(NODES)
    gateway.call("get_product", (1,))

    def demote() -> None:
        servers.sells = "c"
        if answer == "a refusal":
            raise NodeError(31101, "45409")

    servers.on_call["a"] = demote

    assert gateway.call("create_hold", (1,)) == [{"node": "c"}]


def test_without_any_node_it_is_refused_in_time_and_one_thread_looks(servers: Servers) -> None:
    servers.down, servers.sells = {"a", "b", "c"}, None
    shared = Primary(NODES)
    gateways = [Gateway(NODES, primary=shared) for _ in range(3)]
    took: list[float] = []

    def ask(gateway: Gateway) -> None:
        began = time.monotonic()
        with pytest.raises(UnavailableError):
            gateway.call("create_hold", (1,))
        took.append(time.monotonic() - began)

    threads = [threading.Thread(target=ask, args=(gateway,)) for gateway in gateways * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(took) == 12
    assert max(took) < blocking.RETRY_SECONDS + 0.5
    assert {name for name, _ in servers.log_ins} == {"primary"}
    servers.down, servers.sells = set(), "b"
    assert gateways[0].call("create_hold", (1,)) == [{"node": "b"}]


def test_a_node_that_says_no_more_that_it_sells_is_left_without_any_call_that_fails(servers: Servers) -> None:
    shared = Primary(NODES)
    gateway = Gateway(NODES, primary=shared)
    gateway.call("get_product", (1,))

    servers.sells = "c"
    wait_until(lambda: (node := shared.known()) is not None and node.host == "c", 5)

    assert gateway.call("get_product", (1,)) == [{"node": "c"}]


def test_a_single_host_is_asked_nothing_but_its_calls(servers: Servers) -> None:
    servers.sells = None

    assert Gateway(parse("mysql://api:secret@a/shop")).call("create_hold", (1,)) == [{"node": "a"}]
    assert servers.calls == [("a", "create_hold", (1,))]
    assert len(servers.log_ins) == 1
