// Policies: what there is, which VMs have it, and one policy's text.
import { h, put, table, command, failure } from "./dom.js";
import { quote, time } from "./format.js";
import { get, listen, reading } from "./live.js";

const link = (name) => h("a", { href: `#/policies/${encodeURIComponent(name)}` }, name);

const columns = [
  { name: "Policy", cell: (policy) => link(policy.name) },
  { name: "Revision", number: true, cell: (policy) => policy.revision },
  { name: "By", cell: (policy) => policy.author || "-" },
  { name: "When", cell: (policy) => time(policy.time_ns) },
];

const assignments = [
  { name: "VMs", cell: (one) => one.selector },
  { name: "Policy", cell: (one) => link(one.policy) },
  { name: "By", wide: true, cell: (one) => one.author || "-" },
  { name: "When", wide: true, cell: (one) => time(one.time_ns) },
];

async function all() {
  const answer = await get("policies");
  return [h("h2", {}, "Policies"),
    answer.policies.length ? table("Each with its newest revision", columns, answer.policies) : h("p", {}, "No policies are stored. ", command("vmreclaim policy apply FILE --vm NAME")),
    h("h3", {}, "Who has which"),
    answer.assignments.length ? table("The first match holds: a VM, then a label, then the longest pattern", assignments, answer.assignments) : h("p", {}, "None is assigned.")];
}

async function one(name) {
  const [{ policy }, { revisions }] = await Promise.all([get("policy", { name }), get("policy-history", { name })]);
  return [h("h2", {}, `Policy ${name}`), h("p", {}, h("a", { href: "#/policies" }, "all policies")),
    h("pre", { class: "scroll", tabindex: "0" }, policy.text), table("Its revisions", columns, revisions),
    revisions.length > 1 ? command(`vmreclaim policy diff ${quote(name)}`) : null];
}

export function policiesPage(content, where) {
  let read_once = false;

  async function read() {
    try {
      put(content, where.name ? await one(where.name) : await all());
      read_once = true;
    } catch (error) {
      if (!read_once) put(content, h("h2", {}, "Policies"), failure(error));
    }
  }
  const readSoon = reading(read);
  const stop = listen({ renew: readSoon, event: (event) => event.kind === "policy" && readSoon() });
  read();
  return () => [stop, readSoon.stop].forEach((end) => end());
}
