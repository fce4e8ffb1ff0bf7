"""gunicorn's threaded worker, made to refuse in problem+json, to keep its threads for buyers, and to say so in time
when there are more requests than it can serve (docs/adr/0005-gunicorn-worker.md, 0012-backpressure.md)."""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from api.access import SECURITY_HEADERS
from api.connection import READ_SECONDS, Connection, RequestTimeout
from api.logs import where_it_failed
from api.problems import PROBLEM_JSON, PROBLEMS, RETRY_AFTER_SECONDS, ProblemKind, encode_problem

QUEUE_SECONDS = 1.5
"""How long a request waits for a thread before it is refused: a client hears within 5 s, its turn included."""
LINGER_SECONDS = 2.0
"""How long a client may take to read its last answer and hang up."""
LINGERING = 256
"""Connections that are given that time; beyond them the oldest is closed at once."""
ACCEPT_BATCH = 16
"""New connections taken in one turn of the loop, and how many places are kept free for them."""
TICK_SECONDS = 0.1
"""How often the loop looks after those who wait."""

_TIMEVAL = struct.pack("ll", READ_SECONDS, 0)


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


def _refusal(kind: ProblemKind, detail: str, request_id: str) -> bytes:
    """A whole answer, after which the connection is closed."""
    body = encode_problem(kind, detail)
    retry = f"Retry-After: {RETRY_AFTER_SECONDS}\r\n" if kind.status == 503 else ""
    head = (
        f"HTTP/1.1 {kind.status} {HTTPStatus(kind.status).phrase}\r\nContent-Type: {PROBLEM_JSON}\r\n{retry}"
        f"Content-Length: {len(body)}\r\nConnection: close\r\nX-Request-ID: {request_id}\r\n{_PROTECTION}\r\n"
    )
    return head.encode() + body


_PROTECTION = "".join(f"{name}: {value}\r\n" for name, value in SECURITY_HEADERS)
_OVERLOADED = PROBLEMS["service_unavailable"]


