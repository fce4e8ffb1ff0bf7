"""A client's connection as the worker sees it: what has arrived, and whether a thread could read it without waiting."""

from __future__ import annotations

import re
import socket
import time
from typing import Any

from gunicorn.http import errors
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn

from api.bodies import BODY_LIMIT

READ_SECONDS = 5
"""How long a request may take to arrive, and a client to take its answer."""
HEAD_BYTES = 32 * 1024
"""The longest head that is waited for."""
PEEK_BYTES = HEAD_BYTES + BODY_LIMIT
"""Of a longer request a thread reads the rest, to refuse it."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*(?=\r|$)")
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*(?:\r|$)")
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked")


class RequestTimeout(errors.ParseException):  # type: ignore[misc]
    """The client stopped sending in the middle of a request."""

    slug = "request_timeout"


class Incoming(SocketUnreader):  # type: ignore[misc]
    """The socket as the parser reads it."""

    deadline = 0.0

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next bytes; RequestTimeout when none come, or all of it takes too long."""
        if time.monotonic() > self.deadline:
            raise RequestTimeout
        try:
            received: bytes = super().chunk(size_hint)
        except BlockingIOError:
            raise RequestTimeout from None
        return received


class Connection(TConn):  # type: ignore[misc]
    """One connection. `worker` lets go of it when it is closed in order."""

    def __init__(self, worker: Any, client: socket.socket, address: Any, listener: Any) -> None:
        super().__init__(worker.cfg, client, address, listener.getsockname())
        self._worker = worker
        self._wanted = 1
        self.invited = False

    def init(self) -> None:
        """Prepare for the first request."""
        if not self.initialized:
            super().init()
            self.parser.unreader = Incoming(self.sock)

    def begin(self) -> None:
        """A thread is about to read a request."""
        self._want(1)
        self.init()
        self.parser.unreader.deadline = time.monotonic() + READ_SECONDS

    def has_data(self) -> bool:
        """Whether something has come that nobody has read."""
        return bool(self._peek(1))

    def has_request(self) -> bool:
        """Whether what has come is a request to its end, or will not become one.

        When it is not, the socket does not count as readable again before more has come. Raises LimitRequestHeaders.
        """
        read_ahead = self.parser.unreader.buf.getvalue() if self.initialized else b""
        peeked = self._peek(PEEK_BYTES)
        unread = peeked or b""
        data = read_ahead + unread
        head, end, body = data.partition(b"\r\n\r\n")
        if not end and len(data) > HEAD_BYTES:
            raise errors.LimitRequestHeaders("the head is too long")
        hung_up = peeked is not None and len(peeked) < self._wanted
        if hung_up or len(unread) == PEEK_BYTES:
            return True
        if not end:
            whole = b"\n\n" in data
        else:
            head = head.lower()
            whole = is_whole(head, body)
            if not whole and not self.invited and _EXPECTS.search(head):
                self.invited = True
                self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not whole:
            self._want(len(unread) + 1)
        return whole

    def close(self, graceful: bool = False) -> None:
        """Close it; gracefully: so that the client can read what it was sent, and nobody waits for that."""
        if graceful:
            self._worker.linger(self.sock)
        else:
            super().close()

    def _peek(self, size: int) -> bytes | None:
        """What nobody has read, b"" when nothing will come any more, None when nothing has come yet."""
        try:
            return bytes(self.sock.recv(size, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _want(self, count: int) -> None:
        if count != self._wanted:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)
            self._wanted = count


def is_whole(head: bytes, body: bytes) -> bool:
    """Whether a body has come to its end, by its head in lower case. The parser decides later what it really is."""
    if _CHUNKED.search(head):
        return b"0\r\n\r\n" in body
    lengths = _LENGTH.findall(head)
    return len(lengths) != 1 or len(body) >= int(lengths[0])  # of two the parser says that they are not valid
