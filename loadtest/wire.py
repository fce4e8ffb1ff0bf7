"""A closed-loop load generator that costs next to nothing: one process, many sockets, one epoll.

Each connection has one message under way. What a response means is found out from its framing, nothing is decoded.
On a machine whose cores also run the server, what a driver and its threads cost would be measured as the server's.
"""

import hashlib
import re
import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from sql.server.urls import Url

PROTOCOL_41, WITH_DATABASE, SECURE, PLUGIN_AUTH = 0x200, 0x8, 0x8000, 0x80000
TRANSACTIONS, MULTI_RESULTS, DEPRECATE_EOF = 0x2000, 0x20000, 0x1000000
MORE_RESULTS = 0x8
UTF8MB4 = 45
COM_QUERY = b"\x03"
ERROR, OK, END_OF_ROWS = 0xFF, 0x00, 0xFE
PATIENCE_SECONDS = 30
"""A response that takes longer is a fault of the server, and the round fails."""
DONE, REFUSED, ALONE = 0, -1, -2
"""What the row of a request says in the answer to a set; the first is also what a CALL without an error says."""
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class Wire(Protocol):
    """How a connection is opened, a request is framed and the end of a response is seen."""

    piece: ClassVar[int]
    """Bytes that hold most responses: room for more costs a microsecond each time."""

    def connect(self) -> socket.socket:
        """A connection that is ready for its first request."""

    def frame(self, request: bytes) -> bytes:
        """What is sent for a request."""

    def outcome(self, received: bytes) -> int | None:
        """What a whole response says: for MySQL 0 or the errno, for HTTP the status. None: there is more to come."""

    def outcomes(self, received: bytes, outcome: int) -> Mapping[int, int]:
        """How many requests of the message had which outcome."""


@dataclass
class Mysql:
    """The text protocol. The account must have logged in over TLS once since the server's start (caching_sha2)."""

    piece: ClassVar[int] = 4096
    address: Url
    _columns: bytes = field(default=b"", init=False, repr=False, compare=False)
    """The packets that describe the columns of the answers, which are the same in each: only the first is walked."""

    def connect(self) -> socket.socket:
        """Log in over TCP in the clear, by the fast path of caching_sha2_password. Raises ConnectionError."""
        connection = _dial(self.address.host, self.address.port)
        packets = _packets(connection)
        nonce = _nonce(next(packets))
        flags = PROTOCOL_41 | WITH_DATABASE | SECURE | PLUGIN_AUTH | TRANSACTIONS | MULTI_RESULTS | DEPRECATE_EOF
        proof = _scramble(self.address.password.encode(), nonce)
        login = b"".join(
            (
                flags.to_bytes(4, "little"),
                (1 << 24).to_bytes(4, "little"),
                bytes([UTF8MB4]),
                bytes(23),
                self.address.user.encode() + b"\0",
                bytes([len(proof)]) + proof,
                self.address.database.encode() + b"\0",
                b"caching_sha2_password\0",
            )
        )
        connection.sendall(len(login).to_bytes(3, "little") + b"\x01" + login)
        answer = next(packets)
        if answer == b"\x01\x03":
            answer = next(packets)
        if answer[0] != OK:
            raise ConnectionError(f"MySQL did not let {self.address.user} in: {answer[:200]!r}")
        return connection

    def frame(self, request: bytes) -> bytes:
        """A COM_QUERY packet."""
        return (len(request) + 1).to_bytes(3, "little") + b"\0" + COM_QUERY + request

    def outcome(self, received: bytes) -> int | None:
        """0 when every result arrived, the errno of an error packet."""
        at, size = 0, len(received)
        columns = -1
        if self._columns and received.startswith(self._columns):
            at, columns = len(self._columns), 0
        while at + 4 < size:
            length = int.from_bytes(received[at : at + 3], "little")
            body = at + 4
            at = body + length
            if at > size:
                return None
            kind = received[body]
            if columns > 0:
                columns -= 1
                if not columns and not self._columns:
                    self._columns = received[:at]
            elif kind == ERROR:
                return int.from_bytes(received[body + 1 : body + 3], "little")
            elif columns == -1 and kind != OK:
                columns = kind
            elif columns == -1 or kind == END_OF_ROWS:
                if not _status(received, body + 1) & MORE_RESULTS:
                    return 0
                columns = -1
        return None

    def outcomes(self, received: bytes, outcome: int) -> Mapping[int, int]:
        """One request."""
        return {outcome: 1}


