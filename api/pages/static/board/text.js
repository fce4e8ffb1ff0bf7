/* Numbers, money and times as people read them, and in words what is wrong. */

const counts = new Intl.NumberFormat();
const rates = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const currencies = new Map();

export const count = (value) => (value === null || value === undefined ? "…" : counts.format(value));
export const rate = (value) => (value === null || value === undefined ? "…" : rates.format(value));
export const time = (moment) => clock.format(moment);

/* Minor units of a currency: 12900 EUR is 129.00, 12900 JPY is 12,900. */
export function money(minor, currency) {
  if (minor === null || minor === undefined) return "…";
  let format = currencies.get(currency);
  if (!format) {
    format = new Intl.NumberFormat(undefined, { style: "currency", currency });
    currencies.set(currency, format);
  }
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

/* What of all payments has to go back; in several currencies there is no one sum, and of some nobody named an amount. */
export function moneyDue({ payments_due, money_due, money_due_currency }) {
  if (payments_due === 0) return "None";
  if (money_due === null) return "Several currencies";
  return money_due_currency === null ? "Amount not known" : money(money_due, money_due_currency);
}

export function seconds(value) {
  if (value < 10) return `${rates.format(value)} s`;
  if (value < 120) return `${Math.round(value)} s`;
  if (value < 7200) return `${Math.round(value / 60)} min`;
  return value < 172800 ? `${Math.round(value / 3600)} h` : `${Math.round(value / 86400)} days`;
}

/* How late the sweep may be before anybody needs to look; from when on it is too late MySQL says. */
const SLOW_SECONDS = 5;

export function lagState({ sweep_lag_seconds: lag, sweep_late_seconds: late }) {
  if (lag > late) return "bad";
  return lag > SLOW_SECONDS ? "warn" : "";
}

const calendar = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/* From when to when it is sold, and how far away the next of these moments is. */
export function saleTimes({ sale, sale_starts_at, sale_ends_at }, now) {
  const [start, end] = [sale_starts_at, sale_ends_at].map((text) => (text ? Date.parse(text) : null));
  const away = (moment) => seconds(Math.abs(moment - now) / 1000);
  if (sale === "ended") return end === null ? "" : `Ended ${calendar.format(end)}, ${away(end)} ago`;
  const ends = end === null ? "" : `ends ${calendar.format(end)}`;
  if (sale === "upcoming") return [`Starts ${calendar.format(start)}, in ${away(start)}`, ends].filter(Boolean).join(" · ");
  const began = start === null ? "" : `Since ${calendar.format(start)}`;
  const text = [began, ends && `${ends}, in ${away(end)}`].filter(Boolean).join(" · ");
  return text && text[0].toUpperCase() + text.slice(1);
}

/* What is on sale first, the newest sale before the others; then what starts soonest; what has ended last. */
export function bySale(one, other) {
  const rank = ({ sale }) => ({ open: 0, upcoming: 2, ended: 3 })[sale] ?? 1; // sold_out, paused: it may go on
  const start = ({ sale_starts_at }) => (sale_starts_at ? Date.parse(sale_starts_at) : 0);
  const end = ({ sale_ends_at }) => (sale_ends_at ? Date.parse(sale_ends_at) : 0);
  const order = { 2: () => start(one) - start(other), 3: () => end(other) - end(one) }[rank(one)] ?? (() => start(other) - start(one));
  return rank(one) - rank(other) || order() || one.product_id - other.product_id;
}

export const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;

/* The other rows of check_invariants say the same as the live figures do, but later. */
const SEEN_LIVE = new Set(["sweep_late", "sweep_stopped", "sweep_never_ran"]);

/* [heading, sentence] of everything that somebody has to act on now. */
export function alarms({ silentSince, away, awaySince, together, violations }) {
  const found = [];
  if (silentSince) {
    found.push(["Service away", `The service has not answered since ${time(silentSince)}. The figures are from before; this page goes on by itself.`]);
  } else if (away) {
    const since = awaySince ? ` since ${time(awaySince)}` : "";
    found.push(["Database away", `The database has been away${since}. The figures are from before; this page goes on by itself.`]);
  }
  for (const row of (violations ?? []).filter((each) => !SEEN_LIVE.has(each.violation))) {
    const product = row.product_id === null ? "" : ` of product ${row.product_id}`;
    // Buyers are not concerned.
    if (row.violation === "notification_forgotten") found.push(["Notifications stopped", `Nobody delivers them: ${row.detail}`]);
    else found.push(["Invariant violated", `${row.violation}${product}: ${row.detail}. Stop the sale and look: CALL check_invariants()`]);
  }
  if (silentSince || away) return found; // what follows is of this moment, and that is not known
  const heading = together?.members_online < together?.members ? "A node is missing" : "Housekeeping stopped";
  if (together?.health) found.push([heading, `${together.health[0].toUpperCase()}${together.health.slice(1)}`]);
  return found;
}
