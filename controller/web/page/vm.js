// One VM: where its memory is, now and over time, what was done, and what can be.
import { h, put, figures, table, command, failure } from "./dom.js";
import { bar, legend, partsOf, PARTS } from "./bar.js";
import { chart, makePoints } from "./chart.js";
import { explanation } from "./explain.js";
import { withoutVm } from "./actions.js";
import { bytes, quote, time } from "./format.js";
import { get, listen, limited, reading } from "./live.js";

const RANGES = [["1h", "1 hour", 3600], ["6h", "6 hours", 21600], ["1d", "1 day", 86400], ["7d", "7 days", 604800]];
const POINTS = 400;

function now(vm) {
  const waterfall = vm.waterfall ?? {};
  const parts = partsOf(waterfall);
  const rows = [["Held on the host", bytes(waterfall.footprint)], ["Memory", bytes(waterfall.vm_ram || undefined)], ["Swapped by the host", bytes(waterfall.swapped)], ["Balloon", bytes(waterfall.balloon)], ["Reported", bytes(waterfall.reported)]];
  if (!parts)
    return [figures(rows), h("p", { class: "note" }, "What is inside is not known: no agent, or a silent one. ", command(`vmreclaim doctor ${quote(vm.name)}`))];
  return [figures(rows), bar(`What holds ${bytes(waterfall.footprint)}`, PARTS.map(([key, name], index) => ({ name, value: parts[index], kind: `fill-${key}` })), waterfall.footprint ?? 0),
    legend(PARTS.map(([key, name]) => [key, name, bytes(waterfall[key])])),
    waterfall.remainder < 0 ? h("p", { class: "note" }, `${bytes(-waterfall.remainder)} of what is free is not on the host: never touched, or given back without a mark.`) : null];
}

function state(vm) {
  return h("p", {}, `${vm.state}${vm.halted ? ", halted" : ""}; agent ${vm.agent_connected ? vm.agent_version : "-"}; policy ${vm.policy || "-"}${vm.policy_revision ? ` revision ${vm.policy_revision}` : ""}; last sample ${time(vm.last_sample_ns)}`,
    vm.engine_reason ? h("span", { class: "note" }, ` ${vm.engine_state}: ${vm.engine_reason}`) : null);
}

function historyTable(points, open) {
  const every = Math.max(1, Math.floor(points.length / 24));
  const rows = points.filter((point, index) => index % every === 0);
  const columns = [{ name: "Time", cell: (point) => time(point.time) }, { name: "Footprint", number: true, cell: (point) => bytes(point.footprint) },
    ...PARTS.map(([key, name], index) => ({ name, number: true, cell: (point) => bytes(key === "remainder" ? point.remainder : point.parts?.[index]) }))];
  return h("details", { open }, h("summary", {}, "The same as a table"), table("The chart's figures", columns, rows));
}

// Changes of the policy in force; the daemon keeps revisions, not when each VM took them.
async function policyMarks(vm) {
  if (!vm.policy || !vm.policy_revision) return [];
  const { revisions } = await get("policy-history", { name: vm.policy }).catch(() => ({ revisions: [] }));
  return revisions.map((revision) => ({ time: revision.time_ns, kind: "policy", name: `${time(revision.time_ns)} policy ${revision.name}, revision ${revision.revision}` }));
}

const actionMark = (action) => ({ time: action.started_ns, kind: "action", name: `${time(action.started_ns)} ${action.kind}: host got ${action.finished && action.footprint_before ? bytes(action.host_returned) : "-"}` });

const settingColumns = [
  { name: "Setting", cell: (setting) => setting.key },
  { name: "In force", cell: (setting) => (setting.unsupported ? "unknown to the agent" : setting.value || "-") },
  { name: "From", cell: (setting) => (setting.origin === "guest" ? `the guest's limit; the policy says ${setting.asked}` : setting.origin) },
];

async function policyInForce(vm) {
  const { name } = vm;
  if (!vm.policy)
    return [h("h3", {}, "Policy in force"), h("p", { class: "note" }, "None is assigned: its agent runs its own. ", command(`vmreclaim policy apply FILE --vm ${quote(name)}`))];
  try {
    const policy = await get("effective-policy", { vm: name });
    return [h("h3", {}, `Policy in force: ${policy.name}${policy.pending ? " (the agent has not taken it yet)" : ""}`),
      h("details", {}, h("summary", {}, "Every setting"), table("Each with where it is from", settingColumns, policy.settings))];
  } catch (error) {
    return [h("h3", {}, "Policy in force"), h("p", { class: "note" }, error.message)];
  }
}

