"""A shop's client of the checkout: every request may be repeated, and is, until it is answered.

Python 3.11, standard library only. `python client.py http://127.0.0.1:8000 1` buys a unit of product 1, pays for it,
standing in for the provider, and hands it over. The API key, where the service asks for one, is in CHECKOUT_KEY, the
secret of payment events in WEBHOOK_SECRET.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

TIMEOUT = 10  # seconds for one attempt
PATIENCE = 30  # seconds for all attempts of one request
PASSING = {408, 429, 500, 502, 503, 504}  # what another attempt can change


class Refused(Exception):
    """The service said no. `slug` names the reason; `retry_after` is in seconds, if it passes by itself."""

    def __init__(self, error):
        try:
            problem = json.load(error)
        except ValueError:  # a proxy's page
            problem = {}
        self.status = error.code
        self.slug = problem.get("type", "").rpartition("/")[2]
        after = error.headers.get("Retry-After") or ""
        self.retry_after = int(after) if after.isdecimal() else 0  # a proxy may name a moment: that is by its clock
        super().__init__(f"{self.status} {self.slug}: {problem.get('detail', error.reason)}")


class Checkout:
    def __init__(self, url, api_key=None):
        self.url = url
        self.headers = {"Content-Type": "application/json"}
        if api_key:
            self.headers["Authorization"] = f"Bearer {api_key}"

    def hold(self, product_id, qty, key, customer_id=None):
        """Reserve units; `seconds_left` is for the buyer's countdown."""
        body = {"product_id": product_id, "qty": qty, "customer_id": customer_id}
        hold, sent = self._send("POST", "/api/holds", body, {"Idempotency-Key": key})
        left = (hold["expires_in_ms"] or 0) / 1000 - (time.monotonic() - sent)
        return hold | {"seconds_left": max(0.0, left)}

    def release(self, hold_id):
        return self._send("DELETE", f"/api/holds/{hold_id}")[0]

    def order(self, hold_id, key, reference=None):
        """`reference` is the shop's own number of the order."""
        body = {"hold_id": hold_id, "reference": reference}
        return self._send("POST", "/api/orders", body, {"Idempotency-Key": key})[0]

    def find(self, reference):
        """The order with this reference, or None: what became of one whose answer and key were lost."""
        query = urllib.parse.urlencode({"reference": reference})
        return next(iter(self._send("GET", f"/api/orders?{query}")[0]["orders"]), None)

    def cancel(self, order_id):
        """End an order that is not paid; Refused with order_not_cancellable when the payment was faster."""
        return self._send("POST", f"/api/orders/{order_id}/cancellation")[0]

    def hand_over(self, order_id):
        """Note that a paid order left the shelf; Refused with order_not_fulfillable when it is not paid."""
        return self._send("POST", f"/api/orders/{order_id}/fulfilment")[0]

    def paid(self, order_id):
        """Wait until the order is no longer pending, or its time is up; whether it is paid."""
        while True:
            order, _ = self._send("GET", f"/api/orders/{order_id}")
            if order["status"] != "pending" or order["pay_in_ms"] <= 0:
                return order["status"] == "paid"
            time.sleep(1)

    def report(self, event, secret=None):
        """What a payment provider does: deliver an event, signed by the Standard Webhooks specification."""
        return self._send("POST", "/api/payments/webhook", event, secret=secret)[0]

    def _send(self, method, path, body=None, headers=None, secret=None):
        """The answer, and when it was asked for; Refused, or what broke the connection in the last attempt."""
        data = None if body is None else json.dumps(body).encode()
        pause, until = 0.1, time.monotonic() + PATIENCE
        while True:
            wait = pause * random.uniform(0.5, 1.5)
            signature = sign(data, secret) if secret else {}
            request = urllib.request.Request(self.url + path, data, method=method)
            for name, value in (self.headers | (headers or {}) | signature).items():
                request.add_header(name, value)
            sent = time.monotonic()
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                    return json.load(answer), sent
            except urllib.error.HTTPError as error:
                failure = Refused(error)
                if failure.status not in PASSING:
                    raise failure from None
                wait = max(wait, failure.retry_after)
            except (OSError, http.client.HTTPException, ValueError) as error:
                failure = error  # no answer, or half of one: only a repeat tells whether it happened
            if time.monotonic() + wait > until:
                raise failure
            time.sleep(wait)
            pause = min(2 * pause, 5)


def sign(body, secret):
    message_id, now = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{now}.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": message_id, "webhook-timestamp": now, "webhook-signature": signature}


def main(url, product, cart=None):
    cart = cart or f"cart-{uuid.uuid4()}"  # a shop keeps this before it sends anything
    checkout = Checkout(url, os.environ.get("CHECKOUT_KEY"))
    try:
        hold = checkout.hold(int(product), 1, key=f"{cart}-hold")
        order = checkout.order(hold["hold_id"], key=f"{cart}-order", reference=cart)
    except Refused as refused:
        sys.exit(f"no purchase: {refused}")
    event = {"order_id": order["order_id"], "payment_id": f"pay-{cart}"}
    money = {"amount": order["amount"], "currency": order["currency"]}
    secret = os.environ.get("WEBHOOK_SECRET")
    # The first card is declined; the order waits for another one.
    checkout.report(event | {"idempotency_key": f"evt-1-{cart}", "status": "declined"}, secret)
    checkout.report(event | money | {"idempotency_key": f"evt-2-{cart}", "status": "succeeded"}, secret)
    result = {"order_id": checkout.find(cart)["order_id"], "paid": checkout.paid(order["order_id"])}
    if result["paid"]:
        result["fulfilled_at"] = checkout.hand_over(order["order_id"])["fulfilled_at"]
    print(json.dumps(result | {"seconds_left": hold["seconds_left"]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
