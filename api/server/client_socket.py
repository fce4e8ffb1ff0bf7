"""A client's socket: the kernel keeps its time limits, and an answer leaves it in one piece."""

from __future__ import annotations

import socket
import struct
from typing import Any


class ClientSocket(socket.socket):
    """What gunicorn reads from and writes to.

    Each system call lets another thread take the interpreter, and costs two switches of thread when one does. So the
    mode of the socket never changes, and the head of an answer waits for its body.
    """

    def __init__(self, accepted: socket.socket, receive_seconds: float, send_seconds: float) -> None:
        """Take over an accepted socket. What waits for longer than so many seconds gets BlockingIOError."""
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        self._unsent: list[Any] = []
        self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(receive_seconds))
        self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(send_seconds))

    def setblocking(self, flag: bool) -> None:
        """It always waits as long as it was told; who can't wait says MSG_DONTWAIT."""

    def settimeout(self, value: float | None) -> None:
        """It always waits as long as it was told."""

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Keep it for the next flush()."""
        self._unsent.append(data)

    def flush(self) -> None:
        """Send what has been kept. Raises OSError."""
        unsent, self._unsent = self._unsent, []
        if unsent:
            super().sendall(b"".join(unsent))


def _timeval(seconds: float) -> bytes:
    whole = int(seconds)
    return struct.pack("ll", whole, round((seconds - whole) * 1_000_000))