@dataclass
class MysqlSets(Mysql):
    """CALLs that answer a row for each request of a set."""

    piece: ClassVar[int] = 32768

    def outcomes(self, received: bytes, outcome: int) -> Mapping[int, int]:
        """By the words of the rows, each of which has its length before it; an error is one for the whole set."""
        if outcome != DONE:
            return {outcome: 1}
        words = {DONE: b"done", REFUSED: b"refused", ALONE: b"alone"}
        found = {answer: received.count(b"%c%s" % (len(word), word)) for answer, word in words.items()}
        return {answer: count for answer, count in found.items() if count}


@dataclass(frozen=True)
class Http:
    """HTTP/1.1 on kept connections; a request is a whole message."""

    piece: ClassVar[int] = 4096
    host: str
    port: int

    def connect(self) -> socket.socket:
        """Dial."""
        return _dial(self.host, self.port)

    def frame(self, request: bytes) -> bytes:
        """Itself."""
        return request

    def outcome(self, received: bytes) -> int | None:
        """The status, once the body that Content-Length promises is there."""
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = _LENGTH.search(received, 0, end)
        if length is None:
            raise ConnectionError(f"a response without Content-Length: {received[:200]!r}")
        return int(received[9:12]) if len(received) >= end + 4 + int(length[1]) else None

    def outcomes(self, received: bytes, outcome: int) -> Mapping[int, int]:
        """One request."""
        return {outcome: 1}


@dataclass
class Tally:
    """What a generator saw.

    outcomes: requests by outcome, those answered after the deadline included: they were committed too.
    in_time: requests answered before the deadline; of a set, those that were done. latencies: of the responses until
    then, in seconds. seconds: to the deadline, or to the last response when the requests ran out.
    cpu_seconds: the generator's own. reconnects: connections that the server closed between two requests.
    """

    outcomes: Counter[int] = field(default_factory=Counter)
    in_time: int = 0
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    reconnects: int = 0


class _HttpConnection:
    """A socket with its calls looked up once, and the message that is under way on it."""

    __slots__ = ("handle", "message", "receive", "received", "send", "sent_at", "socket")

    def __init__(self, connected: socket.socket) -> None:
        # From here on epoll says when to read. A socket with a timeout would ask the system before each call again.
        connected.settimeout(None)
        self.socket = connected
        self.handle = connected.fileno()
        self.receive = connected.recv
        self.send = connected.sendall
        self.message = b""
        self.received = b""
        self.sent_at = 0.0


