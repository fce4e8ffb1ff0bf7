"""What clients send: requests that differ in their keys only, by CALL, in sets and by HTTP."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from loadtest.stage import PRICE

# Keys of 36 characters in no order, as UUIDs have none: an index must not profit from the benchmark.
_SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC835
_MASK = (1 << 128) - 1
_ID = re.compile(rb'"(?:hold|order)_id": ?"([0-9a-f-]{36})"')


@dataclass(frozen=True)
class Requests:
    """Requests that differ only in their key, which stands between each two of the `pieces`; one piece has no key.

    keys: those to use, each once; None: no end of fresh ones.
    around: what begins and ends a message of `size` requests with commas between them; None: each is a message.
    follow: the request that follows from an answer, None when a fresh one is next.
    """

    pieces: tuple[bytes, ...]
    keys: Sequence[bytes] | None = None
    size: int = 1
    around: tuple[bytes, bytes] | None = None
    follow: Callable[[bytes], bytes | None] | None = None

    def series(self, seed: int, part: int, parts: int) -> Iterator[bytes]:
        """The messages of one of `parts` generators; another seed gives other fresh keys."""
        requests = self._requests(seed, part, parts)
        return self._sets(requests, *self.around) if self.around else requests

    def _requests(self, seed: int, part: int, parts: int) -> Iterator[bytes]:
        if self.keys is not None:
            return (key.join(self.pieces) for key in self.keys[part::parts])
        if len(self.pieces) == 1:
            return itertools.repeat(self.pieces[0])
        numbers = itertools.count((seed * parts + part) << 32)
        return (fresh_key(number).join(self.pieces) for number in numbers)

    def _sets(self, requests: Iterator[bytes], before: bytes, after: bytes) -> Iterator[bytes]:
        while elements := b",".join(itertools.islice(requests, self.size)):
            yield before + elements + after


def fresh_key(number: int) -> bytes:
    """A key of 36 characters; neighbouring numbers have keys far apart."""
    return b"%08x-%027x" % divmod(number * _SPREAD & _MASK, 1 << 96)


def call_hold(product: int) -> Requests:
    """A hold of one unit by CALL."""
    return Requests((b"CALL create_hold(%d, 1, NULL, '" % product, b"')"))


def call_holds(product: int, size: int, *, customers: bool = False) -> Requests:
    """Sets of holds of one unit by CALL; with `customers` each is another's."""
    head = b'{"product_id":%d,"qty":1,' % product
    pieces = (b'"customer_id":"', b'","idempotency_key":"') if customers else (b'"idempotency_key":"',)
    return _set("create_holds", (head + pieces[0], *pieces[1:], b'"}'), size)


def post_hold(product: int, keys: list[bytes] | None = None, *, customers: bool = False) -> Requests:
    """A hold of one unit by HTTP; with `customers` each is another's."""
    if customers:
        return _post("/api/holds", (b'{"product_id": %d, "qty": 1, "customer_id": "' % product, b'"}'), keys)
    return _post("/api/holds", (b'{"product_id": %d, "qty": 1}' % product,), keys)


def call_order(holds: list[bytes]) -> Requests:
    """The orders of these holds by CALL."""
    return Requests((b"CALL create_order('", b"', 'ord-", b"', NULL, NULL)"), holds)


def call_orders(holds: list[bytes], size: int) -> Requests:
    """The same in sets."""
    return _set("create_orders", (b'{"hold_id":"', b'","idempotency_key":"ord-', b'"}'), size, holds)


def post_order(holds: list[bytes]) -> Requests:
    """The same by HTTP."""
    return _post("/api/orders", (b'{"hold_id": "', b'"}'), holds)


def call_paid(orders: list[bytes]) -> Requests:
    """The payments of these orders by CALL, with the event as it came, as the API hands it over."""
    event = _payment()
    arguments = b"', 'succeeded', %d, 'EUR', NULL, '" % PRICE
    call = b"CALL receive_payment_webhook('evt-", b"', '", b"', 'pi_", arguments + event[0]
    return Requests((*call, *event[1:-1], event[-1] + b"')"), orders)


def call_paids(orders: list[bytes], size: int) -> Requests:
    """The same in sets. The event as it came is a text inside JSON, and that one inside SQL: two times quoted."""
    event = [piece.replace(b'"', b'\\\\"') for piece in _payment()]
    said = b'","status":"succeeded","amount":%d,"currency":"EUR","payload":"' % PRICE
    pieces = b'{"idempotency_key":"evt-', b'","order_id":"', b'","payment_id":"pi_', said + event[0]
    return _set("receive_payment_webhooks", (*pieces, *event[1:-1], event[-1] + b'"}'), size, orders)


def post_paid(orders: list[bytes]) -> Requests:
    """The payments of these orders by HTTP."""
    return _post("/api/payments/webhook", _payment(), orders, keyed=False)


def post_purchase(product: int) -> Requests:
    """Purchases by HTTP, each as a chain: the hold's answer gives its order, whose answer gives its payment."""
    return Requests(post_hold(product).pieces, follow=_follow)


def get_product(product: int) -> Requests:
    """A read of the product by HTTP."""
    return Requests((b"GET /api/products/%d HTTP/1.1\r\nHost: bench\r\n\r\n" % product,))


def _follow(answer: bytes) -> bytes | None:
    """What a buyer does next. The answers are told apart by members that only one of them has."""
    make = post_order if b'"expires_in_ms"' in answer else post_paid if b'"pay_in_ms"' in answer else None
    found = _ID.search(answer)
    if make is None or found is None:
        return None
    return next(make([found[1]]).series(0, 0, 1))


def _payment() -> tuple[bytes, ...]:
    """A payment event; between its parts stands the id of the order, of which its own and its payment's are made."""
    rest = b'", "status": "succeeded", "amount": %d, "currency": "EUR"}' % PRICE
    return b'{"idempotency_key": "evt-', b'", "order_id": "', b'", "payment_id": "pi_', rest


def _set(procedure: str, pieces: tuple[bytes, ...], size: int, keys: list[bytes] | None = None) -> Requests:
    return Requests(pieces, keys, size, (b"CALL %s('[" % procedure.encode(), b"]')"))


def _post(path: str, body: tuple[bytes, ...], keys: list[bytes] | None, *, keyed: bool = True) -> Requests:
    """POSTs of a body with the key between its pieces, and, when `keyed`, as Idempotency-Key too."""
    size = sum(map(len, body)) + (len(body) - 1) * len(fresh_key(0))
    head = b"POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n" % path.encode()
    head += b"Content-Length: %d\r\n" % size
    if keyed:
        return Requests((head + b"Idempotency-Key: ", b"\r\n\r\n" + body[0], *body[1:]), keys)
    return Requests((head + b"\r\n" + body[0], *body[1:]), keys)
