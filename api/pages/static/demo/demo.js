/* A buyer's purchase. The server decides everything; this page shows where the purchase stands and what can be done next. */

import { newKey, Refusal, request, secondsLeft, serverNow, useKey } from "./shop.js";

const $ = (id) => document.getElementById(id);
const POLL_MS = 1000;
const TICK_MS = 250;
const TICKS = { order: 40, pay: 4 }; // until the server is asked again how a reservation, or an order, stands
const SAVED = "flashsale-demo";

/* A purchase outlives a reload of the page: hold, order, and the keys of what is under way. */
let purchase = JSON.parse(sessionStorage.getItem(SAVED) ?? "null") ?? {};
let product = null;
let busy = false;

function save(change) {
  purchase = change === null ? {} : { ...purchase, ...change };
  sessionStorage.setItem(SAVED, JSON.stringify(purchase));
  show();
}

function money(minor, currency) {
  const format = new Intl.NumberFormat(undefined, { style: "currency", currency });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

function say(text, kind = "") {
  $("status").textContent = text;
  $("status").dataset.kind = kind;
}

const waiting = (pause) => say(`The shop is very busy. Trying again in ${Math.ceil(pause)} s; nothing is lost.`);

const WORDS = {
  sold_out: "Sold out: somebody was faster. Units come back when a reservation runs out; this page keeps looking.",
  hold_expired: "Your reservation has run out, and the units are back on sale. You can reserve again.",
  hold_released: "This reservation was given back, or the sale was stopped.",
  sale_not_started: "The sale has not started yet.",
  sale_ended: "The sale is over.",
  sale_paused: "The sale is paused, and goes on soon. What you have reserved does not run out meanwhile.",
  customer_limit_reached: "You have as many units as one customer may have.",
  order_not_cancellable: "It is too late to cancel: the payment is there.",
};

/* Do one thing, say what came of it, and put the keyboard where the purchase goes on: what step returns names it. */
async function act(doing, step) {
  if (busy) return;
  let next = null;
  busy = true;
  show();
  say(doing);
  try {
    next = await step();
  } catch (error) {
    const gone = error instanceof Refusal && [404, 410].includes(error.status);
    if (gone) save(null);
    if (error.status === 401) askForKey();
    say(error instanceof Refusal ? (WORDS[error.slug] ?? error.message) : "The shop cannot be reached. Try again; you will not buy twice.", "bad");
  } finally {
    busy = false;
    show();
    if (next) $(next).focus();
    await look();
  }
}

const post = (path, body, key) => request("POST", path, { body: JSON.stringify(body), key }, waiting);

function reserve() {
  const qty = Number($("quantity").value);
  const same = purchase.holdKey && purchase.qty === qty && purchase.productId === product.product_id;
  save(same ? {} : { holdKey: newKey(), qty, productId: product.product_id });
  return act("Reserving…", async () => {
    try {
      const hold = await post("/api/holds", { product_id: purchase.productId, qty }, purchase.holdKey);
      save({ hold, order: null, orderKey: newKey() });
      say("Reserved. Order before the time is up.", "good");
      return "order";
    } catch (error) {
      if (error instanceof Refusal && error.status !== 503) save(null); // a refusal has no effect: the next try is a new one
      throw error;
    }
  });
}

const order = () => act("Ordering…", async () => {
  const made = await post("/api/orders", { hold_id: purchase.hold.hold_id }, purchase.orderKey);
  save({ order: made });
  say("Ordered at this price. Pay to make it yours.", "good");
  return "succeed";
});

const release = () => act("Giving it back…", async () => {
  await request("DELETE", `/api/holds/${purchase.hold.hold_id}`, {}, waiting);
  save(null);
  say("Given back. Somebody else can have it now.");
  return "quantity";
});

/* The provider signs on the server, if this service wants signatures; its event then goes the way every provider's goes.
   An attempt keeps its key until it is answered; the next one, with the same card or another, is a new event. */
const pay = (status) => act("Paying…", async () => {
  const { order_id, amount, currency } = purchase.order;
  if (purchase.attempt?.status !== status) save({ attempt: { status, key: newKey() } });
  const event = JSON.stringify({ idempotency_key: purchase.attempt.key, order_id, status, amount, currency });
  const { body, headers } = await request("POST", "/demo/payments", { body: event }, waiting);
  await request("POST", "/api/payments/webhook", { body, headers }, waiting);
  save({ attempt: null });
  await refreshOrder();
  if (purchase.order.status !== "pending") return "restart";
  say("The card was declined. Nothing was charged, and the order is yours until the time is up: try another card.", "bad");
  return "succeed";
});

const cancel = () => act("Cancelling…", async () => {
  save({ order: await request("POST", `/api/orders/${purchase.order.order_id}/cancellation`, {}, waiting) });
  say("Cancelled. Nothing was charged, and the units are back on sale.");
  return "restart";
});

/* What comes back is of no use when the purchase has gone on meanwhile. */
async function refreshHold(onWait = waiting) {
  const { hold_id } = purchase.hold;
  const found = await request("GET", `/api/holds/${hold_id}`, {}, onWait);
  if (purchase.hold?.hold_id === hold_id) save({ hold: found });
}

async function refreshOrder(onWait = waiting) {
  const { order_id, status } = purchase.order;
  const found = await request("GET", `/api/orders/${order_id}`, {}, onWait);
  if (purchase.order?.order_id !== order_id || purchase.order.status !== status) return;
  save({ order: found });
  if (found.status === status) return;
  if (found.status === "paid") say(`Paid. ${found.qty} × ${product?.name ?? "your product"} is yours.`, "good");
  else if (found.status === "cancelled") say(`The order was cancelled: ${found.closed_reason}. Nothing was charged, and the units are back on sale.`, "bad");
  else say(`The order is now ${found.status.replace("_", " ")}.`);
}

function askForKey() {
  $("access").hidden = false;
  $("api-key").focus();
}

function stage() {
  if (purchase.order) return purchase.order.status === "pending" ? "pay" : "done";
  return purchase.hold ? "order" : "reserve";
}

/* How its sale stands, for what the page says; whether it sells, the server decides. */
function saleOf({ sale_starts_at, sale_ends_at, stopped_at, paused_at, available }) {
  const now = serverNow();
  if (stopped_at || (sale_ends_at && Date.parse(sale_ends_at) <= now)) return "ended";
  if (sale_starts_at && Date.parse(sale_starts_at) > now) return "upcoming";
  if (paused_at) return "paused";
  return available === 0 ? "sold out" : "open";
}

const BUTTONS = { upcoming: "Not on sale yet", paused: "Paused", "sold out": "Sold out", ended: "The sale is over", open: "Reserve" };

/* What is there to see and to press in this stage. */
function show() {
  const now = stage();
  const open = { reserve: "reserve", order: "held", pay: "pay", done: "again" }[now];
  for (const id of ["reserve", "held", "pay", "again"]) $(id).hidden = id !== open;
  const steps = ["reserve", "order", "pay"];
  const paid = purchase.order?.status === "paid";
  const reached = now === "done" ? (paid ? 3 : 2) : steps.indexOf(now);
  for (const item of $("steps").children) {
    const place = steps.indexOf(item.dataset.step);
    item.classList.toggle("done", place < reached);
    item.toggleAttribute("aria-current", place === reached && now !== "done");
    if (item.hasAttribute("aria-current")) item.setAttribute("aria-current", "step");
  }
  const sale = product && saleOf(product);
  for (const button of document.querySelectorAll(".act button")) button.disabled = busy;
  const main = document.querySelector("#reserve button");
  main.disabled = busy || sale !== "open";
  main.textContent = BUTTONS[sale] ?? "Reserve";
  $("soon").hidden = sale !== "upcoming" || now !== "reserve";
  $("trace").textContent = purchase.order ? `Order ${purchase.order.order_id}` : purchase.hold ? `Reservation ${purchase.hold.hold_id}` : "";
  if (purchase.hold && product) {
    const { qty, unit_price } = purchase.hold; // what the order will cost, whatever the price is by now
    $("held-for").textContent = `${qty} × ${product.name}, ${money(qty * unit_price, product.currency)}`;
  }
  if (purchase.order) $("to-pay").textContent = money(purchase.order.amount, purchase.order.currency);
}

function showProduct() {
  if (!product) return;
  $("name").textContent = product.name;
  $("price").textContent = money(product.price, product.currency);
  $("quantity").max = product.max_per_hold;
  $("meter").max = Math.max(1, product.stock_total);
  $("meter").value = product.available;
  const stock = $("stock");
  stock.dataset.available = product.available;
  const sale = saleOf(product);
  stock.classList.toggle("gone", sale === "sold out" || sale === "ended");
  stock.classList.remove("away");
  const left = {
    upcoming: `${product.available} of ${product.stock_total}, not on sale yet`,
    paused: "The sale is paused, and goes on soon",
    "sold out": product.held > 0 ? "Sold out, but reservations may still come back" : "Sold out",
    ended: "The sale is over",
    open: `${product.available} of ${product.stock_total} left`,
  }[sale];
  if (stock.textContent !== left) stock.textContent = left;
  show();
}

/* What is shown is from before; the page goes on asking. */
function showAway() {
  $("stock").textContent = product ? "The server does not answer; the figures are from before. This page keeps trying." : "The server does not answer. This page keeps trying.";
  $("stock").classList.add("away");
  if (!product) $("name").textContent = "The shop cannot be reached";
}

let chosen = null;

/* The products and their stock as they are now; a failure here only means that the figures are older. */
async function look() {
  try {
    const { products } = await request("GET", "/api/products", {}, showAway);
    $("access").hidden = true;
    const list = $("product");
    const names = JSON.stringify(products.map((each) => [each.product_id, each.name]));
    if (list.dataset.names !== names) {
      list.dataset.names = names;
      list.replaceChildren(...products.map((each) => new Option(each.name, each.product_id)));
      const wanted = chosen ?? purchase.productId ?? Number(new URLSearchParams(location.search).get("product"));
      if (products.some((each) => each.product_id === wanted)) list.value = wanted;
    }
    $("choose").hidden = products.length < 2;
    product = products.find((each) => each.product_id === Number(list.value)) ?? null;
    if (!product) {
      $("name").textContent = "Nothing is on sale";
      $("stock").textContent = "";
    }
    list.disabled = stage() !== "reserve" && stage() !== "done";
    showProduct();
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) askForKey();
    else showAway();
  }
}

