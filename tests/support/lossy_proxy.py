"""Something between the API and MySQL that loses an answer: the work is done, and nobody hears of it."""

import selectors
import socket
import threading
from typing import Self


class LossyProxy:
    """Forwards connections to a port of 127.0.0.1; `port` is its own."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._doomed = b""
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._kept: list[socket.socket] = []
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_the_answer_to(self, statement: str) -> None:
        """Cut the connection when MySQL has answered the next statement that contains this text."""
        self._doomed = statement.encode()

    def cut(self) -> None:
        """End all connections of the client; MySQL does not hear of it, as when a machine between them dies."""
        for client, server in tuple(self._pairs):
            self._kept.append(server.dup())
            client.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        doomed = False
        server = socket.create_connection(("127.0.0.1", self._target))
        with client, server, selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            self._pairs.add((client, server))
            while True:
                for key, _ in ready.select():
                    source, sink = key.fileobj, key.data
                    assert isinstance(source, socket.socket)
                    data = source.recv(65536)
                    if source is server and doomed:
                        self.lost += 1
                        self._pairs.discard((client, server))
                        return
                    if not data:
                        self._pairs.discard((client, server))
                        return
                    if source is client and self._doomed and self._doomed in data:
                        doomed, self._doomed = True, b""
                    sink.sendall(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for server in self._kept:
            server.close()
