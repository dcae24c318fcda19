// The waterfall over time: parts stacked, the footprint as a line above, marks for what was done.
// Where the guest is not known there is no stack, only the line.
import { s, h } from "./dom.js";
import { bytes, time, two } from "./format.js";
import { PARTS, partsOf } from "./bar.js";

const HEIGHT = 280;
const EDGE = { left: 64, right: 8, top: 18, bottom: 22 };

function steps(most) {
  const unit = 2 ** Math.floor(Math.log2(Math.max(most, 1) / 4));
  const step = most / unit > 6 ? unit * 2 : unit;
  const values = [];
  for (let value = 0; value <= most; value += step) values.push(value);
  return values;
}

// Round times here between two, at most `most` of them, as [nanoseconds, text]; midnight is a date.
export function roundTimes(first, last, most) {
  const units = [1, 5, 15, 60, 300, 900, 3600, 10800, 21600, 43200, 86400, 2 * 86400, 7 * 86400];
  const step = 1e9 * (units.find((unit) => (last - first) / (1e9 * unit) <= most) ?? 28 * 86400);
  const offset = new Date(first / 1e6).getTimezoneOffset() * 60e9;
  const found = [];
  for (let at = Math.ceil((first - offset) / step) * step + offset; at <= last; at += step) {
    const date = new Date(at / 1e6);
    const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
    found.push([at, step < 60e9 ? `${clock}:${two(date.getSeconds())}` : clock === "00:00" ? `${two(date.getMonth() + 1)}-${two(date.getDate())}` : clock]);
  }
  return found;
}

// Runs of points whose guest is known.
function runs(points) {
  const found = [];
  let run = [];
  for (const point of points) {
    if (point.parts) run.push(point);
    else if (run.length) {
      found.push(run);
      run = [];
    }
  }
  if (run.length) found.push(run);
  return found;
}

function area(run, index, x, y) {
  const below = (point) => point.parts.slice(0, index).reduce((sum, value) => sum + value, 0);
  const top = run.map((point) => `${x(point.time)},${y(below(point) + point.parts[index])}`);
  const bottom = run.map((point) => `${x(point.time)},${y(below(point))}`).reverse();
  return `M${top.join("L")}L${bottom.join("L")}Z`;
}

export function makePoints(waterfalls) {
  return waterfalls.map((waterfall) => ({
    time: waterfall.time_ns,
    parts: partsOf(waterfall),
    footprint: waterfall.footprint ?? null,
    remainder: waterfall.remainder,
  }));
}

// marks: {time, name, kind: "action" | "policy"}. The returned element reads out the point under the
// pointer, or that the arrow keys choose; chosen.time outlives it, for the next one.
export function chart(label, points, marks, width, chosen) {
  const first = points[0].time;
  const last = Math.max(points[points.length - 1].time, first + 1e9);
  const most = Math.max(...points.map((point) => Math.max(point.footprint ?? 0, (point.parts ?? []).reduce((a, b) => a + b, 0))), 1);
  const x = (at) => EDGE.left + ((at - first) / (last - first)) * (width - EDGE.left - EDGE.right);
  const y = (value) => HEIGHT - EDGE.bottom - (value / most) * (HEIGHT - EDGE.top - EDGE.bottom);
  const svg = s("svg", { class: "chart", viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, tabindex: "0", role: "img", "aria-label": `${label}. Arrow keys read out points; the table below has figures.` });

  for (const value of steps(most))
    svg.append(s("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }),
      s("text", { x: EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, bytes(value)));
  for (const [at, text] of roundTimes(first, last, width / 110))
    svg.append(s("line", { class: "grid", x1: x(at), x2: x(at), y1: HEIGHT - EDGE.bottom, y2: HEIGHT - EDGE.bottom + 5 }),
      s("text", { x: Math.min(Math.max(x(at), EDGE.left + 16), width - EDGE.right - 24), y: HEIGHT - 5, "text-anchor": "middle" }, text));
  for (const run of runs(points))
    PARTS.forEach(([key], index) => svg.append(s("path", { class: `area fill-${key}`, d: area(run, index, x, y) })));
  const line = points.filter((point) => point.footprint !== null).map((point) => `${x(point.time)},${y(point.footprint)}`);
  if (line.length) svg.append(s("path", { class: "footprint", d: `M${line.join("L")}` }));
  for (const mark of marks.filter((one) => one.time >= first && one.time <= last)) {
    const at = x(mark.time);
    const sign = mark.kind === "policy" ? `M${at} 2l5 6l-5 6l-5-6z` : `M${at - 5} 3h10l-5 9z`;
    svg.append(s("line", { class: "mark", x1: at, x2: at, y1: EDGE.top, y2: HEIGHT - EDGE.bottom }),
      s("path", { class: "sign", d: sign }, s("title", {}, mark.name)));
  }

  const cursor = s("line", { class: "cursor", y1: EDGE.top, y2: HEIGHT - EDGE.bottom, x1: -9, x2: -9 });
  const readout = h("p", { class: "readout", role: "status" });
  const nearest = (at) => points.reduce((best, point, index) => (Math.abs(point.time - at) < Math.abs(points[best].time - at) ? index : best), 0);
  const choose = (index) => {
    const point = points[Math.min(Math.max(index, 0), points.length - 1)];
    chosen.time = point.time;
    cursor.setAttribute("x1", x(point.time));
    cursor.setAttribute("x2", x(point.time));
    readout.textContent = `${time(point.time)}: footprint ${bytes(point.footprint)}` + (point.parts
      ? PARTS.map(([, name], part) => `, ${name} ${bytes(part === PARTS.length - 1 ? point.remainder : point.parts[part])}`).join("")
      : "; the guest is not known");
  };
  svg.append(cursor);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const at = first + (((event.clientX - box.left) / box.width) * width - EDGE.left) / (width - EDGE.left - EDGE.right) * (last - first);
    choose(nearest(at));
  });
  svg.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -points.length, End: points.length };
    if (moves[event.key] === undefined) return;
    event.preventDefault();
    choose(nearest(chosen.time ?? last) + moves[event.key]);
  });
  if (chosen.time !== null) choose(nearest(chosen.time));
  return h("div", {}, svg, readout);
}
