"""While a worker serves buyers it tells the shop little, and afterwards all that waited; a quiet one tells at once."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import pytest

from api.gateway import Row
from api.notify import Delivery, make_signer
from api.notify.delivery import FEW
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


def told_within(seconds: float, shop: Receiver, *buyers: int) -> list[int]:
    """How many messages came with so many buyers to serve, for so many seconds each."""

    async def work() -> list[int]:
        serving = 0
        delivery = Delivery(Outbox(), [shop.url], make_signer([SECRET]), lambda: serving)
        delivery.start()
        came = []
        for number in buyers:
            serving, before = number, len(shop.came)
            await asyncio.sleep(seconds)
            came.append(len(shop.came) - before)
        await delivery.stop()
        return came

    return asyncio.run(work())


def test_of_a_worker_that_serves_buyers_the_shop_hears_once_a_second(shop: Receiver) -> None:
    assert told_within(1.5, shop, FEW + 1)[0] <= 3


def test_what_waited_for_buyers_is_told_when_they_are_gone(shop: Receiver) -> None:
    assert told_within(1.5, shop, FEW + 1, FEW)[1] > MANY
