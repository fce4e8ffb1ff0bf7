"""More clients than threads: each on a connection of its own, sending request after request."""

import asyncio
import json
import resource
import time
from collections import Counter
from dataclasses import dataclass, field

LOST = 0


@dataclass
class Crowd:
    """What they saw: answers by status (LOST: the connection broke), the slowest, and what was promised."""

    answers: Counter[int] = field(default_factory=Counter)
    slowest: float = 0
    holds: list[str] = field(default_factory=list)
    without_retry_after: int = 0


def open_files(count: int) -> None:
    """Let this process have so many files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    assert wanted >= count, f"the limit of open files is {hard}; {count} are needed: raise it (ulimit -n)"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def rush(port: int, product: int, clients: int, seconds: float) -> Crowd:
    """So many clients ask for a hold again and again, for so long; who gets a 503 comes back after a second."""
    open_files(clients + 256)
    crowd = Crowd()

    async def run() -> None:
        until = time.monotonic() + seconds
        await asyncio.gather(*(_insist(crowd, port, product, until) for _ in range(clients)))

    asyncio.run(run())
    return crowd


async def _insist(crowd: Crowd, port: int, product: int, until: float) -> None:
    body = json.dumps({"product_id": product, "qty": 1}).encode()
    head = "POST /api/holds HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            if connection is None:
                connection = await asyncio.open_connection("127.0.0.1", port)
            connection[1].write(request)
            status, headers, answer = await _answer(connection[0])
        except (OSError, asyncio.IncompleteReadError):
            crowd.answers[LOST] += 1
            connection = None
            continue
        finally:
            crowd.slowest = max(crowd.slowest, time.monotonic() - began)
        crowd.answers[status] += 1
        if status == 201:
            crowd.holds.append(json.loads(answer)["hold_id"])
        if "connection: close" in headers:
            connection[1].close()
            connection = None
        if status == 503:
            crowd.without_retry_after += "retry-after: " not in headers
            await asyncio.sleep(1)
    if connection is not None:
        connection[1].close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    return int(head.split(" ", 2)[1]), head, await reader.readexactly(length)
