/* Requests for holds per second, from the service's counters: samples are kept while the page is open. */

import { make, say } from "./cards.js";
import { count, rate, time } from "./text.js";

const WINDOW_SECONDS = 300;
const SERIES = [["held", "Held", "--sold"], ["sold_out", "Refused: sold out", "--held"], ["refused", "Refused: other reasons", "--muted"],
  ["failed", "Failed: service or database", "--bad"]];
const FAILURES = new Set(["service_unavailable", "internal_error"]);
const color = (name) => () => getComputedStyle(document.documentElement).getPropertyValue(name);

const times = [];
const lines = SERIES.map(() => []);
const peaks = SERIES.map(() => null);
let last = null;
let chart = null;
let shown = [0, 60];

/* The counters of one answer, with every slug in its line. */
function totalsOf(requests) {
  const totals = { held: requests.held, sold_out: 0, refused: 0, failed: 0 };
  for (const [slug, number] of Object.entries(requests.refused)) {
    totals[slug === "sold_out" ? "sold_out" : FAILURES.has(slug) ? "failed" : "refused"] += number;
  }
  return SERIES.map(([name]) => totals[name]);
}

export function showRates(requests) {
  const at = Date.parse(requests.at) / 1000;
  const totals = totalsOf(requests);
  // Workers answer in turn, each with figures of up to a second ago: nearly the same instant would make a spike.
  if (last && at - last.at < 0.5) return;
  if (last) {
    const now = totals.map((total, place) => (total - last.totals[place]) / (at - last.at));
    // A counter that fell: the service was started anew. After a long pause the mean says nothing of any second.
    const known = now.every((value) => value >= 0) && at - last.at < 15;
    times.push(at);
    now.forEach((value, place) => {
      lines[place].push(known ? value : null);
      if (known) peaks[place] = Math.max(peaks[place] ?? 0, value);
    });
    while (times[0] < at - WINDOW_SECONDS) {
      times.shift();
      for (const line of lines) line.shift();
    }
    draw(at);
  }
  last = { at, totals };
  tell(totals, requests.refused);
}

function draw(at) {
  const box = document.getElementById("chart");
  shown = [Math.min(times[0], at - 60), at];
  if (!chart) {
    const axis = { stroke: color("--muted"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    chart = new window.uPlot({
      width: box.clientWidth, height: box.clientHeight, legend: { show: false }, cursor: { show: false }, padding: [12, 8, 0, 0],
      scales: { x: { range: () => shown }, y: { range: (self, from, to) => [0, Math.max(5, to * 1.1)] } },
      axes: [{ ...axis, grid: { show: false }, space: 90, values: (self, marks) => marks.map((mark) => time(new Date(mark * 1000))) }, { ...axis, size: 48 }],
      series: [{}, ...SERIES.map(([, label, name]) => ({ label, stroke: color(name), width: 2, points: { show: false } }))],
    }, [times, ...lines], box);
    new ResizeObserver(() => chart.setSize({ width: box.clientWidth, height: box.clientHeight })).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.redraw());
  }
  chart.setData([times, ...lines]);
  const parts = SERIES.map(([, label], place) => `${label}: ${rate(lines[place].at(-1))} per second now, ${rate(peaks[place])} at most`);
  box.setAttribute("aria-label", `Line chart of the last ${Math.round(at - times[0])} seconds. ${parts.join(". ")}. The table below has the figures.`);
}

/* The table under the chart: its lines, and what the other refusals were. */
function tell(totals, refused) {
  const rows = SERIES.map(([name, label], place) => [name, label, lines[place].at(-1), peaks[place], totals[place]]);
  for (const [slug, number] of Object.entries(refused).sort()) {
    if (slug !== "sold_out") rows.push([`slug-${slug}`, `of these ${slug}`, undefined, undefined, number]);
  }
  const body = document.getElementById("rates");
  rows.forEach(([name, label, now, peak, total], place) => {
    let row = body.children[place];
    if (!row) {
      row = make("tr", {}, make("th", { scope: "row" }), make("td"), make("td"), make("td"));
      body.append(row);
    }
    const isSlug = name.startsWith("slug-");
    row.dataset.series = name;
    [label, isSlug ? "" : rate(now), isSlug ? "" : rate(peak), count(total)].forEach((text, cell) => say(row.children[cell], text));
  });
  while (body.children.length > rows.length) body.lastChild.remove();
}
