"""What a client leaves behind when it goes."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import uvloop
from uvicorn.config import Config
from uvicorn.server import ServerState

from api.server.connection import HttpConnection

REQUEST = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """An application that says OK."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"OK"})


def test_a_client_that_goes_leaves_nothing_for_the_collector() -> None:
    connections: list[weakref.ref[HttpConnection]] = []

    async def visit() -> None:
        config = Config(answer, http=HttpConnection, ws="none", interface="asgi3", lifespan="off", log_config=None)
        config.load()

        def connect() -> HttpConnection:
            connection = HttpConnection(config, ServerState(), {})
            connections.append(weakref.ref(connection))
            return connection

        server = await asyncio.get_running_loop().create_server(connect, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for _ in range(2):
            writer.write(REQUEST)
            await reader.readuntil(b"OK")
        assert connections[0]()
        writer.close()
        deadline = asyncio.get_running_loop().time() + 10
        while connections[0]() and asyncio.get_running_loop().time() < deadline:  # it is looked at once a second
            await asyncio.sleep(0.05)
        server.close()

    gc.disable()
    try:
        uvloop.run(visit())
    finally:
        gc.enable()
    assert [connection() for connection in connections] == [None]
