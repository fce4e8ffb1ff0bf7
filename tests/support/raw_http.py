"""Bytes to a service and back, as no HTTP client would send them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

PATIENCE_SECONDS = 20


class RawAnswer(NamedTuple):
    """One answer: headers by their names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> str:
        """The slug of the problem that it is."""
        slug: str = json.loads(self.body)["type"]
        return slug.removeprefix("/problems/")


@contextmanager
def dialled(port: int) -> Iterator[socket.socket]:
    """A connection to a port of this machine."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        yield connection


def rest_of(connection: socket.socket) -> bytes:
    """All that comes until the other side hangs up in order; ConnectionResetError where it does not."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def next_answer(connection: socket.socket) -> RawAnswer:
    """The first answer that comes, whole; the connection may go on."""
    received = b""
    while b"\r\n\r\n" not in received or len(received) < _length(received):
        piece = connection.recv(65536)
        assert piece, f"the connection was closed after {received!r}"
        received += piece
    return answers_in(received[: _length(received)])[0]


def _length(received: bytes) -> int:
    head, end, _ = received.partition(b"\r\n\r\n")
    return len(head + end) + int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


def answers_in(received: bytes) -> list[RawAnswer]:
    """The answers that came one after the other, each with a Content-Length."""
    answers = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
        length = int(headers["content-length"])
        answers.append(RawAnswer(int(line.split()[1]), headers, received[:length]))
        received = received[length:]
    return answers
