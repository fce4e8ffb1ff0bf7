"""While a worker serves buyers it tells the shop little, and afterwards all that waited; a quiet one tells at once."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, Self

import pytest

from api.gateway import Row
from api.notify import Delivery, make_signer
from api.notify.delivery import FEW
from tests.support.fake_calls import until
from tests.support.receiver import SECRET, Receiver

MANY = 40


@pytest.fixture
def shop() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


class Outbox:
    """Has as many notifications as are claimed."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def call(self, procedure: str, arguments: Sequence[Any]) -> list[Row]:
        """Rows as MySQL gives them."""
        if procedure != "claim_notifications":
            return []
        body = json.dumps({"type": "order.paid", "data": {}})
        numbers = [next(self._numbers) for _ in range(arguments[1])]
        return [{"notification_id": n, "attempt": 1, "message_id": f"{n}-1", "body": body} for n in numbers]


class Worker:
    """Delivers beside `buyers`, the requests that it is serving."""

    def __init__(self, shop: Receiver, buyers: int) -> None:
        self.buyers = buyers
        self._delivery = Delivery(Outbox(), [shop.url], make_signer([SECRET]), lambda: self.buyers)

    async def __aenter__(self) -> Self:
        self._delivery.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._delivery.stop()


def test_of_a_worker_that_serves_buyers_the_shop_hears_once_a_second(shop: Receiver) -> None:
    async def work() -> None:
        async with Worker(shop, FEW + 1):
            await asyncio.sleep(1.5)

    asyncio.run(work())
    assert len(shop.came) <= 3


def test_what_waited_for_buyers_is_told_when_they_are_gone(shop: Receiver) -> None:
    """At one a second the time would not do."""

    async def work() -> None:
        async with Worker(shop, FEW + 1) as worker:
            await until(lambda: len(shop.came) > 0)
            worker.buyers = FEW
            await until(lambda: len(shop.came) > MANY, MANY / 2)

    asyncio.run(work())
