"""gunicorn's threaded worker, made to refuse in problem+json, to keep its threads for buyers, and to say so in time
when there are more requests than it can serve (docs/adr/0005-gunicorn-worker.md, 0012-backpressure.md)."""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from functools import partial
from typing import Any

from gunicorn.http import errors
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from api.problems import PROBLEMS
from api.server.connection import READ_SECONDS, Connection, RequestTimeout
from api.server.pool import Pool
from api.server.refusals import encode_refusal, why_refused
from api.watch.logs import where_it_failed

QUEUE_SECONDS = 1.5
"""How long a request waits for a thread before it is refused: a client hears within 5 s, its turn included."""
LINGER_SECONDS = 2.0
"""How long a client may take to read its last answer and hang up."""
LINGERING = 256
"""Connections that are given that time; beyond them the oldest is closed at once."""
ACCEPT_BATCH = 16
"""New connections taken in one turn of the loop at most, and how many places are kept free for them."""
TICK_SECONDS = 0.1
"""How often the loop looks after those who wait."""
BACKLOG = 4
"""With more requests than these waiting for a thread the loop rests, lest it take the interpreter from the threads."""
REST_SECONDS = 0.002
"""How long it rests; so long the threads have enough to do."""

_OVERLOADED = PROBLEMS["service_unavailable"]


