"""The requests of the benchmark are those that a provider would send."""

import json
import re

from loadtest.shop import call_paid, post_paid
from loadtest.stage import PRICE

ORDER = b"01a21544-ca9d-7796-a261-b971f8a05ec6"
EVENT = {
    "idempotency_key": f"evt-{ORDER.decode()}", "order_id": ORDER.decode(), "payment_id": f"pi_{ORDER.decode()}",
    "status": "succeeded", "amount": PRICE, "currency": "EUR",
}  # fmt: skip


def test_a_payment_by_http_is_one_event_with_a_payment_of_its_own_and_as_long_as_it_says() -> None:
    [request] = post_paid([ORDER]).series(1, 0, 1)
    head, body = request.split(b"\r\n\r\n")

    assert json.loads(body) == EVENT
    assert f"Content-Length: {len(body)}" in head.decode().split("\r\n")


def test_a_payment_by_call_says_the_same_and_hands_the_event_over_as_it_came() -> None:
    [statement] = call_paid([ORDER]).series(1, 0, 1)
    [arguments] = re.findall(r"CALL receive_payment_webhook\((.*)\)", statement.decode())
    *said, occurred_at, payload = arguments.split(", ", 7)

    assert [argument.strip("'") for argument in said] == [str(value) for value in EVENT.values()]
    assert occurred_at == "NULL"
    assert json.loads(payload.strip("'")) == EVENT
