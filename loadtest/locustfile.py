"""A flash sale at its boundary: many more buyers than units, and every way a purchase can go.

`python -m loadtest` runs it, and loadtest/plan.py says what its variables mean. By hand, with the id of a product:
LOADTEST_PRODUCTS=1 locust -f loadtest/locustfile.py --host http://127.0.0.1:8000

One run of the task is one buyer. A refusal that the sale owes its buyers (409 sold_out …) is a success and is counted
by its slug; whatever breaks a promise (a 500, a second hold under one key, 200 where 201 is due) is a failure. What
passes (503 …) is asked again under the same key, as docs/integrating.md tells clients to, and is a failure only when it
lasts.
"""

import json
import os
import random
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]
from locust import FastHttpUser, events, task
from locust.env import Environment
from locust.runners import WorkerRunner

from api.providers import standard

Body = dict[str, Any]
# For a status: the slugs that may come with it; a success has none.
Expected = Mapping[int, tuple[str, ...]]

PRODUCTS = [int(number) for number in os.environ.get("LOADTEST_PRODUCTS", "1").split(",")]
PROFILE = os.environ.get("LOADTEST_PROFILE", "edge")
OWN = bool(os.environ.get("LOADTEST_OWN"))
"""Whether the products were made for this test, so that it is known how they refuse."""
KEY = os.environ.get("LOADTEST_KEY", "")
SECRET = os.environ.get("FLASHSALE_WEBHOOK_SECRETS", "").split(",")[0].strip()
# Few enough that customers come back and meet max_per_customer; bots are few.
CUSTOMERS = 10 if PROFILE == "bots" else 400

REFUSALS: tuple[str, ...] = ("sold_out", "customer_limit_reached", "sale_not_started")
if not OWN:
    REFUSALS += ("unpaid_limit_reached", "customer_paused", "sale_ended", "sale_paused")
EXPIRED: Expected = {410: ("hold_expired",)}
NO_ANSWER = 0
PASSING = {NO_ANSWER, 408, 429, 502, 503, 504}
"""What another attempt can change; a 500 is owed to nobody."""
PATIENCE = 30.0
"""Seconds for all attempts of one request."""

counts: Counter[str] = Counter()
"""What happened, by slug or by the words of `count`."""


class BrokenPromiseError(Exception):
    """The answer was not one that is owed; locust has it as a failure, and this buyer gives up."""


