"""A shop that is told: a real HTTP server that keeps what came, and behaves as a test wants."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from standardwebhooks import Webhook

SECRET = "whsec_" + "bm90aWZpY2F0aW9ucyBhcmUgc2lnbmVkIGJ5IHRoaXM="


class Message(NamedTuple):
    """What came: the message id and the verified body."""

    message_id: str
    kind: str
    data: dict[str, Any]

    @property
    def subject(self) -> str:
        """The order or hold that it is about, if any."""
        return str(self.data.get("order_id") or self.data.get("hold_id"))


class Receiver:
    """Listens; answers each with `status(message)` and `headers`, but nobody while `open` is not set."""

    def __init__(self, secret: str = SECRET, port: int = 0) -> None:
        self.came: list[Message] = []
        self.status: Callable[[Message], int] = lambda _: 204
        self.headers: dict[str, str] = {}
        self.open = threading.Event()
        self.open.set()
        self._changed = threading.Condition()
        webhook, outer = Webhook(secret), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                verified = webhook.verify(body, {name.lower(): value for name, value in self.headers.items()})
                assert verified == json.loads(body)
                message = Message(self.headers["webhook-id"], verified["type"], verified["data"])
                outer.keep(message)
                assert outer.open.wait(60)
                self.send_response(outer.status(message))
                for name, value in {"Content-Length": "0", **outer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/told?by=flashsale"

    def keep(self, message: Message) -> None:
        """It came."""
        with self._changed:
            self.came.append(message)
            self._changed.notify_all()

    def wait(self, enough: Callable[[list[Message]], bool], seconds: float = 60) -> list[Message]:
        """Wait until what came is enough; all that came."""
        with self._changed:
            assert self._changed.wait_for(lambda: enough(self.came), seconds), self.came
            return list(self.came)

    def wait_for(self, *subjects: str, kinds: int = 1) -> list[Message]:
        """Wait until so many different messages of each of these came; all that came of them, in order."""

        def enough(came: list[Message]) -> bool:
            return all(
                len({each.message_id for each in came if each.subject == subject}) >= kinds for subject in subjects
            )

        return [each for each in self.wait(enough) if each.subject in subjects]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()
