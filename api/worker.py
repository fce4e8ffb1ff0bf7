"""gunicorn's threaded worker, made to refuse in problem+json and to give a slow client's thread to a buyer in time."""

from __future__ import annotations

import socket
import struct
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn, ThreadWorker

from api.problems import PROBLEM_JSON, PROBLEMS, encode_problem

READ_SECONDS = 5
"""How long a thread waits for the next bytes of a request, or for a client to take its answer."""

_TIMEVAL = struct.pack("ll", READ_SECONDS, 0)


class RequestTimeout(errors.ParseException):  # type: ignore[misc]
    """The client stopped sending in the middle of a request."""

    slug = "request_timeout"


_REFUSALS: tuple[tuple[type[Exception], str, str], ...] = (
    (errors.LimitRequestLine, "uri_too_long", "The request line is too long."),
    (errors.LimitRequestHeaders, "headers_too_large", "There are too many header fields, or one is too long."),
    (errors.ExpectationFailed, "expectation_failed", "The only Expect that can be met is 100-continue."),
    (errors.UnsupportedTransferCoding, "not_implemented", "The only transfer coding that is understood is chunked."),
    (RequestTimeout, "request_timeout", f"Nothing more of the request came for {READ_SECONDS} seconds."),
    (errors.InvalidRequestMethod, "malformed_request", "The method in the request line is not valid."),
    (errors.InvalidHTTPVersion, "malformed_request", "The HTTP version must be 1.0 or 1.1."),
    (errors.InvalidRequestLine, "malformed_request", "The request line must be METHOD /path HTTP/1.1."),
    (errors.InvalidHeaderName, "malformed_request", "The name of a header field is not valid."),
    (errors.ObsoleteFolding, "malformed_request", "A header field must not go on in a second line."),
    (errors.InvalidHeader, "malformed_request", "A header field is not valid, or is given twice."),
    (errors.InvalidChunkSize, "malformed_request", "The size of a chunk of the body is not valid."),
    (errors.ParseException, "malformed_request", "The request is not valid HTTP."),
)


class Incoming(SocketUnreader):  # type: ignore[misc]
    """The socket as the parser reads it."""

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next bytes; RequestTimeout when none come in time."""
        try:
            received: bytes = super().chunk(size_hint)
        except BlockingIOError:
            raise RequestTimeout from None
        return received


class Worker(ThreadWorker):  # type: ignore[misc]
    """ThreadWorker, but for refusals and slow clients."""

    def init_process(self) -> None:
        """Let the kernel, where it can, keep a new connection back until its request begins to arrive."""
        for listener in self.sockets if hasattr(socket, "TCP_DEFER_ACCEPT") else ():
            listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, READ_SECONDS)
        super().init_process()

    def handle(self, conn: TConn) -> object:
        """Serve a connection that has something to read."""
        if not conn.initialized:
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL)
            conn.init()
            conn.parser.unreader = Incoming(conn.sock)
        return super().handle(conn)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what never reached the application, and log it; the connection is closed afterwards."""
        slug, detail = "internal_error", "The request could not be served; it has been logged."
        for refused, *answer in _REFUSALS:
            if isinstance(exc, refused):
                slug, detail = answer
                break
        kind = PROBLEMS[slug]
        if kind.status == 500:
            self.log.error("A request failed", exc_info=exc)
        else:
            self.log.info("Refused a request: %d %s (%s)", kind.status, slug, type(exc).__name__)
        body = encode_problem(kind, detail)
        head = (
            f"HTTP/1.1 {kind.status} {HTTPStatus(kind.status).phrase}\r\nContent-Type: {PROBLEM_JSON}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        try:
            client.sendall(head.encode() + body)
        except OSError:
            self.log.debug("The client did not wait for its refusal")
