// Rollouts of a fleet: all of them, and one with its waves, gates, hosts and steps.
import { h, put, renew, table, command, failure } from "./dom.js";
import { count, seconds, time } from "./format.js";
import { every, get, listen, reading } from "./live.js";
import { hostLink } from "./fleet.js";

const WAIT = 5000;
const HOSTS_SHOWN = 200;

export const rolloutLink = (id, text) => h("a", { href: `#/rollouts/${encodeURIComponent(id)}` }, text || id);

const stateOf = (rollout) => String(rollout.state).replace(/^rollout_/, "");
const kinds = { paused: "bad", reverting: "bad", reverted: "bad", aborted: "bad", complete: "good" };
const stateCell = (rollout) => h("span", { class: kinds[stateOf(rollout)] }, stateOf(rollout));

// "canary", or the part of the hosts that has it afterwards.
function waveNames(rollout) {
  const parts = (rollout.waves_permyriad ?? []).map((part) => `${part / 100} %`);
  return rollout.canary_selector || rollout.canary_hosts ? ["canary", ...parts] : parts;
}

const waveName = (rollout) => waveNames(rollout)[rollout.wave] ?? "canary";

const columns = [
  { name: "Rollout", cell: (rollout) => rolloutLink(rollout.id) },
  { name: "Policy", cell: (rollout) => rollout.policy },
  { name: "State", cell: stateCell },
  { name: "Wave", cell: waveName },
  { name: "Since", wide: true, cell: (rollout) => time(rollout.since_ns) },
  { name: "To", wide: true, cell: (rollout) => rollout.host_selector || "-" },
  { name: "By", wide: true, cell: (rollout) => rollout.author || "-" },
  { name: "Why", wide: true, cell: (rollout) => rollout.reason || "-" },
];

// ---- one ----

// Where it is: waves before are through, and of one that came back none is.
function waves(rollout) {
  const state = stateOf(rollout);
  const over = state === "complete";
  const begun = rollout.state !== "rollout_draft";
  const back = ["reverting", "reverted"].includes(state);
  const rows = waveNames(rollout).map((name, index) => ({ name, index, soak: index === 0 ? rollout.canary_soak_ns : rollout.soak_ns }));
  const words = ({ index }) => {
    if (back) return index <= rollout.wave ? "taken back" : "never begun";
    if (over || index < rollout.wave) return "through";
    return index === rollout.wave && begun ? state : "to come";
  };
  return table("Each goes to more hosts than the one before, and soaks before it is judged", [
    { name: "Wave", cell: (row) => row.name },
    { name: "State", cell: (row) => h("span", { "aria-current": row.index === rollout.wave && !over ? "step" : undefined }, words(row)) },
    { name: "Soaks for", number: true, cell: (row) => seconds(row.soak) },
  ], rows);
}

function gates(rollout) {
  const states = new Map((rollout.gate_states ?? []).map((one) => [one.name, one]));
  const list = rollout.gates ?? [];
  if (list.length === 0) return h("p", {}, "It has no gates.");
  return table("What each judged last, in its own unit", [
    { name: "Gate", cell: (gate) => gate.name },
    { name: "Limit", number: true, cell: (gate) => (gate.limit < 0 ? "not judged" : String(gate.limit ?? 0)) },
    { name: "Last judgement", cell: (gate) => states.get(gate.name)?.text || "-" },
    { name: "Failed in a row", number: true, wide: true, cell: (gate) => states.get(gate.name)?.failed_in_a_row ?? 0 },
    { name: "Without data", number: true, wide: true, cell: (gate) => states.get(gate.name)?.without_data ?? 0 },
  ], list);
}

function hostList(title, hosts, rollout) {
  if (!hosts?.length) return null;
  const more = hosts.length - HOSTS_SHOWN;
  return h("details", {}, h("summary", {}, `${title}: ${count(hosts.length, "host")}`),
    h("ul", { class: "hosts" }, hosts.slice(0, HOSTS_SHOWN).map((host) => h("li", {}, hostLink(host)))),
    more > 0 ? h("p", { class: "note" }, `and ${more} more: `, command(`vmreclaim --json fleet rollout status ${rollout.id}`)) : null);
}

