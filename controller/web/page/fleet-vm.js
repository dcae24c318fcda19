// A VM of a fleet's host: where its memory is and what could come back, as its host said it last.
import { h, put, renew, figures, table, command, failure } from "./dom.js";
import { bar, legend, partsOf, PARTS } from "./bar.js";
import { bytes, quote, seconds, time } from "./format.js";
import { every, get, listen, reading } from "./live.js";
import { hostLink } from "./fleet.js";
import { desiredTable } from "./fleet-host.js";

const WAIT = 5000;

const stepColumns = [
  { name: "By", cell: (step) => step.name },
  { name: "Could bring", number: true, cell: (step) => bytes(step.bytes) },
];

const obstacleColumns = [
  { name: "What is in the way", cell: (obstacle) => obstacle.code },
  { name: "Keeps", number: true, cell: (obstacle) => bytes(obstacle.bytes || undefined) },
];

function memory(explanation) {
  const waterfall = explanation?.waterfall;
  const parts = partsOf(waterfall);
  if (!waterfall) return h("p", { class: "note" }, "Its host has not said where its memory is.");
  return [figures([["Held on its host", bytes(waterfall.footprint)], ["Memory", bytes(waterfall.vm_ram || undefined)], ["Balloon", bytes(waterfall.balloon)], ["Reported", bytes(waterfall.reported)]]),
    parts ? [bar(`What holds ${bytes(waterfall.footprint)}`, PARTS.map(([key, name], index) => ({ name, value: parts[index], kind: `fill-${key}` })), waterfall.footprint ?? 0),
      legend(PARTS.map(([key, name]) => [key, name, bytes(waterfall[key])]))]
      : h("p", { class: "note" }, "What is inside is not known: no agent, or a silent one.")];
}

function returns(explanation) {
  const of = explanation?.returns;
  if (!of) return null;
  return [h("h3", {}, "What could come back"),
    of.steps?.length ? table(`${bytes(of.bytes)} by all of them`, stepColumns, of.steps) : h("p", {}, of.reason || "Nothing."),
    of.obstacles?.length ? [table("vmreclaim-reasons(7) has what each means", obstacleColumns, of.obstacles)] : null];
}

function draw(answer) {
  const { host, vm, explanation } = answer;
  const name = host.status?.name || host.host;
  return [h("p", {}, hostLink(host.host, `all of ${name}`)), h("h2", {}, `${vm.name} on ${name}`),
    h("p", {}, `${vm.state}${explanation?.halted ? ", halted" : ""}; agent ${vm.has_agent ? "yes" : "-"}; policy ${vm.policy || "-"}; last sample ${time(explanation?.last_sample_ns)}${host.age_is_known ? `; its host said so ${seconds(host.age_ns)} ago` : ""}`),
    vm.alarm ? h("p", { class: "bad" }, `starved: ${vm.alarm}`) : null,
    memory(explanation), returns(explanation),
    h("h3", {}, "What the fleet wants of it"), desiredTable(answer.policies, answer.wanted_problem),
    command(`vmreclaim fleet explain ${quote(`${host.host}/${vm.name}`)}`)];
}

// "HOST/VM": an id has no slash.
function split(name) {
  const at = name.indexOf("/");
  return at < 0 ? [name, ""] : [name.slice(0, at), name.slice(at + 1)];
}

export function fleetVmPage(content, where) {
  const [host, vm] = split(where.name);
  let was_read = false;

  async function read() {
    try {
      renew(content, draw(await get("fleet/explain", { host, vm })));
      was_read = true;
    } catch (error) {
      if (!was_read) put(content, h("h2", {}, `${vm} on ${host}`), failure(error));
    }
  }
  const readSoon = reading(read);
  const stopReading = every(WAIT, read);
  const stop = listen({ renew: readSoon });
  read();
  return () => [stop, stopReading, readSoon.stop].forEach((end) => end());
}
