// One panel's picture: lines or stacked areas over time, as SVG.

import { axis, text } from "./units.js";

const SPACE = "http://www.w3.org/2000/svg";
const LEFT = 58;
const RIGHT = 6;
const TOP = 16;
const BOTTOM = 20;

/**
 * Draw series into an SVG element.
 *
 * series: [{name, colour, values}], a value or null for each of `times`.
 * bands: [{number, from, to}], seconds.
 */
export function draw(svg, panel, times, series, bands) {
  const { width, height } = svg.getBoundingClientRect();
  const [first, last] = [times[0], times.at(-1)];
  const x = (at) => LEFT + ((at - first) / (last - first)) * (width - LEFT - RIGHT);
  const layers = panel.shape === "stacked" ? stacked(series) : series.map(flat);
  const { marks, place } = axis(known(layers), panel.unit);
  const y = (value) => height - BOTTOM - place(value) * (height - TOP - BOTTOM);

  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  for (const band of bands) drawBand(svg, band, x, height);
  for (const mark of marks) {
    add(svg, "line", { class: "rule", x1: LEFT, x2: width - RIGHT, y1: y(mark), y2: y(mark) });
    const label = { x: LEFT - 8, y: y(mark) + 4, "text-anchor": "end" };
    add(svg, "text", label).textContent = text(mark, panel.unit);
  }
  for (const at of clock(first, last, width)) {
    const label = { x: x(at), y: height - 4, "text-anchor": "middle" };
    add(svg, "text", label).textContent = hour(at, last - first);
  }
  // Counts are often equal: who is below is wider, and so is seen.
  const wider = ["count", "bytes"].includes(panel.unit) ? 1 : 0;
  for (const [index, layer] of layers.entries()) {
    const path =
      panel.shape === "stacked" ? area(layer, times, x, y) : line(layer, times, x, y);
    const paint =
      panel.shape === "stacked"
        ? { class: "area", fill: layer.colour }
        : {
            class: "line",
            stroke: layer.colour,
            "stroke-width": 1.75 + wider * (layers.length - 1 - index),
          };
    add(svg, "path", { ...paint, d: path });
  }
  if (!series.length) {
    const label = {
      x: (LEFT + width) / 2,
      y: (TOP + height - BOTTOM) / 2 + 4,
      "text-anchor": "middle",
    };
    add(svg, "text", label).textContent = "nothing of this kind so far";
  }
  return {
    at: (pixel) => first + ((pixel - LEFT) / (width - LEFT - RIGHT)) * (last - first),
    x,
  };
}

/** Draw a vertical line at a time, or take it away. */
export function point(svg, x, at) {
  svg.querySelector(".cursor")?.remove();
  if (at === null) return;
  const bottom = svg.getBoundingClientRect().height - BOTTOM;
  add(svg, "line", { class: "cursor", x1: x(at), x2: x(at), y1: TOP, y2: bottom });
}

/** Say the time of day, to the second where the range is short. */
export function hour(at, range = 0) {
  const shown = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (range < 3600) shown.second = "2-digit";
  return new Date(at * 1000).toLocaleTimeString("en-GB", shown);
}

function drawBand(svg, band, x, height) {
  const [from, to] = [Math.max(x(band.from), LEFT), x(band.to)];
  if (to <= from) return;
  add(svg, "rect", {
    class: "band",
    x: from,
    y: TOP - 13,
    width: to - from,
    height: height - BOTTOM - TOP + 13,
  });
  add(svg, "text", { class: "number", x: (from + to) / 2, y: TOP - 3 }).textContent =
    band.number;
}

function flat({ name, colour, values }) {
  return { name, colour, base: values.map(() => 0), values };
}

/** Put each series on those before it. */
function stacked(series) {
  let sum = (series[0]?.values ?? []).map(() => 0);
  return series.map(({ name, colour, values }) => {
    const base = sum;
    sum = values.map((value, index) => base[index] + (value ?? 0));
    return { name, colour, base, values: sum };
  });
}

function known(layers) {
  return layers.flatMap(({ values }) => values.filter((value) => value !== null));
}

function line({ values }, times, x, y) {
  let path = "";
  values.forEach((value, index) => {
    if (value === null) return;
    // A lone point is a short line, or it could not be seen.
    const begins = index === 0 || values[index - 1] === null;
    path += begins ? `M${x(times[index]) - 1} ${y(value)}` : "";
    path += `L${x(times[index]).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  return path;
}

function area({ base, values }, times, x, y) {
  const at = (each) => (value, index) =>
    `${x(times[index]).toFixed(1)} ${y(each[index]).toFixed(1)}`;
  const [upper, lower] = [values.map(at(values)), base.map(at(base)).reverse()];
  return `M${upper.join("L")}L${lower.join("L")}Z`;
}

/** Choose round times, as many as have room. */
function clock(first, last, width) {
  const steps = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600];
  const room = ((last - first) * 84) / width;
  const step = steps.find((each) => each >= room) ?? 43200;
  const found = [];
  const margin = (last - first) * (24 / width);
  for (let at = Math.ceil((first + margin) / step) * step; at <= last - margin; at += step)
    found.push(at);
  return found;
}

function add(parent, name, attributes) {
  const made = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return parent.appendChild(made);
}
