// The page: asks Prometheus for every panel, draws them, and does so again.

import { draw, hour, point } from "./chart.js";
import { alerts, labelValues, range, scrapeInterval } from "./prometheus.js";
import { text } from "./units.js";

const POINTS = 240;
const EVERY = 2000;
const RANGES = {
  "2 minutes": 120,
  "5 minutes": 300,
  "15 minutes": 900,
  "1 hour": 3600,
  "6 hours": 21600,
  "1 day": 86400,
};

const $ = (id) => document.getElementById(id);
const shown = await (await fetch("panels.json")).json();
const outcomes = new Map(shown.outcomes.map((each) => [each.tag, each]));
const order = [...outcomes.keys()];
const cards = [];
let cursor = null;

function build() {
  for (const { tag, colour, means } of shown.outcomes) {
    const tile = element(
      "li",
      {},
      element("b", {}, tag),
      element("data", {}, "–"),
      element("span", {}, means),
    );
    tile.style.setProperty("--colour", colour);
    tile.dataset.tag = tag;
    $("outcomes").append(tile);
  }
  for (const section of shown.sections) {
    const grid = element("div", { className: "grid" });
    $("panels").append(element("section", {}, element("h2", {}, section.title), grid));
    for (const panel of section.panels) grid.append(card(panel));
  }
}

function card(panel) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("role", "img");
  const legend = element("ul");
  const made = element("article", {
    className: panel.wide ? "panel wide" : "panel",
    id: panel.name,
  });
  made.append(element("h3", {}, panel.title), element("p", {}, panel.tells), svg, legend);
  const own = { panel, svg, legend, series: [], scale: null };
  svg.addEventListener("pointermove", (event) => move(own.scale?.at(event.offsetX) ?? null));
  svg.addEventListener("pointerleave", () => move(null));
  cards.push(own);
  return made;
}

/** Offer the ranges, and choose what the address says. */
function offer() {
  for (const [label, seconds] of Object.entries(RANGES))
    $("chosen").range.add(new Option(label, seconds));
  const wanted = Number(new URLSearchParams(location.search).get("range"));
  $("chosen").range.value = Object.values(RANGES).includes(wanted)
    ? wanted
    : RANGES["15 minutes"];
}

/** Offer the caches and processes that there are now; what was chosen stays chosen. */
async function fill() {
  for (const name of ["cache", "instance"]) {
    const select = $("chosen").elements[name];
    const options = ["all", ...(await labelValues(name))];
    if (options.join() === [...select.options].map(({ text }) => text).join()) continue;
    const chosen = select.value;
    select.replaceChildren(
      ...options.map((value, index) => new Option(value, index ? escaped(value) : ".*")),
    );
    if ([...select.options].some(({ value }) => value === chosen)) select.value = chosen;
  }
}

/** Ask for everything once, and show it. */
async function refresh(scraped) {
  const { cache, instance, range: seconds } = $("chosen").elements;
  const step = Math.max(1, Math.ceil(seconds.value / POINTS));
  const end = Math.floor(Date.now() / 1000 / step) * step;
  const times = Array.from(
    { length: Math.floor(seconds.value / step) + 1 },
    (_, index) => end - seconds.value + index * step,
  );
  const rates = Math.max(6, 4 * scraped, step + scraped);
  const selector = `cache=~"${cache.value}", instance=~"${instance.value}"`;
  const settled = (expression) =>
    expression.replaceAll("$selector", selector).replaceAll("$window", `${rates}s`);
  const [found, faults, fired] = await Promise.all([
    Promise.all(cards.map(({ panel }) => asked(panel, settled, times))),
    range(shown.faults, times),
    alerts(),
  ]);
  const bands = marked(faults, times);
  cards.forEach((own, index) => {
    own.series = found[index];
    own.times = times;
    own.scale = draw(own.svg, own.panel, times, own.series, bands);
  });
  tell(fired);
  move(cursor);
  $("state").textContent = `live from Prometheus, rates over ${rates} s`;
}

async function asked(panel, settled, times) {
  const answers = await Promise.all(
    panel.lines.map(({ expression }) => range(settled(expression), times)),
  );
  const series = answers.flatMap((answer, index) =>
    answer.map(({ labels, values }) => ({
      name: named(panel.lines[index].legend, labels),
      values,
    })),
  );
  // Of a stack, what never happened is left out: it would fill the legend.
  const shows = panel.shape === "stacked" ? (value) => value > 0 : (value) => value !== null;
  const known = series.filter(({ values }) => values.some(shows));
  if (panel.lines.length === 1)
    known.sort(
      (one, other) => rank(one.name) - rank(other.name) || one.name.localeCompare(other.name),
    );
  return coloured(known);
}

