"""The socket that gunicorn reads from and writes to."""

import socket
import time
from collections.abc import Iterator

import pytest

from api.server.client_socket import ClientSocket

Pair = tuple[ClientSocket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ClientSocket(ours, receive_seconds=0.05, send_seconds=0.1) as client, theirs:
        theirs.settimeout(10)
        yield client, theirs


def test_an_answer_leaves_in_one_piece(pair: Pair) -> None:
    client, theirs = pair
    client.sendall(b"head")
    client.sendall(memoryview(b"body"))
    theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        theirs.recv(100)

    client.flush()

    assert theirs.recv(100) == b"headbody"


def test_nothing_is_sent_twice(pair: Pair) -> None:
    client, theirs = pair
    client.sendall(b"once")
    client.flush()
    client.flush()
    client.sendall(b", twice")
    client.flush()

    assert theirs.recv(100) == b"once, twice"


def test_what_does_not_come_is_not_waited_for(pair: Pair) -> None:
    client, _ = pair
    began = time.monotonic()
    with pytest.raises(BlockingIOError):
        client.recv(100)
    assert time.monotonic() - began >= 0.04


def test_who_does_not_read_is_not_waited_for(pair: Pair) -> None:
    client, _ = pair
    client.sendall(bytes(10_000_000))
    with pytest.raises(BlockingIOError):
        client.flush()


def test_its_mode_stays_what_it_is(pair: Pair) -> None:
    client, theirs = pair
    client.setblocking(False)
    client.settimeout(0.0)
    theirs.sendall(b"x")
    assert client.recv(1) == b"x"
    with pytest.raises(BlockingIOError):
        client.recv(1)
    assert client.gettimeout() is None


def test_a_closed_client_is_an_error(pair: Pair) -> None:
    client, theirs = pair
    theirs.close()
    client.sendall(b"x")
    with pytest.raises(BrokenPipeError):
        client.flush()