class Buyer(FastHttpUser):
    """Buyers, one after the other, without a pause: a queue that never ends. `steady` ones take their time."""

    network_timeout = 30.0
    connection_timeout = 30.0

    def wait_time(self) -> float:
        """Seconds until the next buyer."""
        return random.uniform(1, 3) if PROFILE == "steady" else 0.0

    @task
    def buy(self) -> None:
        """Look, try to get units, and then do what buyers do."""
        try:
            if PROFILE == "bots":
                self._snatch(random.choice(PRODUCTS))
                return
            product = self._browse(random.choice(PRODUCTS))
            # A buyer who sees that nothing is left mostly leaves; some try all the same.
            if product["available"] == 0 and random.random() < 0.7:
                counts["left without trying"] += 1
                self._pause(0.5)
                return
            hold = self._hold(product)
            if hold is not None:
                self._after_the_hold(hold)
            else:
                self._pause(0.3)
        except BrokenPromiseError:
            counts["broken promises"] += 1

    def _after_the_hold(self, hold: Body) -> None:
        self._pause(0.2)
        ways = (self._order, self._pay_early, self._release, self._dawdle, self._abandon)
        [way] = random.choices(ways, weights=(50, 50, 0, 0, 0) if PROFILE == "payments" else (50, 15, 10, 5, 20))
        way(hold)

    def _snatch(self, product_id: int) -> None:
        """One of a few customers, again and again under a new key; nothing is ordered, and nothing given back."""
        body = {"product_id": product_id, "qty": 1, "customer_id": _customer()}
        status, _ = self._post_hold(body, _key(), {201: (), 409: REFUSALS})
        if status == 201:
            counts["holds"] += 1

    def _browse(self, product_id: int) -> Body:
        return self._ask("GET", f"/api/products/{product_id}", "GET /api/products/{id}", {200: ()})[1]

    def _hold(self, product: Body) -> Body | None:
        """One to three units under a key; one in five buyers sends the request again."""
        key = str(uuid.uuid4())
        qty = min(random.choice((1, 1, 1, 2, 3)), product["max_per_hold"])
        body = {"product_id": product["product_id"], "qty": qty, "customer_id": _customer()}
        status, hold = self._post_hold(body, key, {201: (), 409: REFUSALS})
        if status != 201:
            return None
        counts["holds"] += 1
        if random.random() < 0.2:
            _, again = self._post_hold(body, key, {200: ()}, same=("hold_id", hold["hold_id"]))
            counts["replayed holds"] += 1
            if random.random() < 0.1 and product["max_per_hold"] > qty:
                self._post_hold({**body, "qty": qty + 1}, key, {422: ("idempotency_key_reused",)})
            return again
        return hold

    def _post_hold(
        self, body: Body, key: str, expected: Expected, same: tuple[str, object] | None = None
    ) -> tuple[int, Body]:
        return self._ask("POST", "/api/holds", "POST /api/holds", expected, body, key, same)

    def _order(self, hold: Body) -> None:
        """Order, perhaps twice, and pay, or fail to, or not at all."""
        order = self._post_order(hold, {201: (), **EXPIRED}, "pending")
        if order is None:
            return
        if random.random() < 0.1:
            self._pause(0.05)
            used = ("hold_already_used",)
            self._ask("POST", "/api/orders", "POST /api/orders", {409: used}, {"hold_id": hold["hold_id"]}, _key())
        self._pause(0.2)
        ends = ("succeeded", "failed", "cancelled", None)
        [way] = random.choices(ends, weights=(100, 0, 0, 0) if PROFILE == "payments" else (75, 10, 5, 10))
        if way is None:
            counts["unpaid orders"] += 1
        elif way == "cancelled":
            self._change_order(order, "cancellation", "cancelled")
        else:
            self._pay_order(order, way)

    def _pay_order(self, order: Body, status: str) -> None:
        """Pay, perhaps at the second try of the same payment; some orders are handed over, some are given back."""
        if random.random() < 0.1:
            self._pay(order, "declined", {200: ()})
            counts["declined attempts"] += 1
        receipt = self._pay(order, status, {200: ()})
        counts[f"payment {status}: {receipt['outcome']}"] += 1
        if status != "succeeded" or receipt["outcome"] != "applied":
            return
        _count_paid(order)
        handed_over = random.random() < 0.2
        if handed_over:
            self._change_order(order, "fulfilment", "paid")
        if random.random() < 0.1:
            if not handed_over:  # what was handed over stays sold
                _count_paid(order, -1)
            self._pay(order, "refunded", {200: ()})
            counts["refunded orders"] += 1
            self._check_order(order["order_id"], "refunded")
        else:
            self._check_order(order["order_id"], "paid")

    def _pay_early(self, hold: Body) -> None:
        """The payment is faster than the order, which is then paid at birth."""
        receipt = self._pay(hold, "succeeded", {202: ()})
        counts["payments before their order"] += 1
        order = self._post_order(hold, {201: (), **EXPIRED}, "paid")
        if order is not None:
            _count_paid(order)
            self._pay(hold, "succeeded", {200: ()}, receipt["idempotency_key"], ("outcome", "applied"))

    def _release(self, hold: Body) -> None:
        path = f"/api/holds/{hold['hold_id']}"
        status, _ = self._ask("DELETE", path, "DELETE /api/holds/{id}", {200: (), **EXPIRED})
        if status == 200:
            counts["released holds"] += 1
            self._ask("GET", path, "GET /api/holds/{id}", {410: ("hold_released",)})

    def _dawdle(self, hold: Body) -> None:
        """Too late by one second: this buyer does not hold the units any more. Nobody waits for a hold of minutes."""
        if hold["expires_in_ms"] > 10_000:
            self._abandon(hold)
            return
        gevent.sleep(hold["expires_in_ms"] / 1000 + 1)
        body = {"hold_id": hold["hold_id"]}
        self._ask("POST", "/api/orders", "POST /api/orders", EXPIRED, body, _key())

    def _abandon(self, hold: Body) -> None:
        counts["abandoned holds"] += 1

    def _post_order(self, hold: Body, expected: Expected, state: str) -> Body | None:
        """Order a hold, in one case of ten a second time; None when it had expired."""
        key, body = _key(), {"hold_id": hold["hold_id"]}
        status, order = self._ask(
            "POST", "/api/orders", "POST /api/orders", expected, body, key, ("status", state), same_for=201
        )
        if status != 201:
            return None
        counts["orders"] += 1
        if random.random() < 0.1:
            self._ask("POST", "/api/orders", "POST /api/orders", {200: ()}, body, key, ("order_id", hold["hold_id"]))
            counts["replayed orders"] += 1
        return order

    def _pay(
        self, about: Body, status: str, expected: Expected, key: str = "", same: tuple[str, object] | None = None
    ) -> Body:
        """Deliver a payment event; one in five twice, as providers do. Each purchase has one payment."""
        order_id = about["hold_id"]
        body = {
            "idempotency_key": key or _key(), "order_id": order_id, "payment_id": f"pi_{order_id}", "status": status,
        }  # fmt: skip
        if "amount" in about:
            body |= {"amount": about["amount"], "currency": about["currency"]}
        path = "/api/payments/webhook"
        _, receipt = self._ask("POST", path, f"POST {path}", expected, body, same=same)
        if random.random() < (1.0 if PROFILE == "payments" else 0.2):
            self._ask("POST", path, f"POST {path}", expected, body, same=("webhook_id", receipt["webhook_id"]))
            counts["webhooks delivered twice"] += 1
        return receipt

    def _change_order(self, order: Body, change: str, state: str) -> None:
        """POST a change of an order, one in five twice; the order is then in this state."""
        path, name = f"/api/orders/{order['order_id']}/{change}", f"POST /api/orders/{{id}}/{change}"
        for _ in range(random.choice((1, 1, 1, 1, 2))):
            self._ask("POST", path, name, {200: ()}, same=("status", state))
        counts[f"orders with a {change}"] += 1

    def _check_order(self, order_id: str, state: str) -> None:
        self._ask("GET", f"/api/orders/{order_id}", "GET /api/orders/{id}", {200: ()}, same=("status", state))

    def _ask(
        self,
        method: str,
        path: str,
        name: str,
        expected: Expected,
        body: Body | None = None,
        key: str | None = None,
        same: tuple[str, object] | None = None,
        same_for: int = 200,
    ) -> tuple[int, Body]:
        """Send a request, again and again while its answer is one that passes; its status and JSON.

        `same` is a member and the value it must have in an answer of the status `same_for`. Raises
        BrokenPromiseError for any answer that is not `expected`.
        """
        data = json.dumps(body) if body is not None else None
        headers = {"Content-Type": "application/json"} if data else {}
        if key:
            headers["Idempotency-Key"] = key
        if KEY:
            headers["Authorization"] = f"Bearer {KEY}"
        pause, until, again = 0.1, time.monotonic() + PATIENCE, False
        while True:
            signed = standard.sign(SECRET, data.encode()) if data and SECRET and path.endswith("/webhook") else {}
            with self.client.request(
                method, path, name=name, data=data, headers=headers | signed, catch_response=True
            ) as response:
                status = response.status_code
                answer = _decode(response.text)
                # Never the same for two buyers.
                wait = max(pause * random.uniform(0.5, 1.5), _retry_after(response.headers))
                if status in PASSING and time.monotonic() + wait < until:
                    response.success()
                    counts[f"asked again after {status or 'no answer'}"] += 1
                else:
                    if again and status == 200 and 201 in expected:
                        status = 201  # the attempt before made it, and its answer was lost
                    slug = str(answer.get("type", "")).removeprefix("/problems/")
                    wrong = None
                    if status not in expected or (expected[status] and slug not in expected[status]):
                        wrong = f"{status} {slug or (response.text or str(response.error))[:80]}"
                    elif same and status == same_for and answer.get(same[0]) != same[1]:
                        wrong = f"{status} with another {same[0]}"
                    if wrong:
                        response.failure(f"{wrong}, not one of {sorted(expected)}")
                        raise BrokenPromiseError(wrong)
                    response.success()
                    if slug:
                        counts[slug] += 1
                    return status, answer
            gevent.sleep(wait)
            pause, again = min(2 * pause, 5), True

    def _pause(self, most: float) -> None:
        """Take up to so many seconds to think."""
        gevent.sleep(random.uniform(0, most))