class Worker(ThreadWorker):  # type: ignore[misc]
    """ThreadWorker, but for refusals, slow clients and idle ones, and too many at once."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._queued: deque[tuple[float, Connection, Future[object]]] = deque()
        self._arriving: dict[Connection, float] = {}
        self._lingering: dict[socket.socket, float] = {}
        self._refused = 0
        self._refusals_told_at = 0.0

    def init_process(self) -> None:
        """Let the kernel, where it can, keep a new connection back until its request begins to arrive."""
        for listener in self.sockets if hasattr(socket, "TCP_DEFER_ACCEPT") else ():
            listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, READ_SECONDS)
        super().init_process()

    def is_parent_alive(self) -> bool:
        """Without a master end as after SIGTERM: kept connections too, so that the next master soon gets the port."""
        if not super().is_parent_alive():
            self.alive = False
        return bool(self.alive)

    def accept(self, listener: Any) -> None:
        """Take new connections. One that says nothing yet waits in the loop, not in a thread."""
        for _ in range(ACCEPT_BATCH):
            try:
                client, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            self.nr_conns += 1
            conn = Connection(self, client, address, listener)
            if conn.has_data():
                conn.data_ready = True
                self.enqueue_req(conn)
            else:
                conn.set_timeout()
                self.pending_conns.append(conn)
                self.poller.register(client, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def enqueue_req(self, conn: Connection) -> None:
        """Let a thread serve a request as soon as it has arrived."""
        try:
            whole = conn.has_request()
        except (errors.LimitRequestHeaders, OSError) as error:
            self._turn_away(conn, error)
            return
        if whole:
            self._wait_no_more(conn)
            self._submit(conn)
        elif conn not in self._arriving:
            conn.sock.setblocking(False)
            self._arriving[conn] = time.monotonic() + READ_SECONDS
            self.poller.register(conn.sock, selectors.EVENT_READ, lambda _: self.enqueue_req(conn))

    def _wait_no_more(self, conn: Connection) -> None:
        if self._arriving.pop(conn, None):
            self.poller.unregister(conn.sock)

    def _turn_away(self, conn: Connection, why: Exception) -> None:
        self._wait_no_more(conn)
        self.nr_conns -= 1
        self.handle_error(None, conn.sock, conn.client, why)
        conn.close(graceful=True)

    def _submit(self, conn: Connection) -> None:
        future = self.tpool.submit(self.handle, conn)
        self._queued.append((time.monotonic() + QUEUE_SECONDS, conn, future))
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def handle(self, conn: Connection) -> object:
        """Serve a request that has arrived."""
        if not conn.initialized:
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL)
        try:
            conn.begin()
        except OSError:
            return False
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Connection) -> object:
        """Answer a request; whoever asked whether to send the body has been told already."""
        if conn.invited:
            req._expected_100_continue = conn.invited = False
        return super().handle_request(req, conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """A turn of the loop. What follows it may close connections: no event of theirs is left to dispatch."""
        waiting = self._queued or self._arriving or self._lingering
        super().wait_for_and_dispatch_events(min(timeout, TICK_SECONDS) if waiting else timeout)
        now = time.monotonic()
        self._refuse_who_waited(now)
        self._refuse_who_stopped_sending(now)
        self._end_lingering(now)
        self._make_room()

    def _refuse_who_stopped_sending(self, now: float) -> None:
        while self._arriving:
            conn, deadline = next(iter(self._arriving.items()))
            if deadline > now:
                break
            self._turn_away(conn, RequestTimeout())

    def _refuse_who_waited(self, now: float) -> None:
        while self._queued:
            deadline, conn, future = self._queued[0]
            if not (future.running() or future.done()):
                if deadline > now:
                    break
                if future.cancel():  # finish_request closes the connection
                    self._refuse(conn, now)
            self._queued.popleft()

    def _refuse(self, conn: Connection, now: float) -> None:
        """From the loop, since no thread is free."""
        request_id = self.wsgi.telemetry.refused(_OVERLOADED.status, _OVERLOADED.slug)
        answer = _refusal(_OVERLOADED, "There are more requests than can be served; try again.", request_id)
        try:
            conn.sock.setblocking(False)
            conn.sock.sendall(answer)
        except OSError:
            self.log.debug("The client did not wait for its refusal")
        self._refused += 1
        if now - self._refusals_told_at > 1:
            self.log.warning("Overloaded: refused %d requests that no thread was free for", self._refused)
            self._refused, self._refusals_told_at = 0, now

    def linger(self, client: socket.socket) -> None:
        """Say that nothing more comes, and hang up when the client has, or after LINGER_SECONDS."""
        try:
            client.setblocking(False)
            client.shutdown(socket.SHUT_WR)
            self.poller.register(client, selectors.EVENT_READ, self._drain)
        except (OSError, ValueError):
            client.close()
        else:
            self._lingering[client] = time.monotonic() + LINGER_SECONDS

    def _drain(self, client: socket.socket) -> None:
        # What is not read when it is closed is answered by a reset, which can destroy the answer on its way.
        try:
            if client.recv(65536):
                return
        except BlockingIOError:
            return
        except OSError:
            self.log.debug("The client is gone")
        self._hang_up(client)

    def _hang_up(self, client: socket.socket) -> None:
        del self._lingering[client]
        self.poller.unregister(client)
        client.close()

    def _end_lingering(self, now: float) -> None:
        while self._lingering:
            client, deadline = next(iter(self._lingering.items()))
            if deadline > now and len(self._lingering) <= LINGERING:
                break
            self._hang_up(client)

    def _make_room(self) -> None:
        """Close who has been idle for longest when the next buyer could not be let in."""
        while self.nr_conns > self.worker_connections - ACCEPT_BATCH:
            # By age, not list by list: who has just been let in is about to speak.
            lists = [conns for conns in (self.pending_conns, self.keepalived_conns) if conns]
            idle = min(lists, key=lambda conns: conns[0].timeout, default=None)
            if not idle or idle[0].has_data():  # the next turn of the loop serves it
                return
            conn = idle.popleft()
            self.poller.unregister(conn.sock)
            self.nr_conns -= 1
            conn.close()

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what never reached the application, and log it; the connection is closed afterwards."""
        slug, detail = "internal_error", "The request could not be served; it has been logged."
        for refused, *answer in _REFUSALS:
            if isinstance(exc, refused):
                slug, detail = answer
                break
        kind = PROBLEMS[slug]
        if kind.status == 500:
            self.log.error("A request failed: %s", where_it_failed(exc))
        else:
            self.log.info("Refused a request: %d %s (%s)", kind.status, slug, type(exc).__name__)
        # The application, and with it who counts and logs, never saw this one.
        request_id = self.wsgi.telemetry.refused(kind.status, kind.slug)
        try:
            client.sendall(_refusal(kind, detail, request_id))
        except OSError:
            self.log.debug("The client did not wait for its refusal")
