"""The requests of the benchmark are those that a provider would send."""

import json
import re
from typing import Any

import pytest

from loadtest.messages import (
    call_holds,
    call_orders,
    call_paid,
    call_paids,
    post_hold,
    post_order,
    post_paid,
    post_purchase,
)
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


def test_a_set_is_one_call_with_a_json_array_and_the_last_one_is_what_is_left() -> None:
    holds = [b"%036d" % number for number in range(5)]
    sets = [_elements(statement, "create_orders") for statement in call_orders(holds, 2).series(1, 0, 1)]

    assert [len(elements) for elements in sets] == [2, 2, 1]
    assert [element["hold_id"] for elements in sets for element in elements] == [hold.decode() for hold in holds]
    assert all(each["idempotency_key"] == f"ord-{each['hold_id']}" for elements in sets for each in elements)


def test_a_set_of_one_is_a_set() -> None:
    statement = next(call_holds(7, 1).series(1, 0, 1))
    assert len(_elements(statement, "create_holds")) == 1


def test_every_hold_of_a_set_has_a_key_of_its_own_and_every_customer_is_another() -> None:
    series = call_holds(7, 32, customers=True).series(1, 0, 1)
    elements = [each for _ in range(2) for each in _elements(next(series), "create_holds")]

    assert all(each["product_id"] == 7 and each["qty"] == 1 for each in elements)
    assert len({each["idempotency_key"] for each in elements}) == 64
    assert len({each["customer_id"] for each in elements}) == 64


def test_a_set_of_payments_hands_each_event_over_as_it_came() -> None:
    [statement] = call_paids([ORDER, ORDER], 2).series(1, 0, 1)
    for element in _elements(statement, "receive_payment_webhooks"):
        assert json.loads(element.pop("payload")) == EVENT
        assert element == EVENT


@pytest.mark.parametrize("customers", [True, False])
def test_a_hold_by_http_is_as_long_as_it_says_and_names_a_customer_where_that_is_asked_for(customers: bool) -> None:
    head, body = next(post_hold(7, customers=customers).series(1, 0, 1)).split(b"\r\n\r\n")

    assert f"Content-Length: {len(body)}" in head.decode().split("\r\n")
    assert json.loads(body).keys() == {"product_id", "qty"} | ({"customer_id"} if customers else set())


def test_an_order_by_http_is_that_of_the_hold_and_as_long_as_it_says() -> None:
    [request] = post_order([ORDER]).series(1, 0, 1)
    head, body = request.split(b"\r\n\r\n")

    assert json.loads(body) == {"hold_id": ORDER.decode()}
    assert f"Content-Length: {len(body)}" in head.decode().split("\r\n")


def test_a_purchase_is_done_when_it_is_paid() -> None:
    follow = post_purchase(7).follow
    assert follow is not None
    assert follow(b'HTTP/1.1 200 OK\r\n\r\n{"order_id": "%s", "outcome": "applied"}' % ORDER) is None


def _elements(statement: bytes, procedure: str) -> list[dict[str, Any]]:
    """The requests of a set, as MySQL reads the literal: two backslashes are one."""
    [literal] = re.findall(rf"^CALL {procedure}\('(.*)'\)$", statement.decode())
    elements: list[dict[str, Any]] = json.loads(literal.replace("\\\\", "\\"))
    return elements