def _retry_after(headers: Mapping[str, str] | None) -> float:
    """Seconds; 0 where the answer does not say, or there is none."""
    text = str((headers or {}).get("Retry-After", ""))
    return float(text) if text.isdigit() else 0.0


def _decode(text: str | None) -> Body:
    try:
        answer = json.loads(text or "")
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _customer() -> str:
    return f"customer-{random.randrange(CUSTOMERS)}"


def _key() -> str:
    return str(uuid.uuid4())


def _count_paid(order: Body, sign: int = 1) -> None:
    counts[f"units paid of product {order['product_id']}"] += sign * order["qty"]


# Of several processes each counts what its own buyers do, and tells the first, as it tells its requests.
@events.report_to_master.add_listener  # type: ignore[untyped-decorator]
def tell_counts(client_id: str, data: Body, **_: object) -> None:
    """What happened since the last time."""
    data["counts"] = dict(counts)
    counts.clear()


@events.worker_report.add_listener  # type: ignore[untyped-decorator]
def take_counts(client_id: str, data: Body, **_: object) -> None:
    """What happened in another process. A Counter adds, and keeps what is below zero."""
    counts.update(data["counts"])


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def write_summary(environment: Environment, **_: object) -> None:
    """Leave the figures where LOADTEST_SUMMARY says, for loadtest.run."""
    target = os.environ.get("LOADTEST_SUMMARY")
    if not target or isinstance(environment.runner, WorkerRunner):
        return
    stats = environment.stats
    endpoints = [
        {
            "name": entry.name,
            "requests": entry.num_requests,
            "failures": entry.num_failures,
            **{f"p{percent}": entry.get_response_time_percentile(percent / 100) for percent in (50, 95, 99)},
            "max": entry.max_response_time,
        }
        for entry in [*sorted(stats.entries.values(), key=lambda entry: entry.name), stats.total]
    ]
    failures = {f"{error.name}: {error.error}": error.occurrences for error in stats.errors.values()}
    summary = {
        "counts": counts,
        "endpoints": endpoints,
        "failures": failures,
        "requests_per_second": stats.total.total_rps,
    }
    Path(target).write_text(json.dumps(summary))
