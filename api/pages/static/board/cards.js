/* The figures of each product, of all together, and of the health; elements are made once and their text kept up. */

import { bySale, count, lagState, money, moneyDue, plural, saleTimes, seconds, time } from "./text.js";

const $ = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/* What does not change is left alone, for those who have the page read out. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const ORDERS = [["orders_pending", "Unpaid"], ["orders_paid", "Paid"], ["orders_fulfilled", "Handed over"]];
const ENDED = [["orders_cancelled", "Cancelled"], ["payments_failed", "of them: payment failed"], ["orders_refunded", "Refunded"]];
const EVENTS = [["events_applied", "Applied"], ["events_ignored", "Ignored"], ["events_parked", "Parked"],
  ["events_mismatched", "Wrong amount"], ["events_refund_due", "Refund due"]];

/* Younger figures need no age beside them. */
const STALE_SECONDS = 5;

const figure = (name, className = "") => make("dd", { "data-figure": name, class: className }, "…");
const line = ([name, label]) => make("div", {}, make("dt", {}, label), figure(name));

/* The essentials of a card come first; the rest is there for the first few products on a large screen, else when asked for. */
const wide = matchMedia("(min-width: 40rem)");
const OPEN_CARDS = 4;

function makeMore(...children) {
  const more = make("details", { class: "more" }, make("summary", {}, "Money and orders"), ...children);
  more.open = wide.matches && document.querySelectorAll(".more").length < OPEN_CARDS;
  return more;
}

function makeCard(product) {
  const heading = make("h3", { id: `product-${product.product_id}` });
  const share = (name, label) => make("div", { class: name }, make("dt", {}, label), figure(name), make("dd", { class: "share", "data-share": name }));
  return make("article", { class: "card", "data-product": product.product_id, "aria-labelledby": heading.id },
    make("div", { class: "card-head" }, heading, make("span", { class: "sale" })),
    make("p", { class: "when" }),
    make("p", { class: "left" }, make("b", { "data-figure": "left" }), make("span", {})),
    make("div", { class: "bar", role: "img" }, make("i", { class: "sold" }), make("i", { class: "held" })),
    make("dl", { class: "key" }, share("sold", "Sold"), share("held", "Held"), share("available", "Available")),
    make("p", { class: "expiring" },
      make("b", { "data-figure": "live_holds" }), " live holds; ", make("b", { "data-figure": "expiring_within_10_s" }), " expire within 10 s, ",
      make("b", { "data-figure": "expiring_within_30_s" }), " within 30 s"),
    makeMore(make("dl", { class: "money" },
      make("div", {}, make("dt", {}, "Money taken"), figure("takings")),
      make("div", {}, make("dt", {}, "Given back"), figure("given_back"))),
    make("div", { class: "pair" },
      make("div", {}, make("h4", {}, "Orders"), make("dl", {}, ...ORDERS.map(line))),
      make("div", {}, make("h4", {}, "Ended orders"), make("dl", {}, ...ENDED.map(line)))),
    make("p", { class: "age" })));
}

function fillLines(list, lines, valueOf) {
  for (const [name] of lines) say(list.querySelector(`[data-figure="${name}"]`), count(valueOf(name)));
}

function fill(card, product, totals, age, now) {
  const set = (name, text) => say(card.querySelector(`[data-figure="${name}"]`), text);
  const total = product.stock_total;
  const percent = (units) => (total ? (100 * units) / total : 0);
  const heading = card.querySelector("h3");
  if (heading.dataset.name !== product.name) {
    heading.dataset.name = product.name;
    heading.replaceChildren(product.name, make("span", { class: "id" }, ` · product ${product.product_id}`));
  }
  const sale = card.querySelector(".sale");
  sale.dataset.sale = product.sale;
  say(sale, (product.sale[0].toUpperCase() + product.sale.slice(1)).replace("_", " "));
  say(card.querySelector(".when"), saleTimes(product, now));
  set("left", count(product.available));
  say(card.querySelector(".left span"), `of ${count(total)} available`);
  for (const name of ["sold", "held", "available"]) {
    set(name, count(product[name]));
    say(card.querySelector(`[data-share="${name}"]`), `${percent(product[name]).toFixed(1)} %`);
  }
  for (const name of ["sold", "held"]) card.querySelector(`.bar .${name}`).style.width = `${percent(product[name])}%`;
  card.querySelector(".bar").setAttribute("aria-label",
    `Stock: ${product.sold} sold, ${product.held} held, ${product.available} available of ${total}`);
  for (const name of ["live_holds", "expiring_within_10_s", "expiring_within_30_s"]) set(name, count(product[name]));
  for (const name of ["takings", "given_back"]) set(name, money(totals?.[name], product.currency));
  fillLines(card, [...ORDERS, ...ENDED], (name) => product[name] ?? totals?.[name]);
  say(card.querySelector(".age"), age > STALE_SECONDS ? `Ended orders and money as of ${seconds(age)} ago` : "");
}

function place(list, products, cards, totalsOf, age, now) {
  products.forEach((product, at) => {
    const card = cards.get(product.product_id) ?? makeCard(product);
    cards.delete(product.product_id);
    fill(card, product, totalsOf.get(product.product_id), age, now);
    if (list.children[at] !== card) list.insertBefore(card, list.children[at] ?? null);
  });
}