// What an operator may do now; the page itself orders nothing.
const orders = {
  draft: ["abort"], writing: ["pause", "abort", "rollback"], soaking: ["pause", "abort", "rollback"], judging: ["pause", "abort", "rollback"],
  paused: ["resume", "abort", "rollback"], complete: ["rollback"], aborted: ["rollback"],
};

// "1790000000 soaking wave 2", with the time here.
function step(line) {
  const found = /^(\d{9,11}) (.*)$/s.exec(line);
  return found ? `${time(Number(found[1]) * 1e9)} ${found[2]}` : line;
}

function draw(rollout) {
  const state = stateOf(rollout);
  const bad = kinds[state] === "bad";
  const since = rollout.hosts?.slice(rollout.wave_begin ?? 0).length;
  return [h("p", {}, h("a", { href: "#/rollouts" }, "all rollouts")), h("h2", {}, `Rollout of ${rollout.policy}`),
    h("p", {}, `${rollout.id}: `, stateCell(rollout), state === "paused" && rollout.resumes_to ? ` while ${String(rollout.resumes_to).replace(/^rollout_/, "")}` : "", ` since ${time(rollout.since_ns)}, wave ${waveName(rollout)}, to ${rollout.host_selector || "all"}; by ${rollout.author || "-"}, ${time(rollout.created_ns)}`),
    rollout.reason ? h("p", { class: bad ? "bad" : "note" }, rollout.reason) : null,
    h("h3", {}, "Waves"), waves(rollout),
    h("h3", {}, "Gates"), gates(rollout),
    h("h3", {}, "Hosts"), h("p", {}, `${count(rollout.hosts?.length ?? 0, "host")} chosen${since ? `, ${since} of them in this wave` : ""}; ${count(rollout.late?.length ?? 0, "host")} more on return. `,
      h("a", { href: `#/fleet-policies/${encodeURIComponent(rollout.policy)}` }, "Who has it")),
    hostList("Chosen", rollout.hosts, rollout), hostList("On return", rollout.late, rollout),
    h("h3", {}, "Steps"), rollout.history?.length ? h("ol", { class: "steps" }, rollout.history.map((line) => h("li", {}, step(line)))) : h("p", {}, "None yet."),
    h("h3", {}, "The policy"), h("pre", { class: "scroll", tabindex: "0" }, rollout.text),
    orders[state] ? [h("h3", {}, "To type"), orders[state].map((verb) => command(`vmreclaim fleet rollout ${verb} ${rollout.id}`))] : null];
}

async function one(id) {
  const { rollouts } = await get("fleet/rollouts", { id, with_hosts: 1 });
  const rollout = rollouts.find((each) => each.id === id) ?? (rollouts.length === 1 ? rollouts[0] : null);
  if (!rollout) throw new Error(`no rollout "${id}"; see 'vmreclaim fleet rollout status'`);
  return draw(rollout);
}

// ---- all ----

async function all(tokens) {
  const rollouts = [];
  let next = "";
  for (let page = 0; page <= tokens.pages; page++) {
    const answer = await get("fleet/rollouts", next ? { page_token: next } : {});
    rollouts.push(...answer.rollouts);
    next = answer.next_page_token;
    if (!next) break;
  }
  const more = h("button", { type: "button", on: { click: () => { tokens.pages++; tokens.read(); } } }, "Older ones");
  return [h("h2", {}, "Rollouts"),
    rollouts.length ? table("The newest first", columns, rollouts) : h("p", {}, "Nothing was rolled out yet. ", command("vmreclaim fleet rollout start FILE --to HOSTS --canary 1")),
    next ? h("p", { class: "tools" }, more) : null];
}

export function rolloutsPage(content, where) {
  let was_read = false;
  const tokens = { pages: 0, read };

  async function read() {
    try {
      renew(content, where.name ? await one(where.name) : await all(tokens));
      was_read = true;
    } catch (error) {
      if (!was_read) put(content, h("h2", {}, "Rollouts"), failure(error));
    }
  }
  const readSoon = reading(read);
  const stopReading = every(WAIT, read);
  const stop = listen({ renew: readSoon });
  read();
  return () => [stop, stopReading, readSoon.stop].forEach((end) => end());
}
