// One bar of parts that add up, as SVG: the host's of its VMs, a VM's of its waterfall.
import { s, h } from "./dom.js";
import { bytes } from "./format.js";

const WIDTH = 1000;
const HEIGHT = 44;

// parts: {name, value, kind, back}: `back` of it could come back and is marked, by colour and hatching.
export function bar(label, parts, whole) {
  const total = Math.max(whole, parts.reduce((sum, part) => sum + part.value, 0), 1);
  const svg = s("svg", { class: "bar", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", height: HEIGHT, role: "img", "aria-label": label },
    s("defs", {}, s("pattern", { id: "hatch", width: 8, height: 8, patternUnits: "userSpaceOnUse" },
      s("path", { d: "M0 8L8 0", stroke: "var(--back)", "stroke-width": 2 }))));
  let x = 0;
  for (const part of parts) {
    const width = (part.value / total) * WIDTH;
    if (width <= 0) continue;
    const back = Math.min(part.back ?? 0, part.value);
    svg.append(s("rect", { x, y: 0, width, height: HEIGHT, class: part.kind },
      s("title", {}, `${part.name}: ${bytes(part.value)}${back > 0 ? `, of which ${bytes(back)} could come back` : ""}`)));
    if (back > 0) {
      const marked = (back / total) * WIDTH;
      const at = { x: x + width - marked, y: 0, width: marked, height: HEIGHT };
      svg.append(s("rect", { ...at, class: "back" }), s("rect", { ...at, fill: "url(#hatch)" },
        s("title", {}, `${part.name}: ${bytes(back)} could come back`)));
    }
    x += width;
  }
  return svg;
}

export function legend(entries) {
  return h("ul", { class: "legend" }, entries.map(([kind, name, value]) =>
    h("li", {}, s("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, s("rect", { width: 10, height: 10, class: `fill-${kind}` })),
      name, value === undefined ? "" : ` ${value}`)));
}

// Bottom up. The positive part of the remainder is on the host; a negative one is free memory that is not.
export const PARTS = [
  ["unmanaged", "unmanaged"], ["in_use", "in use"], ["cache", "cache"], ["reportable", "reportable"],
  ["trapped", "trapped"], ["percpu", "per-CPU"], ["remainder", "remainder"],
];

// Bytes by part; null where the guest is not known.
export function partsOf(waterfall) {
  if (!waterfall?.guest_is_known) return null;
  return PARTS.map(([key]) => Math.max(waterfall[key] ?? 0, 0));
}
