// A shop's client of the checkout: every request may be repeated, and is, until it is answered.
//
// Node.js 20 or newer, no packages. `node client.mjs http://127.0.0.1:8000 1` buys a unit of product 1, pays for it,
// standing in for the provider, and hands it over. It is for the shop's server: the API key, in CHECKOUT_KEY, and the
// secret of payment events, in WEBHOOK_SECRET, do not belong into a buyer's browser.

const TIMEOUT = 10_000; // milliseconds for one attempt
const PATIENCE = 30_000; // milliseconds for all attempts of one request
const PASSING = new Set([408, 429, 500, 502, 503, 504]); // what another attempt can change

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The service said no. `slug` names the reason; `retryAfter` is in seconds, if it passes by itself. */
export class Refused extends Error {
  constructor(answer, problem) {
    const slug = (problem.type ?? "").split("/").pop();
    super(`${answer.status} ${slug}: ${problem.detail ?? answer.statusText}`);
    this.status = answer.status;
    this.slug = slug;
    this.retryAfter = Number(answer.headers.get("Retry-After")) || 0; // a proxy may name a moment: that is by its clock
  }
}

export class Checkout {
  constructor(url, apiKey) {
    this.url = url;
    this.headers = { "Content-Type": "application/json", ...(apiKey ? { Authorization: `Bearer ${apiKey}` } : {}) };
  }

  /** Reserve units; `secondsLeft` is for the buyer's countdown. */
  async hold(productId, qty, key, customerId = null) {
    const body = { product_id: productId, qty, customer_id: customerId };
    const [hold, sent] = await this.#send("POST", "/api/holds", { body, headers: { "Idempotency-Key": key } });
    const left = (hold.expires_in_ms ?? 0) - (performance.now() - sent);
    return { ...hold, secondsLeft: Math.max(0, left / 1000) };
  }

  async release(holdId) {
    return (await this.#send("DELETE", `/api/holds/${holdId}`))[0];
  }

  /** `reference` is the shop's own number of the order. */
  async order(holdId, key, reference = null) {
    const headers = { "Idempotency-Key": key };
    return (await this.#send("POST", "/api/orders", { body: { hold_id: holdId, reference }, headers }))[0];
  }

  /** The order with this reference, if any: what became of one whose answer and key were lost. */
  async find(reference) {
    const query = new URLSearchParams({ reference });
    return (await this.#send("GET", `/api/orders?${query}`))[0].orders[0];
  }

  /** End an order that is not paid; throws Refused with order_not_cancellable when the payment was faster. */
  async cancel(orderId) {
    return (await this.#send("POST", `/api/orders/${orderId}/cancellation`))[0];
  }

  /** Note that a paid order left the shelf; throws Refused with order_not_fulfillable when it is not paid. */
  async handOver(orderId) {
    return (await this.#send("POST", `/api/orders/${orderId}/fulfilment`))[0];
  }

  /** Wait until the order is no longer pending, or its time is up; whether it is paid. */
  async paid(orderId) {
    for (;;) {
      const [order] = await this.#send("GET", `/api/orders/${orderId}`);
      if (order.status !== "pending" || order.pay_in_ms <= 0) return order.status === "paid";
      await sleep(1000);
    }
  }

  /** What a payment provider does: deliver an event, signed by the Standard Webhooks specification. */
  async report(event, secret) {
    return (await this.#send("POST", "/api/payments/webhook", { body: event, secret }))[0];
  }

  /** The answer, and when it was asked for; throws Refused, or what broke the connection in the last attempt. */
  async #send(method, path, { body, headers = {}, secret } = {}) {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const until = performance.now() + PATIENCE;
    for (let pause = 100; ; pause = Math.min(2 * pause, 5000)) {
      let wait = pause * (0.5 + Math.random());
      let failure;
      const sent = performance.now();
      try {
        const answer = await fetch(this.url + path, {
          method,
          body: text,
          headers: { ...this.headers, ...headers, ...(secret ? await sign(text, secret) : {}) },
          signal: AbortSignal.timeout(TIMEOUT),
        });
        if (answer.ok) return [await answer.json(), sent];
        failure = new Refused(answer, await answer.json().catch(() => ({}))); // {}: a proxy's page
        wait = Math.max(wait, 1000 * failure.retryAfter);
      } catch (error) {
        failure = error; // no answer, or half of one: only a repeat tells whether it happened
      }
      if (failure instanceof Refused && !PASSING.has(failure.status)) throw failure;
      if (performance.now() + wait > until) throw failure;
      await sleep(wait);
    }
  }
}

async function sign(body, secret) {
  const [id, now] = [`msg_${crypto.randomUUID()}`, String(Math.floor(Date.now() / 1000))];
  const bytes = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const digest = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(`${id}.${now}.${body}`));
  const signature = `v1,${Buffer.from(digest).toString("base64")}`;
  return { "webhook-id": id, "webhook-timestamp": now, "webhook-signature": signature };
}

async function main(url, product, cart = `cart-${crypto.randomUUID()}`) {
  // A shop keeps the id of the cart before it sends anything.
  const checkout = new Checkout(url, process.env.CHECKOUT_KEY);
  const hold = await checkout.hold(Number(product), 1, `${cart}-hold`);
  const order = await checkout.order(hold.hold_id, `${cart}-order`, cart);
  const { order_id, amount, currency } = order;
  const [event, secret] = [{ order_id, payment_id: `pay-${cart}` }, process.env.WEBHOOK_SECRET];
  // The first card is declined; the order waits for another one.
  await checkout.report({ ...event, idempotency_key: `evt-1-${cart}`, status: "declined" }, secret);
  await checkout.report({ ...event, idempotency_key: `evt-2-${cart}`, status: "succeeded", amount, currency }, secret);
  const found = await checkout.find(cart);
  const result = { order_id: found.order_id, paid: await checkout.paid(order_id), seconds_left: hold.secondsLeft };
  if (result.paid) result.fulfilled_at = (await checkout.handOver(order_id)).fulfilled_at;
  console.log(JSON.stringify(result));
}

main(...process.argv.slice(2)).catch((error) => {
  if (!(error instanceof Refused)) throw error;
  console.error(`no purchase: ${error.message}`);
  process.exit(1);
});