class Generator:
    """Keeps one message under way on each of its connections.

    follow: the request that follows from a response, None when the next one is to be taken.
    """

    def __init__(self, protocol: Wire, connections: int, follow: Callable[[bytes], bytes | None] | None = None) -> None:
        self._protocol = protocol
        self._follow = follow
        self._poll = select.epoll()
        self._open: dict[int, _HttpConnection] = {}
        for _ in range(connections):
            self._register(_HttpConnection(protocol.connect()))

    def _register(self, connection: _HttpConnection) -> None:
        self._open[connection.handle] = connection
        self._poll.register(connection.handle, select.EPOLLIN)

    def run(
        self,
        messages: Iterator[bytes],
        seconds: float,
        until: int | None = None,
        ended: Callable[[], bool] = lambda: False,
    ) -> Tally:
        """Send framed messages for so many seconds, or to the first outcome `until`, or while they last, or until
        `ended()`; then wait for what is under way."""
        tally = Tally()
        outcome_of, clock, poll = self._protocol.outcome, time.perf_counter, self._poll.poll
        latencies, follow, piece = tally.latencies, self._follow, self._protocol.piece
        began, cpu = clock(), time.process_time()
        deadline, last = began + seconds, began
        busy = 0
        for connection in self._open.values():
            busy += self._send(connection, next(messages, None), clock())
        while busy:
            ready = poll(PATIENCE_SECONDS)
            if not ready:
                raise TimeoutError(f"no response within {PATIENCE_SECONDS} s")
            if ended():
                deadline = min(deadline, clock())
            for handle, _ in ready:
                connection = self._open[handle]
                received = connection.receive(piece)
                if not received:
                    self._reconnect(connection)
                    tally.reconnects += 1
                    continue
                if connection.received:
                    received = connection.received + received
                outcome = outcome_of(received)
                if outcome is None:
                    connection.received = received
                    continue
                now = last = clock()
                done = self._count(tally, received, outcome)
                if outcome == until:
                    deadline = min(deadline, now)
                if now >= deadline:
                    busy -= 1
                    continue
                tally.in_time += done
                latencies.append(now - connection.sent_at)
                message = follow and follow(received)
                message = self._protocol.frame(message) if message else next(messages, None)
                busy -= not self._send(connection, message, now)
        tally.seconds = min(deadline, last) - began
        tally.cpu_seconds = time.process_time() - cpu
        return tally

    def close(self) -> None:
        """End every connection."""
        self._poll.close()
        for connection in self._open.values():
            connection.socket.close()

    def _count(self, tally: Tally, received: bytes, outcome: int) -> int:
        """Note what became of the message's requests; how many count as answered."""
        outcomes = self._protocol.outcomes(received, outcome)
        for each, count in outcomes.items():
            tally.outcomes[each] += count
        return outcomes.get(outcome, 0)

    @staticmethod
    def _send(connection: _HttpConnection, message: bytes | None, now: float) -> bool:
        """Send a message; False when there is none."""
        if message is None:
            return False
        connection.message = message
        connection.received = b""
        connection.sent_at = now
        connection.send(message)
        return True

    def _reconnect(self, connection: _HttpConnection) -> None:
        """A server may close a kept connection; the message is sent again on a new one, which its keys make safe."""
        if connection.received:
            raise ConnectionError("the server closed a connection in the middle of a response")
        self._poll.unregister(connection.handle)
        del self._open[connection.handle]
        connection.socket.close()
        fresh = _HttpConnection(self._protocol.connect())
        self._register(fresh)
        self._send(fresh, connection.message, connection.sent_at)


def _dial(host: str, port: int) -> socket.socket:
    connection = socket.create_connection((host, port), timeout=PATIENCE_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _packets(connection: socket.socket) -> Iterator[bytes]:
    """The packets of a login, without their headers."""
    received = b""
    while True:
        while len(received) < 4 or len(received) < 4 + int.from_bytes(received[:3], "little"):
            piece = connection.recv(4096)
            if not piece:
                raise ConnectionError("MySQL closed the connection during the login")
            received += piece
        end = 4 + int.from_bytes(received[:3], "little")
        yield received[4:end]
        received = received[end:]


def _nonce(greeting: bytes) -> bytes:
    """The 20 random bytes of a greeting, which come in two parts."""
    if greeting[0] != 10:
        raise ConnectionError(f"MySQL refused the connection: {greeting[:200]!r}")
    first = greeting.index(b"\0") + 5
    return greeting[first : first + 8] + greeting[first + 27 : first + 39]


def _scramble(password: bytes, nonce: bytes) -> bytes:
    """SHA256(password) XOR SHA256(SHA256(SHA256(password)) + nonce)."""
    once = hashlib.sha256(password).digest()
    mask = hashlib.sha256(hashlib.sha256(once).digest() + nonce).digest()
    return bytes(a ^ b for a, b in zip(once, mask, strict=True))


def _status(received: bytes, at: int) -> int:
    """The status flags of an OK packet: after two length-encoded integers."""
    for _ in range(2):
        at += {0xFC: 3, 0xFD: 4, 0xFE: 9}.get(received[at], 1)
    return received[at] | received[at + 1] << 8
