"""What the load generators send is made before the clock runs, as far as that can be known, and never twice."""

import itertools

from loadtest.measure import FASTEST, GENERATORS, WARM_UP_SECONDS, begin
from loadtest.messages import Requests, call_orders
from loadtest.wire import Mysql
from sql.server.urls import Url

WIRE = Mysql(Url("nobody", "", "127.0.0.1", 1, "nothing"))
READY = int((0.1 + WARM_UP_SECONDS) * FASTEST)


def test_what_was_made_before_and_what_is_made_later_are_one_series_in_packets() -> None:
    requests = Requests((b"CALL create_hold(1, 1, NULL, '", b"')"))
    _, messages = begin(WIRE, requests, 0, 0.1, (7, 1))
    expected = requests.series(7, 1, GENERATORS)

    count = READY + 10
    assert list(itertools.islice(messages, count)) == [WIRE.frame(next(expected)) for _ in range(count)]


def test_no_two_generators_and_no_two_rounds_send_the_same_key() -> None:
    requests = Requests((b"", b""))
    parts = [(seed, number) for seed in (7, 8) for number in range(GENERATORS)]
    sent = [key for part in parts for key in itertools.islice(begin(WIRE, requests, 0, 0.1, part)[1], 5_000)]

    assert len(set(sent)) == len(sent) == 5_000 * len(parts)


def test_orders_that_run_out_end_the_series() -> None:
    holds = [b"%036d" % number for number in range(100)]
    sent = [
        message for part in range(GENERATORS) for message in begin(WIRE, call_orders(holds, 32), 0, 0.1, (7, part))[1]
    ]

    assert sum(message.count(b"hold_id") for message in sent) == 100
