"""Words for a buyer on the web: requests as JSON, problems, and connections that are open before the sale begins."""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Self

import httpx

from tests.support.sale import at_once, new_key

PROBLEM_JSON = "application/problem+json"
JSON = dict[str, Any]


class Buyer:
    """One kept connection. Cheap enough to have hundreds of; answers look like httpx's."""

    def __init__(self, url: str, timeout: float = 30) -> None:
        address = httpx.URL(url)
        self._connection = http.client.HTTPConnection(address.host, address.port, timeout=timeout)
        self._connection.connect()

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> httpx.Response:
        """Send a request and read the whole answer; OSError or HTTPException when the connection breaks."""
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())
        except (OSError, http.client.HTTPException):
            self._connection.close()  # the next request opens it again
            raise

    def get(self, path: str) -> httpx.Response:
        """GET an address."""
        return self.request("GET", path)

    def post(self, path: str, body: JSON, key: str | None = None) -> httpx.Response:
        """POST a JSON object, under an idempotency key if there is one."""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        return self.request("POST", path, json.dumps(body).encode(), **headers)

    def hold(self, product: int, qty: int = 1, key: str | None = None, customer: str | None = None) -> httpx.Response:
        """POST /api/holds."""
        body = {"product_id": product, "qty": qty} | ({"customer_id": customer} if customer else {})
        return self.post("/api/holds", body, key)

    def release(self, hold_id: str) -> httpx.Response:
        """DELETE /api/holds/{hold_id}."""
        return self.request("DELETE", f"/api/holds/{hold_id}")

    def order(self, hold_id: str, key: str | None = None) -> httpx.Response:
        """POST /api/orders."""
        return self.post("/api/orders", {"hold_id": hold_id}, key)

    def pay(self, order_id: str, status: str = "succeeded", key: str | None = None, **more: object) -> httpx.Response:
        """POST /api/payments/webhook."""
        event = {"idempotency_key": key or new_key(), "order_id": order_id, "status": status, **more}
        return self.post("/api/payments/webhook", event)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def insist(request: Callable[[], httpx.Response], seconds: float = 10) -> httpx.Response:
    """The first answer that is no 503; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while (answer := request()).status_code == 503:
        assert time.monotonic() < deadline, f"nothing but 503 within {seconds} s"
        time.sleep(0.1)
    return answer


@contextmanager
def buyers(url: str, count: int) -> Iterator[list[Buyer]]:
    """So many buyers, connected, each on a connection of their own."""
    with ExitStack() as stack:
        yield [stack.enter_context(Buyer(url)) for _ in range(count)]


def answers_at_once(requests: Sequence[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    """Send requests, given as functions of nothing, at the same instant; none may fail on its way."""
    answers = at_once(lambda request: request(), requests)
    failures = [repr(answer) for answer in answers if isinstance(answer, Exception)]
    assert failures == [], failures
    return [answer for answer in answers if isinstance(answer, httpx.Response)]


def statuses(answers: Sequence[httpx.Response]) -> dict[int, int]:
    """How many answers had which status."""
    found = [answer.status_code for answer in answers]
    return {status: found.count(status) for status in sorted(set(found))}


def lasting(answer: httpx.Response) -> JSON:
    """A body without the milliseconds that are left, which are others at each moment."""
    return {name: value for name, value in answer.json().items() if name not in ("expires_in_ms", "pay_in_ms")}


def problem_of(answer: httpx.Response) -> str:
    """The slug of a problem, which must be well formed and agree with the status line."""
    assert answer.headers["content-type"] == PROBLEM_JSON, answer.text
    document = answer.json()
    root, _, slug = document["type"].rpartition("/")
    assert root == "/problems"
    assert document["status"] == answer.status_code
    assert document["title"]
    assert document["detail"]
    assert {"type", "title", "status", "detail"} <= document.keys() <= {
        "type", "title", "status", "detail", "code", "errors", "retry_after",
    }  # fmt: skip
    assert document.get("retry_after") == (
        int(answer.headers["retry-after"]) if "retry-after" in answer.headers else None
    )
    return str(slug)