function clock(id, left, words) {
  const whole = Math.ceil(left);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const text = left === null ? "…" : hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  const element = $(id);
  element.textContent = text;
  element.classList.toggle("late", left !== null && left <= 15);
  // Read out at these moments and no others.
  const spoken = left !== null && [60, 30, 10].includes(whole) ? `${whole} seconds left ${words}` : null;
  if (spoken && $("spoken").textContent !== spoken) $("spoken").textContent = spoken;
}

let asking = false;

/* Beside everything else; when it fails, what is shown is older. */
function quietly(refresh) {
  if (asking) return;
  asking = true;
  refresh(() => {}).catch(() => {}).finally(() => { asking = false; });
}

let ticks = 0;

/* Show what is left, and ask the server from time to time: what counts is its word, not this clock, and a device that
   slept counted nothing. */
async function tick() {
  const now = stage();
  if (!$("soon").hidden) {
    const soon = (Date.parse(product.sale_starts_at) - serverNow()) / 1000;
    clock("start-clock", Math.max(0, soon), "until the sale starts");
    if (soon <= 0) showProduct();
  }
  const paused = product !== null && saleOf(product) === "paused";
  const left = now === "order" ? secondsLeft(purchase.hold, paused) : now === "pay" ? secondsLeft(purchase.order, paused) : null;
  if (now === "order") clock("hold-clock", left, "to order");
  if (now === "pay") clock("pay-clock", left, "to pay");
  ticks += 1;
  if (!busy && now === "order") {
    if (left === 0) await act("Your time is up…", refreshHold);
    else if (left === null && purchase.hold.status === "active") await act("", refreshHold);
    else if (ticks % (paused ? TICKS.pay : TICKS.order) === 0) quietly(refreshHold);
  }
  if (!busy && now === "pay" && (left === null || ticks % TICKS.pay === 0)) quietly(refreshOrder);
  setTimeout(tick, TICK_MS);
}

async function poll() {
  if (!document.hidden && !busy) await look();
  setTimeout(poll, POLL_MS);
}

$("reserve").addEventListener("submit", (event) => { event.preventDefault(); reserve(); });
$("order").addEventListener("click", order);
$("release").addEventListener("click", release);
$("succeed").addEventListener("click", () => pay("succeeded"));
$("decline").addEventListener("click", () => pay("declined"));
$("cancel").addEventListener("click", cancel);
$("restart").addEventListener("click", () => { save(null); say(""); $("quantity").focus(); });
$("product").addEventListener("change", () => { chosen = Number($("product").value); say(""); look(); });
$("access").addEventListener("submit", (event) => { event.preventDefault(); useKey($("api-key").value); look(); });

show();
await look();
tick();
poll();
