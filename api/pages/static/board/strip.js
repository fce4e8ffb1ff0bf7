/* The one line on top: whether all is well, how late the housekeeping is, what money is due, how fast it sells. */

import { make, say } from "./cards.js";
import { count, lagState, moneyDue, rate, seconds } from "./text.js";

/* What mostly settles itself asks for nobody. */
const PATIENT = new Set(["payment waiting"]);

/* [name, label, text, state] of each part; a new one is a line here. */
function parts({ alarms, unknown, together, tasks, heldNow }) {
  const lag = together?.sweep_lag_seconds;
  const due = together?.payments_due > 0;
  const todo = tasks ? [...new Map(tasks.map((task) => [task.kind, task.of_kind]))].reduce((sum, [kind, many]) => sum + (PATIENT.has(kind) ? 0 : many), 0) : null;
  const one = alarms.length === 1 ? alarms[0][0] : `${alarms.length} alarms`;
  return [
    ["health", "", alarms.length ? one : together ? "All well" : "…", alarms.length ? "bad" : together ? "ok" : "wait"],
    ["lag", "Sweep lag", unknown || lag === undefined ? "…" : seconds(lag), together ? lagState(together) : ""],
    ["due", "Money due", together ? moneyDue(together) : "…", due ? "warn" : ""],
    ["tasks", "To do", todo === null ? "…" : todo ? count(todo) : "nothing", todo ? "warn" : ""],
    ["rate", "Holds/s", unknown ? "…" : rate(heldNow), ""],
  ];
}

export function showStrip(what) {
  const list = document.getElementById("strip");
  const found = parts(what);
  if (!list.children.length) {
    list.append(...found.map(([name, label]) => make("li", { "data-part": name }, ...(label ? [make("span", {}, label), " "] : []), make("b", {}))));
    list.querySelector('[data-part="tasks"] span').replaceChildren(make("a", { href: "#h-tasks" }, "To do"));
  }
  found.forEach(([, , text, state], place) => {
    const item = list.children[place];
    say(item.lastChild, text);
    item.dataset.state = state;
  });
}
