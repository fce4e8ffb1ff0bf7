"""A body is served whole or not at all, and refused before it arrives where that can be known."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from api.app import Application, Gateways, create_app
from api.bodies import BODY_LIMIT, EVENT_LIMIT
from tests.api.test_edge import SETTINGS, UUID, RecordingGateway

HOLD = b'{"product_id": 1, "qty": 1}'
EVENT = json.dumps({"idempotency_key": "e", "order_id": UUID, "status": "declined"}).encode()
GONE = {"type": "http.disconnect"}
CHUNKED = (b"transfer-encoding", b"chunked")


def piece(body: bytes, more: bool = True) -> dict[str, Any]:
    """What a server tells the application when so much of a body has arrived."""
    return {"type": "http.request", "body": body, "more_body": more}


def announced(length: int) -> tuple[bytes, bytes]:
    """The header that announces a body."""
    return b"content-length", str(length).encode()


class Client:
    """Speaks to the application as a server does; asking for more than there is fails the test."""

    def __init__(self) -> None:
        self.gateway = RecordingGateway()
        self._app: Application = create_app(Gateways(self.gateway, self.gateway, self.gateway), SETTINGS)

    def send(
        self, how_long: tuple[bytes, bytes] | None, *events: dict[str, Any], path: str = "/api/holds",
        method: str = "POST", query: bytes = b"",
    ) -> tuple[int, dict[str, Any]]:  # fmt: skip
        """Send a request; the status and the document of its answer."""
        arriving, answer = list(events), list[dict[str, Any]]()

        async def receive() -> dict[str, Any]:
            return arriving.pop(0)

        async def send(event: dict[str, Any]) -> None:
            answer.append(event)

        headers = [(b"content-type", b"application/json"), *([how_long] if how_long else [])]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query, "headers": headers, "root_path": "",
        }  # fmt: skip
        asyncio.run(self._app(scope, receive, send))
        assert not arriving, "there was more to read"
        document = json.loads(b"".join(event.get("body", b"") for event in answer))
        return answer[0]["status"], document


@pytest.fixture(scope="module")
def application() -> Client:
    return Client()


@pytest.fixture
def client(application: Client) -> Client:
    application.gateway.forget()
    return application


def test_a_body_may_come_in_pieces(client: Client) -> None:
    for how_long in (announced(len(HOLD)), CHUNKED):
        events = [piece(b""), piece(HOLD[:5]), piece(HOLD[5:]), piece(b"", more=False)]
        assert client.send(how_long, *events)[0] == 201
    assert [arguments[:2] for _, arguments in client.gateway.calls] == [[1, 1]] * 2


@pytest.mark.parametrize(
    ("path", "limit"), [("/api/holds", BODY_LIMIT), ("/api/orders", BODY_LIMIT), ("/api/payments/webhook", EVENT_LIMIT)]
)
def test_a_body_that_is_announced_to_be_too_large_is_refused_before_it_arrives(
    client: Client, path: str, limit: int
) -> None:
    status, problem = client.send(announced(limit + 1), path=path)
    assert (status, problem["type"]) == (413, "/problems/payload_too_large")
    assert str(limit) in problem["detail"]
    assert not client.gateway.calls


def test_of_a_body_that_turns_out_too_large_no_more_is_read_than_that(client: Client) -> None:
    for size in (BODY_LIMIT, BODY_LIMIT + 1):
        large = [piece(HOLD.ljust(size - 1)), piece(b" ", more=size > BODY_LIMIT)]
        status, _ = client.send(CHUNKED, *large)
        assert status == (201 if size == BODY_LIMIT else 413)
    assert len(client.gateway.calls) == 1


@pytest.mark.parametrize("how_long", [announced(len(HOLD) + 1), announced(2 * len(HOLD)), CHUNKED])
@pytest.mark.parametrize("before", [[], [piece(b"")], [piece(HOLD)]])
def test_half_a_request_is_never_served(client: Client, how_long: tuple[bytes, bytes], before: list[Any]) -> None:
    status, problem = client.send(how_long, *before, GONE)
    assert (status, problem["type"]) == (408, "/problems/request_timeout")
    assert not client.gateway.calls


def test_a_body_that_ends_before_its_announced_end_is_not_served(client: Client) -> None:
    assert client.send(announced(len(HOLD) + 1), piece(HOLD, more=False))[0] == 408
    assert not client.gateway.calls


def test_what_needs_no_body_does_not_wait_for_one(client: Client) -> None:
    assert client.send(announced(5), path="/api/products/1", method="GET")[0] == 200
    assert client.send(announced(5), path=f"/api/holds/{UUID}", method="DELETE")[0] == 200
    assert client.send(announced(5), path="/nowhere")[0] == 404


def test_a_body_of_many_pieces_is_put_together_once(client: Client) -> None:
    """Byte by byte, and each copied once: what grew with the square of its length would take minutes."""
    body = EVENT.ljust(EVENT_LIMIT // 2)
    events = [piece(body[at : at + 8]) for at in range(0, len(body), 8)]
    events[-1]["more_body"] = False
    assert client.send(CHUNKED, *events, path="/api/payments/webhook")[0] == 200


@pytest.mark.parametrize("query", [b"\xff\xfe", b"%FF", b"a=%", "ä=ö".encode(), b"&&==;", b"a" * 4000])
def test_a_query_that_nobody_asked_for_changes_nothing(client: Client, query: bytes) -> None:
    assert client.send(None, path="/api/products/1", method="GET", query=query)[0] == 200
