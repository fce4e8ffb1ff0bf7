/* What waits for somebody on duty, each with the CALL that settles it, to copy. */

import { make, say } from "./cards.js";
import { count, money, seconds } from "./text.js";

/* What to do before the CALL, by list_tasks' kind; a kind that is not here has its own name and no advice. */
const KINDS = {
  "refund due": ["Refunds due", "Give the money back at the provider: its event settles it. The CALL is for where no event comes; accept_payment() takes another amount as the price."],
  "payment waiting": ["Waiting payments", "Each waits for an order that may still come, and settles itself when its hold ends."],
  "notification failed": ["Failed notifications", "The shop did not take them for three days: see that it answers, then send them again."],
};

const $ = (id) => document.getElementById(id);

async function copy(button) {
  const code = button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent); // only by https, or on this machine
    say(button, "Copied");
  } catch {
    getSelection().selectAllChildren(code);
    say(button, "Press Ctrl+C");
  }
  setTimeout(() => say(button, "Copy"), 2000);
}

function makeTask() {
  const button = make("button", { type: "button" }, "Copy");
  button.addEventListener("click", () => copy(button));
  return make("li", {}, make("p", { class: "what" }, make("b", {}), make("span", {}), make("small", {})), make("div", { class: "call" }, make("code", {}), button));
}

function fill(item, task, now) {
  const [amount, subject, why] = item.firstChild.children;
  say(amount, task.amount === null || !task.currency ? "" : money(task.amount, task.currency));
  say(subject, task.subject);
  const age = task.since ? `${seconds(Math.max(0, (now - Date.parse(task.since)) / 1000))} ago` : "";
  say(why, [task.reason, age].filter(Boolean).join(", "));
  say(item.querySelector("code"), `${task.settled_by};`);
  item.querySelector("button").setAttribute("aria-label", `Copy the CALL for ${task.subject}`);
}

export function showTasks({ lists, tasks, now }) {
  const area = $("tasks");
  if (!lists) {
    say($("tasks-hint"), "Shown where FLASHSALE_METRICS_TOKEN guards this page: CALL list_tasks()");
    area.replaceChildren();
    return;
  }
  say($("tasks-hint"), tasks === undefined ? "Being read" : tasks.length ? "The oldest first" : "Nothing waits for anybody");
  const groups = group(tasks ?? []);
  for (const section of [...area.children]) if (!groups.has(section.dataset.kind)) section.remove();
  for (const [kind, rows] of groups) {
    const [title, advice] = KINDS[kind] ?? [kind, ""];
    let section = area.querySelector(`[data-kind="${CSS.escape(kind)}"]`);
    if (!section) {
      section = make("section", { "data-kind": kind }, make("h3", { class: "small-heading" }), make("p", { class: "hint" }, advice), make("ul", {}));
      area.append(section);
    }
    const [heading, , list] = section.children;
    const all = rows[0].of_kind;
    say(heading, all > rows.length ? `${title}: ${count(all)}, of which the ${rows.length} oldest` : `${title}: ${count(all)}`);
    // By subject, so that nobody's click lands on the CALL of another.
    const known = new Map([...list.children].map((item) => [item.dataset.subject, item]));
    rows.forEach((task, place) => {
      const item = known.get(task.subject) ?? makeTask();
      known.delete(task.subject);
      item.dataset.subject = task.subject;
      fill(item, task, now);
      if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null);
    });
    for (const item of known.values()) item.remove();
  }
}

function group(tasks) {
  const groups = new Map();
  for (const task of tasks) groups.set(task.kind, [...(groups.get(task.kind) ?? []), task]);
  return groups;
}
