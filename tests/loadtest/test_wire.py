"""The load generators see the end of every response, and count what it says."""

import socket
from collections.abc import Callable, Iterator

import pytest

from loadtest.messages import post_purchase
from loadtest.stage import PRICE
from loadtest.wire import ALONE, DONE, REFUSED, Generator, Http, Mysql, MysqlSets
from sql.server.urls import parse
from tests.support.database import Database
from tests.support.sale import new_product
from tests.support.service import Service

ROWS = (
    b"SELECT 1 AS number, 'done' AS answer, 'x' AS message",
    b"SELECT 2, 'alone', 'not done'",
    b"SELECT 3, 'refused', 'sold_out: leave it alone'",
    b"SELECT 4, 'done', NULL",
)
SET = b" UNION ALL ".join(ROWS)
RESPONSE = b'HTTP/1.1 201 Created\r\nServer: any\r\nContent-Length: 10\r\n\r\n{"a": "b"}'


@pytest.fixture
def wire(api_url: str, connect_as: Callable[..., Database]) -> MysqlSets:
    """The protocol of sets, for an account that has logged in over TLS before."""
    connect_as("api")
    return MysqlSets(parse(api_url))


@pytest.fixture
def connection(wire: MysqlSets) -> Iterator[socket.socket]:
    """A session of that account."""
    with wire.connect() as connected:
        yield connected


def ask(wire: Mysql, connection: socket.socket, statement: bytes) -> tuple[bytes, int]:
    """Read byte by byte until the response is whole; the response and its outcome."""
    connection.sendall(wire.frame(statement))
    received, outcome = b"", None
    while outcome is None:
        received += connection.recv(1)
        outcome = wire.outcome(received)
    return received, outcome


@pytest.mark.parametrize(
    "statement",
    [b"SELECT 1", SET, b"CALL get_product(0)", b"CALL list_products(NULL, NULL, 1)", b"DO 1", b"CALL create_hold(0)"],
)
def test_the_end_of_a_response_is_seen_at_its_last_byte_the_first_time_and_later(
    wire: MysqlSets, connection: socket.socket, statement: bytes
) -> None:
    responses = [ask(wire, connection, statement) for _ in range(3)]

    # What was left unread of one would come first in the next, whose packets count from 1.
    assert {received[3] for received, _ in responses} == {1}
    assert len({outcome for _, outcome in responses}) == 1


def test_an_answer_with_other_columns_than_the_first_is_read_too(wire: MysqlSets, connection: socket.socket) -> None:
    for statement in (b"SELECT 1", SET, b"SELECT 1"):
        received, outcome = ask(wire, connection, statement)
        assert (received[3], outcome) == (1, DONE)


def test_every_request_of_a_set_counts_by_the_word_of_its_row(wire: MysqlSets, connection: socket.socket) -> None:
    received, outcome = ask(wire, connection, SET)
    assert wire.outcomes(received, outcome) == {DONE: 2, ALONE: 1, REFUSED: 1}


def test_an_error_is_that_of_the_whole_set(wire: MysqlSets, connection: socket.socket) -> None:
    received, outcome = ask(wire, connection, b"SELECT 'done' FROM nowhere.nothing")
    assert wire.outcomes(received, outcome) == {1142: 1}


def test_only_the_done_of_a_set_are_answered_requests(wire: MysqlSets) -> None:
    generator = Generator(wire, 1)
    tally = generator.run(iter([wire.frame(SET)] * 3), 30)
    generator.close()

    assert tally.in_time == 6
    assert tally.outcomes == {DONE: 6, ALONE: 3, REFUSED: 3}
    assert len(tally.latencies) == 3


def test_a_response_by_http_is_whole_when_its_body_is() -> None:
    http = Http("any", 0)
    assert [http.outcome(RESPONSE[:size]) for size in range(len(RESPONSE))] == [None] * len(RESPONSE)
    assert http.outcome(RESPONSE) == 201


def test_a_buyer_orders_the_hold_that_was_told_and_pays_that_order(service: Service, db: Database) -> None:
    product = new_product(db, 5, price=PRICE)
    purchase = post_purchase(product)
    generator = Generator(Http("127.0.0.1", service.port), 1, purchase.follow)
    # The first payment ends it.
    tally = generator.run(purchase.series(1, 0, 1), 30, until=200)
    generator.close()

    assert tally.outcomes == {201: 2, 200: 1}
    [order] = db.query("SELECT status FROM orders WHERE product_id = %s", product)
    assert order["status"] == "paid"