export function showProducts(products, totals, age, now) {
  const totalsOf = new Map((totals ?? []).map((row) => [row.product_id, row]));
  const cards = new Map([...document.querySelectorAll(".card")].map((card) => [Number(card.dataset.product), card]));
  const sorted = products.toSorted(bySale);
  const ended = sorted.filter(({ sale }) => sale === "ended");
  place($("products"), sorted.filter(({ sale }) => sale !== "ended"), cards, totalsOf, age, now);
  place($("ended-products"), ended, cards, totalsOf, age, now);
  for (const card of cards.values()) card.remove();
  $("no-products").hidden = products.length > 0;
  $("ended").hidden = ended.length === 0;
  say($("ended").firstChild, plural(ended.length, "sale has ended", "sales have ended"));
}

/* What a phone leaves out: the line on top says it, or it is soon over. */
const DETAILS = new Set(["Expire within 10 s", "Unpaid orders", "Money taken", "Money due"]);

/* One line over several products; for a single one it would say the same twice. */
export function showTogether(products, together, totals) {
  $("together").hidden = products.length < 2;
  if (products.length < 2) return;
  const taken = new Map();
  for (const row of totals ?? []) if (row.currency) taken.set(row.currency, (taken.get(row.currency) ?? 0) + row.takings);
  // What can be bought now: units of a sale that has not begun, or is over, are none.
  const available = products.filter(({ sale }) => sale === "open").reduce((sum, product) => sum + product.available, 0);
  const figures = [["Available", count(available)], ["Held", count(together.held)], ["Sold", count(together.sold)],
    ["Expire within 10 s", count(together.expiring_within_10_s)], ["Unpaid orders", count(together.orders_pending)],
    ["Money taken", ...[...taken].map(([currency, minor]) => money(minor, currency))], ["Money due", moneyDue(together)]];
  const list = $("together-figures");
  if (!list.children.length) list.append(...figures.map(([label]) => make("div", DETAILS.has(label) ? { "data-detail": "" } : {}, make("dt", {}, label))));
  figures.forEach(([, ...texts], place) => {
    const tile = list.children[place];
    while (tile.children.length > texts.length + 1) tile.lastChild.remove();
    while (tile.children.length < texts.length + 1) tile.append(make("dd"));
    texts.forEach((text, line) => say(tile.children[line + 1], text));
    tile.classList.toggle("several", texts.length > 1);
  });
  const due = together.payments_due > 0;
  list.lastChild.classList.toggle("attention", due);
  list.lastChild.classList.toggle("words", due && together.money_due_currency === null);
}

/* Payments of all products: what of them somebody has to act on, and what their events did. */
export function showPayments(together, totals, age) {
  const ofAll = totals?.find((row) => row.product_id === null);
  const due = together.payments_due;
  const open = ofAll?.disputes_open;
  const tiles = [
    ["money_due", "Money due", moneyDue(together), due > 0,
      due > 0 ? `of ${plural(due, "payment", "payments")}: CALL list_refunds_due()` : "nothing has to go back"],
    ["payments_waiting", "Waiting payments", count(together.payments_waiting), false, "for an order that may still come"],
    ["disputes_open", "Disputes open", count(open), open > 0,
      open > 0 ? "answer at the provider before its time is up" : "payments that customers dispute at their bank"],
  ];
  const list = $("payments");
  if (!list.children.length) {
    list.append(...tiles.map(([name, label]) => make("div", {}, make("dt", {}, label), figure(name), make("dd", { class: "hint" }))));
    $("events").append(...EVENTS.map(line));
  }
  tiles.forEach(([, , text, attention, hint], place) => {
    const [, value, small] = list.children[place].children;
    say(value, text);
    say(small, hint);
    list.children[place].classList.toggle("attention", attention);
  });
  fillLines($("events"), EVENTS, (name) => ofAll?.[name]);
  say($("payments-age"), age > STALE_SECONDS ? `Disputes and events as of ${seconds(age)} ago` : "");
}

const STATES = { ok: "fine", warn: "needs attention", bad: "wrong", wait: "not known yet" };

/* Each line: what, its state, a word, and what to do. */
export function showHealth({ away, together, violations, checkedAgo }) {
  const lines = [["Database", away ? "bad" : together ? "ok" : "wait", away ? "away" : (together?.database_version ?? "…"), away ?? ""]];
  if (together) {
    const last = together.last_sweep_at ? `last sweep ${time(new Date(together.last_sweep_at))}` : "no sweep yet";
    const missing = together.members - together.members_online;
    const late = together.health && !missing;
    lines.push(
      ["Node that sells", together.role !== "primary" ? "bad" : missing ? "warn" : "ok", together.node,
        together.members > 1 ? `${together.members_online} of ${together.members} nodes online, ${count(together.members_behind)} transactions behind` : ""],
      ["Scheduler and EVENT", late ? "bad" : "ok", late ? "stopped or late" : "running", last],
      ["Sweep lag", lagState(together) || "ok", seconds(together.sweep_lag_seconds), ""],
      ["Orders past their time", together.orders_overdue > 0 && lagState(together) ? "warn" : "ok", count(together.orders_overdue), ""]);
  }
  lines.push(["Invariants", violations === null ? "wait" : violations.length ? "bad" : "ok",
    violations === null ? "being checked" : violations.length ? `${count(violations.length)} violated` : "all hold",
    violations === null ? "" : `checked ${seconds(checkedAgo)} ago`]);
  const list = $("health");
  lines.forEach(([label, state, word, hint], place) => {
    let item = list.children[place];
    if (!item) {
      item = make("li", {}, make("span", { class: "mark", role: "img" }), make("span", {}), make("b", {}), make("small", {}));
      list.append(item);
    }
    const [mark, name, value, small] = item.children;
    item.dataset.state = state;
    item.dataset.line = label;
    mark.setAttribute("aria-label", STATES[state]);
    say(name, label);
    say(value, word);
    say(small, hint);
  });
  while (list.children.length > lines.length) list.lastChild.remove();
}
