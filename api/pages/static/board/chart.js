/* Requests for holds per second, from the service's counters: what its workers kept, and what came since the page was opened. */

import { make, say } from "./cards.js";
import { count, rate, time } from "./text.js";

const WINDOW_SECONDS = 900;
const SERIES = [["held", "Held", "--sold"], ["sold_out", "Refused: sold out", "--held"], ["refused", "Refused: other reasons", "--muted"],
  ["failed", "Failed: service or database", "--bad"]];
const FAILURES = new Set(["service_unavailable", "internal_error"]);
const color = (name) => () => getComputedStyle(document.documentElement).getPropertyValue(name);

/* The answers of the last 15 minutes, the oldest one second older than what is drawn. */
const samples = [];
const times = [];
const lines = SERIES.map(() => []);
let chart = null;
let shown = [0, 60];

/* The counters of one answer, with every slug in its line. */
function totalsOf({ held, refused }) {
  const totals = { held, sold_out: 0, refused: 0, failed: 0 };
  for (const [slug, number] of Object.entries(refused)) {
    totals[slug === "sold_out" ? "sold_out" : FAILURES.has(slug) ? "failed" : "refused"] += number;
  }
  return SERIES.map(([name]) => totals[name]);
}

const secondOf = ({ at }) => Date.parse(at) / 1000;

/* Whether the workers may know of what this page did not see. */
export const missed = (requests) => !samples.length || secondOf(requests) - samples.at(-1).at > 15;

export const heldNow = () => lines[0].at(-1);

export function addRates(requests) {
  const at = secondOf(requests);
  const last = samples.at(-1);
  // Workers answer in turn, each with figures of up to a second ago: nearly the same instant would make a spike.
  if (last && at - last.at < 0.5) return;
  const totals = totalsOf(requests);
  if (last) {
    const now = totals.map((total, place) => (total - last.totals[place]) / (at - last.at));
    // A counter that fell: the service was started anew. After a long pause the mean says nothing of any second.
    const known = now.every((value) => value >= 0) && at - last.at < 15;
    times.push(at);
    now.forEach((value, place) => lines[place].push(known ? value : null));
  }
  samples.push({ at, totals, refused: requests.refused });
  while (samples[0].at < at - WINDOW_SECONDS) {
    samples.shift();
    times.shift();
    for (const line of lines) line.shift();
  }
}

export function showRates() {
  if (times.length) draw(times.at(-1));
  const { totals, refused } = samples.at(-1);
  tell(totals);
  tellReasons(refused);
}

const peakOf = (line) => line.reduce((peak, value) => (value === null ? peak : Math.max(peak ?? 0, value)), null);

function draw(at) {
  const box = document.getElementById("chart");
  shown = [Math.min(times[0], at - 60), at];
  if (!chart) {
    const axis = { stroke: color("--muted"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    chart = new window.uPlot({
      width: box.clientWidth, height: box.clientHeight, legend: { show: false }, cursor: { show: false }, padding: [12, 32, 0, 0],
      scales: { x: { range: () => shown }, y: { range: (self, from, to) => [0, Math.max(5, to * 1.1)] } },
      axes: [{ ...axis, grid: { show: false }, space: 90, values: (self, marks) => marks.map((mark) => time(new Date(mark * 1000))) }, { ...axis, size: 48 }],
      series: [{}, ...SERIES.map(([, label, name]) => ({ label, stroke: color(name), width: 2, points: { show: false } }))],
    }, [times, ...lines], box);
    new ResizeObserver(() => chart.setSize({ width: box.clientWidth, height: box.clientHeight })).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.redraw());
  }
  chart.setData([times, ...lines]);
  const parts = SERIES.map(([, label], place) => `${label}: ${rate(lines[place].at(-1))} per second now, ${rate(peakOf(lines[place]))} at most`);
  box.setAttribute("aria-label", `Line chart of the last ${Math.round(at - times[0])} seconds. ${parts.join(". ")}. The table below has the figures.`);
}

/* The table under the chart: its lines. */
function tell(totals) {
  fillTable("rates", SERIES.map(([name, label], place) => [name, label, rate(lines[place].at(-1)), rate(peakOf(lines[place])), count(totals[place])]));
}

/* Every reason: since the window began, or the service, whichever is later; and in all. */
function tellReasons(refused) {
  const first = samples.findLast((sample, place) => place === 0 || Object.keys(sample.refused).some((slug) => sample.refused[slug] < (samples[place - 1].refused[slug] ?? 0)));
  const reasons = Object.entries(refused).sort(([one, many], [other, more]) => more - many || one.localeCompare(other));
  fillTable("reasons", reasons.map(([slug, number]) => [slug, slug, count(number - (first.refused[slug] ?? 0)), count(number)]));
  document.getElementById("reasons-table").hidden = reasons.length === 0;
  document.getElementById("no-reasons").hidden = reasons.length > 0;
}

function fillTable(id, rows) {
  const body = document.getElementById(id);
  rows.forEach(([name, ...texts], place) => {
    let row = body.children[place];
    if (!row) {
      row = make("tr", {}, ...texts.map((text, cell) => (cell ? make("td") : make("th", { scope: "row" }))));
      body.append(row);
    }
    row.dataset.series = name;
    texts.forEach((text, cell) => say(row.children[cell], text));
  });
  while (body.children.length > rows.length) body.lastChild.remove();
}