export function vmPage(content, where) {
  const { name } = where;
  let range = RANGES.find(([key]) => key === where.query.get("range")) ?? RANGES[2];
  let vm = null;
  let points = [];
  let actions = [];
  let marks = [];
  const chosen = { time: null }; // in the chart
  const [head, current, graph, explained, done, policy] = Array.from({ length: 6 }, () => h("section"));
  const buttons = RANGES.map((one) => h("button", { type: "button", "aria-pressed": String(one === range), on: { click: () => choose(one) } }, one[1]));

  function choose(one) {
    range = one;
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(RANGES[index] === range)));
    history.replaceState(null, "", `#/vm/${encodeURIComponent(name)}?range=${range[0]}`);
    readHistory();
  }

  function drawNow() {
    put(head, h("h2", {}, vm.title ? `${name} (${vm.title})` : name), state(vm),
      vm.alarm ? h("p", { class: "bad", role: "alert" }, `starved: ${vm.alarm} `, command(`vmreclaim release ${quote(name)}`)) : "");
    put(current, h("h3", {}, "Now"), now(vm));
  }

  function drawChart() {
    const width = Math.max(graph.clientWidth, 300);
    const all = [...actions.map(actionMark), ...marks];
    const had = document.activeElement;
    const wasChart = graph.contains(had) && had.matches("svg.chart");
    const wasOpen = graph.querySelector("details")?.open ?? false;
    put(graph, h("h3", {}, "Over time"), h("p", { class: "tools" }, buttons),
      points.length ? chart(`Memory of ${name} over time`, points, all, width, chosen) : h("p", {}, "Nothing is kept of this time."),
      legend([...PARTS.map(([key, part]) => [key, part]), ["unknown", "line: what the host holds; ▼ action, ◆ policy"]]),
      points.length ? historyTable(points, wasOpen) : "");
    if (wasChart) graph.querySelector("svg.chart")?.focus();
    else if (buttons.includes(had)) had.focus();
    put(done, h("h3", {}, "What was done"), actions.length ? table("The newest first", withoutVm, [...actions].reverse().slice(0, 50)) : h("p", {}, "Nothing, in this time."));
  }

  async function readHistory() {
    try {
      const since = (BigInt(Date.now()) - BigInt(range[2]) * 1000n) * 1000000n;
      const answer = await get("history", { vm: name, since_ns: since > 0n ? since : 0n, points: POINTS });
      points = makePoints(answer.points);
      actions = answer.actions;
      drawChart();
    } catch (error) {
      put(graph, h("h3", {}, "Over time"), failure(error));
    }
  }

  async function readNow() {
    try {
      vm = (await get("vm", { vm: name })).vm;
      drawNow();
    } catch (error) {
      if (vm === null) put(head, h("h2", {}, name), failure(error));
    }
  }

  async function readExplanation() {
    try {
      const { findings } = await get("explain", { vm: name });
      put(explained, explanation(findings));
    } catch (error) {
      put(explained, h("h3", {}, "Explanation"), h("p", { class: "note" }, error.message));
    }
  }

  async function readRest() {
    await readExplanation();
    if (vm === null) return;
    put(policy, await policyInForce(vm));
    marks = await policyMarks(vm);
    if (marks.length) drawChart();
  }

  const renewSoon = reading(() => Promise.all([readNow(), readHistory()]));
  const explainSoon = reading(readRest); // for which a guest is asked, which may take its time
  const renew = () => { renewSoon(); explainSoon(); };
  const drawSoon = limited(400, () => { if (vm) drawNow(); drawChart(); });
  const stop = listen({
    renew,
    event(event) {
      if (event.vm !== name) return;
      if (event.kind !== "sample") return renew();
      if (vm) {
        vm.waterfall = event.waterfall;
        vm.last_sample_ns = event.time_ns;
      }
      if (event.waterfall?.time_ns) points.push(...makePoints([event.waterfall]));
      if (points.length > 2 * POINTS) points.shift();
      drawSoon();
    },
  });
  const resized = limited(200, () => drawChart());
  addEventListener("resize", resized);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", resized);
  put(content, head, current, graph, explained, done, policy);
  Promise.all([readNow(), readHistory()]).then(readRest);
  return () => {
    removeEventListener("resize", resized);
    scheme.removeEventListener("change", resized);
    [stop, renewSoon.stop, explainSoon.stop, drawSoon.stop, resized.stop].forEach((end) => end());
  };
}
