/* The API as a shop calls it: JSON, problems, one key for all attempts of one intention. docs/integrating.md has the rules. */

const ATTEMPTS = 8;
const PATIENCE_MS = 10000;
const PASSING = new Set([408, 429, 500, 502, 503, 504]); // what another attempt can change
let apiKey = "";
const ends = new WeakMap();

export const useKey = (key) => { apiKey = key; };

/* Seconds until a hold or an order runs out, by the steady clock of this device; null when the answer says nothing of it,
   or came to an earlier page. Clocks are never compared: they may be wrong, and be set while we wait.
   paused: nothing runs out meanwhile, so it is what the answer said. */
export function secondsLeft(answer, paused = false) {
  const known = ends.get(answer);
  return known === undefined ? null : Math.max(0, (known.end - (paused ? known.sent : performance.now())) / 1000);
}

/* The server's time, by the Dates of its answers and the steady clock of this device; null before the first. Each Date is a
   little in the past, for it has whole seconds: of all of them the latest counts, so that no sale seems to start too soon. */
let serverAhead = null;
export const serverNow = () => (serverAhead === null ? null : performance.now() + serverAhead);

export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `Status ${status}`);
    this.status = status;
    this.slug = (problem.type ?? "").split("/").pop();
  }
}

async function once(method, path, { body, key, headers }) {
  const sent = performance.now();
  const answer = await fetch(path, {
    method, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS), body,
    headers: {
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(key ? { "Idempotency-Key": key } : {}), ...(apiKey ? { Authorization: `Bearer ${apiKey}` } : {}), ...headers,
    },
  });
  const date = Date.parse(answer.headers.get("Date") ?? "");
  if (!Number.isNaN(date)) serverAhead = Math.max(serverAhead ?? -Infinity, date - performance.now());
  const found = await answer.json().catch(() => ({}));
  if (answer.ok) {
    const left = found.expires_in_ms ?? found.pay_in_ms ?? null;
    if (left !== null) ends.set(found, { sent, end: sent + left }); // not from the answer on: its way here took time, too
    return found;
  }
  const refusal = new Refusal(answer.status, found);
  refusal.retryAfter = Number(answer.headers.get("Retry-After")) || 0;
  throw refusal;
}

/* What may have worked is sent again as it was; onWait tells how long until then. */
export async function request(method, path, options = {}, onWait = () => {}) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once(method, path, options);
    } catch (error) {
      const worthIt = !(error instanceof Refusal) || PASSING.has(error.status);
      if (!worthIt || attempt === ATTEMPTS) throw error;
      const backOff = Math.min(2 ** (attempt - 1), 8) * (0.5 + Math.random()); // never the same for two buyers
      const pause = Math.max(error.retryAfter || 0, backOff);
      onWait(pause);
      await new Promise((resolve) => setTimeout(resolve, pause * 1000));
    }
  }
}
