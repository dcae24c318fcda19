// One host of a fleet: what it said last, what it is to run and runs, its VMs that could return most.
import { h, put, renew, figures, table, command, failure } from "./dom.js";
import { bytes, count, quote, seconds, time } from "./format.js";
import { every, get, listen, reading } from "./live.js";
import { fleetVmLink, presenceKind } from "./fleet.js";
import { rolloutLink } from "./rollouts.js";
import { stateWords } from "./fleet-policies.js";
import { eventsTable } from "./fleet-events.js";

const WAIT = 5000;
const EVENTS = 30;

const policyColumns = [
  { name: "Policy", cell: (policy) => policy.name },
  { name: "There", cell: (policy) => stateWords(policy.state) },
  { name: "For", wide: true, cell: (policy) => (policy.selectors ?? []).join(", ") || "-" },
  { name: "Why", cell: (policy) => policy.reason || "-" },
  { name: "Rollout", wide: true, cell: (policy) => (policy.rollout ? rolloutLink(policy.rollout) : "-") },
];

export function desiredTable(policies, problem) {
  if (problem) return h("p", { class: "bad" }, `what is wanted is not known: ${problem}`);
  return policies?.length ? table("Policies of the fleet, and what became of each", policyColumns, policies) : h("p", {}, "No policy of the fleet is wanted here.");
}

const vmColumns = (host) => [
  { name: "VM", cell: (vm) => fleetVmLink(host.host, vm.name) },
  { name: "State", cell: (vm) => [vm.state, vm.alarm ? h("span", { class: "bad" }, `, starved: ${vm.alarm}`) : null] },
  { name: "Agent", wide: true, cell: (vm) => (vm.has_agent ? "yes" : "-") },
  { name: "Held", number: true, cell: (vm) => (vm.footprint_is_known ? bytes(vm.footprint) : "-") },
  { name: "Memory", number: true, wide: true, cell: (vm) => bytes(vm.vm_ram || undefined) },
  { name: "Could come back", number: true, cell: (vm) => bytes(vm.could_return) },
  { name: "Policy", wide: true, cell: (vm) => vm.policy || "-" },
];

function head(host, status) {
  const age = host.age_is_known ? `, said so ${seconds(host.age_ns)} ago` : ", not heard since this coordinator listens";
  return [h("h2", {}, status.name ? `${status.name} (${host.host})` : host.host),
    h("p", {}, h("span", { class: presenceKind(host.presence) }, host.presence), age, status.version ? `; vmreclaim ${status.version}` : ""),
    status.labels?.length ? h("ul", { class: "labels" }, status.labels.map((label) => h("li", {}, label))) : null,
    status.problem ? h("p", { class: "bad" }, status.problem) : null,
    (status.degraded ?? []).map((line) => h("p", { class: "bad" }, line))];
}

function figureRows(status) {
  const memory = status.host ?? {};
  return [["Memory", bytes(memory.total)], ["Available", bytes(memory.available)], ["VMs", String(status.vm_count)],
    ["Held by VMs", bytes(status.footprint)], ["Could come back", bytes(status.could_return), "good"],
    ["Returned since it started", bytes(status.returned)]];
}

function desired({ host, policies, wanted_problem: problem }, applied) {
  const wanted = host.wanted_is_known ? host.wanted_generation : undefined;
  const now = applied?.generation || 0;
  const words = now === 0 ? "It runs nothing of the fleet's." : `Generation ${now} is in force, since ${time(applied.time_ns)}.`;
  return [h("h3", {}, "What the fleet wants of it"),
    h("p", {}, words, wanted !== undefined && wanted > now ? ` It is to run ${wanted}.` : ""),
    applied?.refused ? h("p", { class: "bad" }, `refused${applied.refused_generation ? ` generation ${applied.refused_generation}` : ""}: ${applied.refused}`) : null,
    desiredTable(policies, problem)];
}

function happenings(events) {
  return [h("h3", {}, "What happened there"),
    events === null ? h("p", { class: "note" }, "not known") : events.length ? eventsTable("What came last first", events, true) : h("p", {}, "Nothing was heard yet.")];
}

function vms(host, status) {
  const shown = status.vms ?? [];
  return [h("h3", {}, "Its VMs"),
    shown.length ? table(shown.length < status.vm_count ? `${shown.length} of ${count(status.vm_count, "VM")}: those that could return most` : count(shown.length, "VM"), vmColumns(host), shown)
      : h("p", {}, "It has said of none."),
    command(`vmreclaim fleet vms --hosts ${quote(host.host)}`)];
}

export function fleetHostPage(content, where) {
  let was_read = false;

  async function read() {
    try {
      const answer = await get("fleet/host", { host: where.name });
      const { host } = answer;
      const { status } = host;
      const events = await get("fleet/events", { selector: host.host, page_size: EVENTS }).then((one) => one.events).catch(() => null);
      renew(content, h("p", {}, h("a", { href: "#/fleet" }, "all hosts")), head(host, status ?? {}),
        status ? [status.problem ? null : figures(figureRows(status)), desired(answer, status.applied), status.problem ? null : vms(host, status)]
          : [h("p", {}, "It never said anything."), desired(answer)], happenings(events));
      was_read = true;
    } catch (error) {
      if (!was_read) put(content, h("h2", {}, where.name), failure(error));
    }
  }
  const readSoon = reading(read);
  const stopReading = every(WAIT, read);
  const stop = listen({ renew: readSoon });
  read();
  return () => [stop, stopReading, readSoon.stop].forEach((end) => end());
}