class Worker(ThreadWorker):  # type: ignore[misc]
    """ThreadWorker, but for refusals, slow clients and idle ones, and too many at once.

    The loop reads requests, the threads answer them. Only the loop opens and closes connections and counts them; a
    thread takes one out of `_unstarted` and gives it back by `_keep` or, through the loop's queue, by `_finish`.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._unstarted: dict[Connection, float] = {}
        # In the order of their deadlines, for the loop alone: what threads take from has no head to be looked at.
        self._queued: deque[tuple[float, Connection]] = deque()
        self._arriving: dict[Connection, float] = {}
        self._lingering: dict[socket.socket, float] = {}
        self._refused = 0
        self._refusals_told_at = 0.0

    def init_process(self) -> None:
        """Let the kernel, where it can, keep a new connection back until its request begins to arrive."""
        # gunicorn looks a setting up by three calls, and dozens of settings for each request.
        self.cfg.__dict__.update({name: setting.get() for name, setting in self.cfg.settings.items()})
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
        # As long as it has few, one at a time: so other workers get as many.
        for _ in range(min(ACCEPT_BATCH, 1 + self.nr_conns // 8)):
            try:
                client, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            self.nr_conns += 1
            conn = Connection(self, client, address, listener)
            if conn.has_data():
                self.enqueue_req(conn)
            else:
                conn.set_timeout()
                self.pending_conns.append(conn)
                self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

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
            self._arriving[conn] = time.monotonic() + READ_SECONDS
            self.poller.register(conn.sock, selectors.EVENT_READ, lambda _: self.enqueue_req(conn))

    def _wait_no_more(self, conn: Connection) -> None:
        if self._arriving.pop(conn, None):
            self.poller.unregister(conn.sock)

    def _turn_away(self, conn: Connection, why: Exception) -> None:
        self._wait_no_more(conn)
        self.handle_error(None, conn.sock, conn.client, why)
        self._finish(conn, kept=False)

    def get_thread_pool(self) -> Pool:
        """The threads that serve requests."""
        return Pool(self.cfg.threads, self._serve)

    def _submit(self, conn: Connection) -> None:
        deadline = time.monotonic() + QUEUE_SECONDS
        self._unstarted[conn] = deadline
        self._queued.append((deadline, conn))
        self.tpool.submit(conn)

    def _serve(self, conn: Connection) -> None:
        """In a thread: answer a request that has arrived, and those that follow at once while nobody else waits."""
        if self._unstarted.pop(conn, None) is None:
            return  # the loop has refused it
        kept = False
        try:
            kept = self._answer(conn)
            while kept and not self._unstarted and conn.is_followed_up():
                kept = self._answer(conn)
        finally:
            if kept and self.alive and not conn.has_read_ahead():
                self._keep(conn)
            else:
                self.method_queue.defer(self._finish, conn, kept)

    def _answer(self, conn: Connection) -> bool:
        conn.begin()
        return bool(self.handle(conn))

    def _finish(self, conn: Connection, kept: bool) -> None:
        """In the loop: wait for the next request of a connection, or close it."""
        if not kept:
            self.nr_conns -= 1
            conn.close(graceful=True)
        elif conn.has_read_ahead():
            self.enqueue_req(conn)
        else:
            self._keep(conn)

    def _keep(self, conn: Connection) -> None:
        """Give a connection that is idle to the loop; any thread may."""
        conn.set_timeout()
        self.keepalived_conns.append(conn)
        if not self.alive:
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))

    def _cap_keepalive(self, deadline: float) -> None:
        """Of a copy: threads still add to the list."""
        for conn in tuple(self.keepalived_conns):
            conn.timeout = min(conn.timeout, deadline)

    def handle_request(self, req: Any, conn: Connection) -> object:
        """Answer a request; whoever asked whether to send the body has been told already."""
        if conn.invited:
            req._expected_100_continue = conn.invited = False
        kept = super().handle_request(req, conn)
        conn.sock.flush()
        return kept

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """A turn of the loop. What follows it may close connections: no event of theirs is left to dispatch."""
        if len(self._unstarted) > BACKLOG:
            time.sleep(REST_SECONDS)
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
            deadline, conn = self._queued[0]
            if self._unstarted.get(conn) == deadline:
                if deadline > now:
                    break
                if self._unstarted.pop(conn, None):  # else a thread was faster
                    self._refuse(conn, now)
            self._queued.popleft()

    def _refuse(self, conn: Connection, now: float) -> None:
        """From the loop, since no thread is free."""
        request_id = self.wsgi.telemetry.refused(_OVERLOADED.status, _OVERLOADED.slug)
        answer = encode_refusal(_OVERLOADED, "There are more requests than can be served; try again.", request_id)
        try:
            conn.sock.send(answer, socket.MSG_DONTWAIT)
        except OSError:
            self.log.debug("The client did not wait for its refusal")
        self._finish(conn, kept=False)
        self._refused += 1
        if now - self._refusals_told_at > 1:
            self.log.warning("Overloaded: refused %d requests that no thread was free for", self._refused)
            self._refused, self._refusals_told_at = 0, now

    def linger(self, client: socket.socket) -> None:
        """Say that nothing more comes, and hang up when the client has, or after LINGER_SECONDS."""
        try:
            client.shutdown(socket.SHUT_WR)
            self.poller.register(client, selectors.EVENT_READ, self._drain)
        except (OSError, ValueError):
            client.close()
        else:
            self._lingering[client] = time.monotonic() + LINGER_SECONDS

    def _drain(self, client: socket.socket) -> None:
        # What is not read when it is closed is answered by a reset, which can destroy the answer on its way.
        try:
            if client.recv(65536, socket.MSG_DONTWAIT):
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
            conn = idle[0]
            try:
                self.poller.unregister(conn.sock)
            except KeyError:  # a thread is just giving it back
                return
            idle.popleft()
            self.nr_conns -= 1
            conn.close()

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what never reached the application, and log it; the connection is closed afterwards."""
        kind, detail = why_refused(exc)
        if kind.status == 500:
            self.log.error("A request failed: %s", where_it_failed(exc))
        else:
            self.log.info("Refused a request: %d %s (%s)", kind.status, kind.slug, type(exc).__name__)
        # The application, and with it who counts and logs, never saw this one.
        request_id = self.wsgi.telemetry.refused(kind.status, kind.slug)
        try:
            client.send(encode_refusal(kind, detail, request_id), socket.MSG_DONTWAIT)
        except OSError:
            self.log.debug("The client did not wait for its refusal")
