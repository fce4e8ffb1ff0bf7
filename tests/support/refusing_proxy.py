"""Something between a shop and the API that answers 503 for a while, as a proxy or a busy service does."""

import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from api.problem_kinds import PROBLEMS
from api.problems import PROBLEM_JSON, encode_problem


class RefusingProxy:
    """Answers the first `refusals` requests for `path` with 503 and Retry-After, and passes everything else on.

    `arrivals` are the moments (monotonic) at which requests for `path` came, `keys` their idempotency keys.
    """

    def __init__(self, target: int, path: str, refusals: int, retry_after: int | str) -> None:
        self.arrivals: list[float] = []
        self.keys: list[str | None] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == path:
                    proxy.arrivals.append(time.monotonic())
                    proxy.keys.append(self.headers.get("Idempotency-Key"))
                    if len(proxy.arrivals) <= refusals:
                        self._answer(
                            503,
                            [("Content-Type", PROBLEM_JSON), ("Retry-After", str(retry_after))],
                            encode_problem(PROBLEMS["service_unavailable"], "Busy."),
                        )
                        return
                connection = http.client.HTTPConnection("127.0.0.1", target, timeout=30)
                connection.request(self.command, self.path, body or None, dict(self.headers))
                answer = connection.getresponse()
                content = answer.read()
                self._answer(answer.status, [("Content-Type", answer.headers["Content-Type"])], content)
                connection.close()

            do_GET = do_DELETE = do_POST

            def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
                self.send_response(status)
                for name, value in [*headers, ("Content-Length", str(len(content)))]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
