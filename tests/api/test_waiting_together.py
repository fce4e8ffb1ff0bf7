"""One event loop serves everybody: who waits for MySQL keeps nobody else waiting, and who reads the same shares."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from falcon import testing

from api.app import Gateways, create_app
from tests.api.test_edge import HOLD, PRODUCT, SETTINGS

Rows = list[dict[str, Any]]


class Hanging:
    """A MySQL that answers when it is let go: to the loop, or to threads."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.let_go = threading.Event()

    def wait(self, procedure: str, arguments: Sequence[Any]) -> Rows:
        """For a thread."""
        self.asked.set()
        assert self.let_go.wait(30)
        return []

    async def call(self, procedure: str, arguments: Sequence[Any]) -> Rows:
        """For the loop."""
        return await asyncio.to_thread(self.wait, procedure, arguments)


class Blocking:
    """The same for /metrics and /board."""

    def __init__(self, hanging: Hanging) -> None:
        self.call = hanging.wait


@pytest.mark.parametrize("path", ["/api/products", "/metrics", "/board/data"])
def test_who_waits_for_mysql_keeps_nobody_waiting(path: str) -> None:
    hanging = Hanging()
    blocking = Blocking(hanging)
    app = create_app(Gateways(hanging, blocking, blocking), SETTINGS)

    async def look() -> None:
        async with testing.ASGIConductor(app) as conductor:
            waiting = asyncio.create_task(conductor.simulate_get(path))
            while not hanging.asked.is_set():
                assert (await conductor.simulate_get("/healthz")).status_code == 200
            assert not waiting.done()
            hanging.let_go.set()
            assert (await waiting).status_code == 200

    asyncio.run(asyncio.wait_for(look(), 60))


class CountedRow(dict[str, Any]):
    """A row that knows how often a column of it was read."""

    reads = 0

    def __getitem__(self, name: str) -> Any:
        self.reads += 1
        return super().__getitem__(name)


class Sharing:
    """Answers everybody with the same rows until there are others."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.rows = [CountedRow(row)]

    async def call(self, procedure: str, arguments: Sequence[Any]) -> Rows:
        return self.rows


def test_rows_that_many_share_are_encoded_once_and_others_anew() -> None:
    sharing = Sharing(PRODUCT)
    client = testing.TestClient(create_app(Gateways(sharing, sharing, sharing), SETTINGS))

    first = client.simulate_get("/api/products/1")
    reads = sharing.rows[0].reads
    assert client.simulate_get("/api/products/1").content == first.content
    assert sharing.rows[0].reads == reads > 0
    sharing.rows = [CountedRow(PRODUCT | {"available": 6})]
    assert client.simulate_get("/api/products/1").json == first.json | {"available": 6}


def test_what_is_bought_is_never_an_answer_to_another() -> None:
    sharing = Sharing(HOLD)
    client = testing.TestClient(create_app(Gateways(sharing, sharing, sharing), SETTINGS))
    body = {"product_id": 1, "qty": 1}

    assert client.simulate_post("/api/holds", json=body).json["qty"] == 2
    sharing.rows[0]["qty"] = 3
    assert client.simulate_post("/api/holds", json=body).json["qty"] == 3