/** Give each series its own colour if its name has one, else one that is still free. */
function coloured(series) {
  const fixed = series.map(({ name }) => outcomes.get(name)?.colour ?? shown.meant[name]);
  const free = shown.colours.filter((colour) => !fixed.includes(colour));
  let next = 0;
  return series.map((each, index) => ({
    ...each,
    colour: fixed[index] ?? free[next++ % free.length],
  }));
}

function named(legend, labels) {
  return legend.replace(/{{(\w+)}}/g, (_, label) => labels[label] || "unnamed");
}

/** Outcomes have an order of their own; what is none comes after them. */
function rank(name) {
  return order.includes(name) ? order.indexOf(name) : order.length;
}

/** Name the faults by their numbers, and turn their series into bands. */
function marked(faults, times) {
  const sorted = faults.toSorted((one, other) => one.labels.number - other.labels.number);
  $("faults").replaceChildren(
    ...sorted.map(({ labels }) =>
      element("li", {}, element("b", {}, labels.number), labels.kind),
    ),
  );
  const step = times[1] - times[0];
  return sorted.flatMap(({ labels, values }) => {
    const bands = [];
    values.forEach((value, place) => {
      if (value === null) return;
      const goesOn = place > 0 && values[place - 1] !== null;
      if (goesOn) bands.at(-1).to = times[place] + step;
      else bands.push({ number: labels.number, from: times[place], to: times[place] + step });
    });
    return bands;
  });
}

/** Show the values of one moment in every legend: where the pointer is, or the last. */
function move(at) {
  cursor = at;
  for (const { panel, svg, legend, series, times, scale } of cards) {
    if (!scale) continue;
    point(svg, scale.x, at);
    const index = at === null ? null : nearest(times, at);
    const said = series.map(({ name, colour, values }) => {
      const value = index === null ? values.findLast((each) => each !== null) : values[index];
      const item = element("li", {}, name, element("b", {}, text(value, panel.unit)));
      item.style.setProperty("--colour", colour);
      return item;
    });
    legend.replaceChildren(...said);
    svg.setAttribute(
      "aria-label",
      `${panel.title}: ${said.map((item) => item.textContent).join(", ") || "nothing so far"}`,
    );
    if (panel.name === "lookups") tile(series, index);
  }
  if (at !== null) $("state").textContent = `at ${hour(at)}`;
}

/** Say which part of all lookups each outcome has: at one moment, or of the time shown. */
function tile(series, index) {
  const sum = (values) => values.reduce((all, value) => all + (value ?? 0), 0);
  const parts = new Map(
    series.map(({ name, values }) => [
      name,
      index === null ? sum(values) : (values[index] ?? 0),
    ]),
  );
  const all = sum([...parts.values()]);
  for (const each of $("outcomes").children) {
    const part = (parts.get(each.dataset.tag) ?? 0) / all;
    each.querySelector("data").textContent = text(part, "share");
  }
}

/** Name the alerts, each with its caches. */
function tell(fired) {
  const groups = new Map();
  for (const { labels, state } of fired) {
    if (!labels.alertname.startsWith(shown.alerts)) continue;
    const said = `${labels.alertname} ${state}`;
    groups.set(said, {
      severity: labels.severity,
      caches: [...(groups.get(said)?.caches ?? []), labels.cache],
    });
  }
  $("alerts").replaceChildren(
    ...[...groups].map(([said, { severity, caches }]) =>
      element("li", { className: severity }, `${said}: ${caches.sort().join(", ")}`),
    ),
  );
}

function nearest(times, at) {
  const index = Math.round((at - times[0]) / (times[1] - times[0]));
  return Math.min(Math.max(index, 0), times.length - 1);
}

function escaped(value) {
  return value.replace(/[.*+?^${}()|[\]\\"]/g, "\\\\$&");
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

async function live() {
  build();
  offer();
  let wake = () => {};
  $("chosen").addEventListener("change", () => wake());
  addEventListener("resize", () => wake());
  for (;;) {
    try {
      await fill();
      await refresh(await scrapeInterval());
      $("trouble").hidden = true;
      document.body.dataset.round = Number(document.body.dataset.round ?? 0) + 1;
    } catch (error) {
      $("trouble").hidden = false;
      $("trouble").textContent = `Prometheus cannot be asked: ${error.message}`;
      document.body.dataset.trouble = error.stack;
    }
    await new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, EVERY);
    });
  }
}

await live();
