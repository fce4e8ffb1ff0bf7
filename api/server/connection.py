"""A client's connection as the worker sees it: what has come, and whether a thread could serve it without waiting."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from typing import Any

from gunicorn.http import errors
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn

from api.bodies import BODY_LIMIT
from api.server.client_socket import ClientSocket

READ_SECONDS = 5
"""How long a request may take to arrive, and a client to take its answer."""
HEAD_BYTES = 32 * 1024
"""The longest head that is waited for."""
ENOUGH_BYTES = HEAD_BYTES + BODY_LIMIT
"""Of a longer request a thread reads the rest: to refuse it, or because it is a large payment event."""
PIECE_BYTES = 16 * 1024
"""What one read takes."""
FOLLOW_UP_SECONDS = 0.01
"""How long a thread waits for its client's next request before it serves others."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*(?=\r|$)")
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*(?:\r|$)")
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked")


class RequestTimeout(errors.ParseException):  # type: ignore[misc]
    """The client stopped sending in the middle of a request."""

    slug = "request_timeout"


class Incoming(SocketUnreader):  # type: ignore[misc]
    """The socket as the parser reads it, and what has been read ahead."""

    deadline = 0.0

    @property
    def read_ahead(self) -> bytes:
        """What has been taken in and not yet parsed."""
        return bytes(self.buf.getvalue())

    def take_in(self, flags: int) -> bytes | None:
        """All that has been read ahead, after one more read; None when nothing will come any more.

        Raises BlockingIOError when nothing has come yet.
        """
        try:
            piece = self.sock.recv(PIECE_BYTES, flags)
        except BlockingIOError:
            raise
        except OSError:
            return None
        if not piece:
            return None
        self.buf.seek(0, os.SEEK_END)
        self.buf.write(piece)
        return self.read_ahead

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next bytes; RequestTimeout when all of it takes too long."""
        while time.monotonic() < self.deadline:
            with contextlib.suppress(BlockingIOError):
                received: bytes = super().chunk(size_hint)
                return received
        raise RequestTimeout


class Connection(TConn):  # type: ignore[misc]
    """One connection. `worker` lets go of it when it is closed in order."""

    def __init__(self, worker: Any, client: socket.socket, address: Any, listener: Any) -> None:
        client = ClientSocket(client, FOLLOW_UP_SECONDS, READ_SECONDS)
        super().__init__(worker.cfg, client, address, listener.getsockname())
        self._worker = worker
        self.invited = False
        self.init()
        self.parser.unreader = Incoming(self.sock)

    def begin(self) -> None:
        """A thread is about to read a request."""
        self.parser.unreader.deadline = time.monotonic() + READ_SECONDS

    def has_data(self) -> bool:
        """Whether something has come that nobody has read."""
        try:
            return bool(self.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except OSError:
            return False

    def has_read_ahead(self) -> bool:
        """Whether something has been read that belongs to the next request."""
        return bool(self.parser.unreader.read_ahead)

    def has_request(self) -> bool:
        """Whether a request has come to its end, or will not become one. Raises LimitRequestHeaders, OSError."""
        return self._has_request(socket.MSG_DONTWAIT)

    def is_followed_up(self) -> bool:
        """Whether the next request has come, whole, within FOLLOW_UP_SECONDS."""
        try:
            return self._has_request(0)
        except (errors.LimitRequestHeaders, OSError):
            return False  # the loop finds it out, too, and says so

    def _has_request(self, flags: int) -> bool:
        if self._is_request(self.parser.unreader.read_ahead):
            return True
        try:
            data = self.parser.unreader.take_in(flags)
        except BlockingIOError:
            return False
        return data is None or self._is_request(data)

    def _is_request(self, data: bytes) -> bool:
        if not data:
            return False
        head, end, body = data.partition(b"\r\n\r\n")
        if not end:
            if len(data) > HEAD_BYTES:
                raise errors.LimitRequestHeaders("the head is too long")
            return b"\n\n" in data
        head = head.lower()
        whole = is_whole(head, body) or len(data) > ENOUGH_BYTES
        if not whole and not self.invited and _EXPECTS.search(head):
            self.invited = True
            self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n", socket.MSG_DONTWAIT)
        return whole

    def close(self, graceful: bool = False) -> None:
        """Close it; gracefully: so that the client can read what it was sent, and nobody waits for that."""
        if graceful:
            self._worker.linger(self.sock)
        else:
            super().close()


def is_whole(head: bytes, body: bytes) -> bool:
    """Whether a body has come to its end, by its head in lower case. The parser decides later what it really is."""
    if _CHUNKED.search(head):
        return b"0\r\n\r\n" in body
    lengths = _LENGTH.findall(head)
    return len(lengths) != 1 or len(body) >= int(lengths[0])  # of two the parser says that they are not valid
