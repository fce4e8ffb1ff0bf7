/* Asks for the figures every second, keeps the newest of each, and says so when none come. */

import { make, say, showHealth, showPayments, showProducts, showTogether } from "./cards.js";
import { addRates, heldNow, missed, showRates } from "./chart.js";
import { showStrip } from "./strip.js";
import { showTasks } from "./tasks.js";
import { alarms, time } from "./text.js";

const PERIOD_MS = 1000;
const PATIENCE_MS = 6000;

const known = { live: null, totals: null, violations: null, tasks: null };
let lists = true;
let awaySince = null;
let silentSince = null;
let away = null;

/* Any worker of the service may answer, each with figures of its own age: older ones never replace newer ones. */
function learn(name, part, at) {
  if (!part) return;
  const moment = at - part.age_seconds * 1000;
  if (!known[name] || moment >= known[name].moment) known[name] = { rows: part.rows, moment };
}

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  const text = await answer.text(); // of a refusal too: a body that nobody reads is ended as a failure later
  if (answer.status === 401) location.reload(); // the token was changed: the browser asks for it
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return JSON.parse(text);
}

function show(now) {
  const rows = known.live?.rows ?? [];
  const together = rows.find((row) => row.product_id === null);
  const products = rows.filter((row) => row.product_id !== null);
  const violations = known.violations?.rows ?? null;
  const ago = (name) => (known[name] ? Math.max(0, (now - known[name].moment) / 1000) : 0);
  if (together) {
    showProducts(products, known.totals?.rows, ago("totals"), now);
    showPayments(together, known.totals?.rows, ago("totals"));
    showTogether(products, together, known.totals?.rows);
  }
  showTasks({ lists, tasks: known.tasks?.rows, now });
  showHealth({ away: silentSince ? "The service does not answer." : away, together, violations, checkedAgo: ago("violations") });
  document.body.classList.toggle("stale", Boolean(silentSince || away));
  const found = alarms({ silentSince, away, awaySince, together, violations });
  warn(found);
  showStrip({ alarms: found, unknown: Boolean(silentSince || away), together, tasks: known.tasks?.rows, heldNow: heldNow() });
  const moment = known.live ? time(new Date(known.live.moment)) : null;
  say(document.getElementById("pulse"), silentSince || away ? (moment ? `Figures of ${moment}` : "No figures yet") : `Live · ${moment}`);
}

function warn(found) {
  const banner = document.getElementById("alarm");
  const text = found.map(([heading, sentence]) => heading + sentence).join();
  if (banner.dataset.text !== text) {
    banner.dataset.text = text; // said once, not every second
    banner.replaceChildren(...found.map(([heading, sentence]) => make("p", {}, make("strong", {}, heading), sentence)));
  }
  document.title = found.length ? `⚠ ${found[0][0]} · Sale board` : "Sale board";
}

/* The server's clock now, so that ages are right on a machine whose clock is not. */
let ahead = 0;

async function refresh() {
  try {
    const figures = await ask("/board/data");
    const at = Date.parse(figures.at);
    ahead = at - Date.now();
    silentSince = null;
    away = figures.away;
    lists = figures.lists;
    for (const name of ["live", "totals", "violations", "tasks"]) learn(name, figures[name], at);
    if (!away) awaySince = null;
    else awaySince ??= new Date(known.live?.moment ?? at);
    // A page that was just opened, or slept, has what the workers kept meanwhile.
    if (missed(figures.requests)) for (const sample of await ask("/board/history").catch(() => [])) addRates(sample);
    addRates(figures.requests);
    showRates();
  } catch {
    silentSince ??= new Date(Date.now());
  }
  show(Date.now() + ahead);
}

async function run() {
  const began = performance.now();
  await refresh();
  setTimeout(run, Math.max(100, PERIOD_MS - (performance.now() - began)));
}

run();
