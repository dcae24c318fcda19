// What the fleet wants of its hosts: all policies, and one with its texts and where it is not in force.
import { h, put, renew, table, failure } from "./dom.js";
import { count } from "./format.js";
import { every, get, listen, reading } from "./live.js";
import { hostLink } from "./fleet.js";
import { rolloutLink } from "./rollouts.js";

const WAIT = 5000;

const link = (name) => h("a", { href: `#/fleet-policies/${encodeURIComponent(name)}` }, name);
const rolloutCell = (policy) => (policy.rollout ? rolloutLink(policy.rollout) : "-");
const bad = (number) => h("span", { class: number ? "bad" : undefined }, number ?? 0);

const columns = [
  { name: "Policy", cell: (policy) => link(policy.name) },
  { name: "Wanted of", number: true, cell: (policy) => count(policy.wanted, "host") },
  { name: "In force", number: true, cell: (policy) => policy.in_force },
  { name: "Waits", number: true, cell: (policy) => policy.waits },
  { name: "Held there", number: true, wide: true, cell: (policy) => policy.pinned },
  { name: "Refused", number: true, cell: (policy) => bad(policy.refused) },
  { name: "Left", number: true, wide: true, cell: (policy) => policy.left },
  { name: "Texts", number: true, wide: true, cell: (policy) => policy.texts },
  { name: "Rollout", wide: true, cell: rolloutCell },
];

// "host_policy_in_force" in words.
export function stateWords(state) {
  const words = { in_force: "in force", waits: "waits", pinned: "held by its own operator", refused: "refused", left: "left: nobody wants it" };
  const key = String(state).replace(/^host_policy_/, "");
  return h("span", { class: key === "refused" ? "bad" : undefined }, words[key] ?? key);
}

const exceptions = [
  { name: "Host", cell: (one) => hostLink(one.host, one.host_name) },
  { name: "There", cell: (one) => stateWords(one.state) },
  { name: "Why", cell: (one) => one.reason || "-" },
];

function textOf(one) {
  return [h("p", {}, `Wanted of ${count(one.hosts, "host")}`, one.rollout ? [", brought by rollout ", rolloutLink(one.rollout)] : null,
    one.selectors?.length ? `, for ${one.selectors.join(", ")}` : "", "."),
    h("pre", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The policy's text" }, one.text || "(it was replaced meanwhile)")];
}

async function one(name) {
  const { policy, texts, hosts } = await get("fleet/policy", { name });
  return [h("p", {}, h("a", { href: "#/fleet-policies" }, "all policies of the fleet")), h("h2", {}, `Policy ${policy.name}`),
    table("On the fleet's hosts", columns.slice(1), [policy]),
    h("h3", {}, "Where it is not in force"), hosts?.length ? table("The first hundred hosts", exceptions, hosts) : h("p", {}, "It is in force wherever it is wanted."),
    h("h3", {}, texts?.length > 1 ? "Its texts" : "Its text"), (texts ?? []).map(textOf)];
}

async function all() {
  const { policies, next_page_token: more } = await get("fleet/policies");
  return [h("p", {}, h("a", { href: "#/fleet" }, "all hosts")), h("h2", {}, "Policies of the fleet"),
    policies.length ? table("What is wanted, and what became of it", columns, policies) : h("p", {}, "None was rolled out yet."),
    more ? h("p", { class: "note" }, "There are more: vmreclaim fleet policy list") : null];
}

export function fleetPoliciesPage(content, where) {
  let was_read = false;

  async function read() {
    try {
      renew(content, where.name ? await one(where.name) : await all());
      was_read = true;
    } catch (error) {
      if (!was_read) put(content, h("h2", {}, "Policies of the fleet"), failure(error));
    }
  }
  const readSoon = reading(read);
  const stopReading = every(WAIT, read);
  const stop = listen({ renew: readSoon });
  read();
  return () => [stop, stopReading, readSoon.stop].forEach((end) => end());
}
