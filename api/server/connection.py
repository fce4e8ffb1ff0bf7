"""HTTP as uvicorn reads it; with deadlines, room for those who speak, and refusals that the application words."""

from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.limits import ARRIVAL_SECONDS, HEAD_BYTES, LINGER_SECONDS, UNREAD, refusal, unreadable


class HttpConnection(HttpToolsProtocol):
    """A client's connection."""

    clients: ClassVar[dict["HttpConnection", float]] = {}
    """All of them, with the time since when each waits or works; the longest first."""
    places, arriving, deaf, latest, head_bytes = 256, False, False, b"", 0
    """How many connections a worker may have; then what is known of this one."""

    def connection_made(self, transport: Any) -> None:
        """Somebody dialled. If there is no room, who has been idle for longest goes: nothing of a request is here.

        Whatever has come is read before the next client is let in.
        """
        super().connection_made(transport)
        self.unsent, self.is_closing = list[bytes](), transport.is_closing  # which the cycle of a request asks
        self.touch()
        self.look()
        if len(self.clients) > self.places:
            oldest = next((each for each in self.clients if each.is_awaited() and not each.arriving), self)
            if oldest is self:
                return self.refuse(refusal("service_unavailable", "More clients than can be served came; try again."))
            oldest.transport.abort()
            del self.clients[oldest]

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        super().connection_lost(exc)
        self.clients.pop(self, None)
        self.cycle = None  # type: ignore[assignment]  # It has this connection: a circle would wait for the collector.

    def touch(self) -> None:
        """Something new begins."""
        self.clients.pop(self, None)
        self.clients[self] = self.loop.time()

    def is_awaited(self) -> bool:
        """Whether it is the client that has to go on: with a request, or with the rest of one whose turn it is."""
        return not self.cycle or self.cycle.response_complete or (self.cycle.more_body and not self.pipeline)

    def look(self) -> None:
        """Once a second while it is open: end what takes too long."""
        if self in self.clients:
            self.loop.call_later(1, self.look)
            waited = self.loop.time() - self.clients[self]
            if self.arriving and self.is_awaited() and waited > ARRIVAL_SECONDS:
                self.refuse(refusal("request_timeout"))
            elif waited > self.timeout_keep_alive and (self.is_awaited() or self.flow.write_paused):
                self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Something came."""
        if not self.deaf:
            self.latest, self.head_bytes = data, self.head_bytes + len(data)
            super().data_received(data)
            if self.head_bytes > HEAD_BYTES and self.arriving and not (self.cycle and self.cycle.more_body):
                self.refuse(refusal("headers_too_large"))

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self.touch()
        self.arriving, self.head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """The head of a request is here."""
        super().on_headers_complete()
        # The cycle of a request writes and closes by this connection, which sends the head of an answer with its body:
        # apart they would wake the client twice. Only leave to send a body has to go at once.
        self.cycle.transport, self.write = self, (self.unsent.append, self.transport.write)[self.expect_100_continue]  # type: ignore
        # Refused before it sent its body, a client may send it or not: what came next could not be told apart from it.
        # Nor can what follows a request to upgrade: it may be in another protocol.
        self.cycle.keep_alive &= not (self.expect_100_continue or self.parser.should_upgrade())

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        super().on_message_complete()
        self.arriving = self.cycle.more_body = False

    def on_response_complete(self) -> None:
        """It is answered."""
        self.flush()
        super().on_response_complete()
        self.touch()

    def flush(self) -> None:
        """Send what is written."""
        if self.unsent:
            self.transport.write(b"".join(self.unsent))
            self.unsent.clear()

    def send_400_response(self, msg: str) -> None:
        """The parser gave up."""
        self.refuse(unreadable(self.latest))

    def refuse(self, reason: dict[str, Any]) -> None:
        """Listen no more, and let the application say why when it is the turn of this request."""
        if not (self.cycle and self.cycle.more_body):
            self.parser = type(self.parser)(self)
            self.parser.feed_data(UNREAD)
        self.scope.update(reason)  # type: ignore[typeddict-item]
        self.deaf, self.arriving = True, False
        self.cycle.more_body = self.cycle.keep_alive = False
        self.cycle.message_event.set()
        if self.cycle.response_complete:
            self.close()

    def close(self) -> None:
        """Later: a close with bytes unread is a reset, which can destroy the answer on its way."""
        self.deaf = True
        self.pipeline.clear()
        self.flush()
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends nothing more. It may still wait for the answer to what it asked."""
        vars(self.cycle or self).update(keep_alive=False)
        return not self.is_awaited()
