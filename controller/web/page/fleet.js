// A fleet: the sums of its hosts, and a page of them, in the order and of the kind that was asked for.
// The program sorts and adds up: a browser never has all of ten thousand.
import { h, put, renew, figures, table } from "./dom.js";
import { bytes, count, seconds } from "./format.js";
import { every, get, listen, reading } from "./live.js";

const LIMIT = 100;
const WAIT = 5000;

export const hostLink = (id, text) => h("a", { href: `#/fleet-host/${encodeURIComponent(id)}` }, text || id);

export const fleetVmLink = (host, vm) => h("a", { href: `#/fleet-vm/${encodeURIComponent(host)}/${encodeURIComponent(vm)}` }, vm);

export const presenceKind = (presence) => (presence === "lost" ? "bad" : undefined);

// What it runs of what it is to run.
function runs(host) {
  if (host.refused) return h("span", { class: "bad" }, "refused");
  const held = host.pinned ? `, ${host.pinned} held there` : "";
  if (host.wanted === undefined) return `${host.in_force || "-"}${held}`;
  if (host.wanted > host.in_force) return `${host.in_force} of ${host.wanted}${held}`;
  return `${host.in_force || "-"}${held}`;
}

// `key` is what the program sorts by.
const columns = [
  { name: "Host", key: "name", cell: (host) => hostLink(host.host, host.name) },
  { name: "State", key: "presence", cell: (host) => h("span", { class: presenceKind(host.presence) }, host.presence) },
  { name: "VMs", key: "vms", number: true, wide: true, cell: (host) => host.vms ?? "-" },
  { name: "Available", key: "available", number: true, wide: true, cell: (host) => bytes(host.available) },
  { name: "Held by VMs", key: "footprint", number: true, wide: true, cell: (host) => bytes(host.footprint) },
  { name: "Could come back", key: "could_return", number: true, cell: (host) => bytes(host.could_return) },
  { name: "Returned", key: "returned", number: true, wide: true, cell: (host) => bytes(host.returned) },
  { name: "Said", key: "age", number: true, wide: true, cell: (host) => (host.age_ns === undefined ? "-" : `${seconds(host.age_ns)} ago`) },
  { name: "Runs", key: "in_force", wide: true, cell: runs },
  { name: "What is wrong", key: "note", wide: true, cell: (host) => host.note || "-" },
];

function figureRows(sums, rollouts) {
  return [
    ["Hosts", String(sums.hosts)],
    ["Lost", String(sums.lost), sums.lost ? "bad" : undefined],
    ["VMs", String(sums.vms)],
    ["Held by VMs", bytes(sums.footprint)],
    ["Could come back", bytes(sums.could_return), "good"],
    ["Returned", bytes(sums.returned)],
    ["Rollouts paused", String(rollouts.paused ?? 0), rollouts.paused ? "bad" : undefined],
  ];
}

// What a sum leaves out, and what is not as it should be.
function remarks(sums) {
  const said = [
    sums.unknown && `${count(sums.unknown, "host")} not heard since this coordinator listens`,
    sums.without_figures && `${count(sums.without_figures, "host")} without figures`,
    sums.behind && `${count(sums.behind, "host")} behind what the fleet wants`,
    sums.refused && `${count(sums.refused, "host")} refused it`,
    sums.pinned && `${count(sums.pinned, "host")} where its own operator holds a policy`,
    sums.degraded && `${count(sums.degraded, "host")} with a degraded daemon`,
  ].filter(Boolean);
  return said.length ? h("p", { class: "note" }, `${said.join("; ")}.`) : null;
}

function coordinatorLines(coordinator) {
  return [coordinator.bus_is_there ? null : h("p", { class: "bad" }, `the fleet's bus is away: ${coordinator.problem || "not known why"}`),
    coordinator.leads || coordinator.leader ? null : h("p", { class: "bad" }, "no coordinator leads: rollouts wait")];
}

// What the address says is asked for; it is kept there.
function placeOf(query) {
  const column = columns.findIndex((one) => one.key === query.get("sort"));
  return { selector: query.get("hosts") ?? "", column: column < 0 ? 5 : column, down: query.get("up") === null, offset: Math.max(0, Math.floor(Number(query.get("from"))) || 0) };
}

export function fleetPage(content, where) {
  const place = placeOf(where.query);
  let view = null;
  const wrong = h("p", { class: "bad", role: "alert" });
  const filter = h("input", { type: "search", id: "hosts", value: place.selector, placeholder: "rack2-*, label:role=web" });
  const tools = h("form", { class: "tools", on: { submit: (event) => { event.preventDefault(); filterBy(filter.value.trim()); } } },
    h("label", { for: "hosts" }, "Hosts"), filter, h("button", { type: "submit" }, "Show"));
  const [head, list] = [h("div"), h("div")];

  function keep() {
    const query = new URLSearchParams({ sort: columns[place.column].key, ...(place.down ? {} : { up: "" }),
      ...(place.selector ? { hosts: place.selector } : {}), ...(place.offset ? { from: place.offset } : {}) });
    history.replaceState(null, "", `#/fleet?${query}`);
  }

  function change(changes) {
    Object.assign(place, changes);
    keep();
    return read();
  }

  const filterBy = (selector) => change({ selector, offset: 0 });

  const sorting = {
    get column() { return place.column; },
    get down() { return place.down; },
    by: (column) => change({ down: column === place.column ? !place.down : columns[column].number === true, column, offset: 0 }),
  };

  // At an end the button that was pressed is no more; its neighbour is.
  async function turn(offset) {
    await change({ offset });
    if (!list.contains(document.activeElement)) list.querySelector(".pages button:not([disabled])")?.focus();
  }

  function pages(first, last, all) {
    if (all <= LIMIT) return null;
    return h("p", { class: "tools pages" },
      h("button", { type: "button", disabled: first === 0, on: { click: () => turn(Math.max(0, first - LIMIT)) } }, "Previous"),
      h("button", { type: "button", disabled: last >= all, on: { click: () => turn(first + LIMIT) } }, "Next"));
  }

  function draw() {
    const { sums, hosts, offset, rollouts, coordinator } = view;
    const words = hosts.length === sums.hosts ? count(sums.hosts, "host") : `${offset + 1} to ${offset + hosts.length} of ${count(sums.hosts, "host")}`;

    renew(head, coordinatorLines(coordinator), figures(figureRows(sums, rollouts)), remarks(sums));
    renew(list, hosts.length ? table(words, columns, hosts, sorting) : h("p", {}, place.selector ? "No host is so." : "No host has said anything yet."),
      pages(offset, offset + hosts.length, sums.hosts));
  }

  async function read() {
    const asked = { ...place };
    try {
      const answer = await get("/fleet", { limit: LIMIT, sort: columns[asked.column].key, down: asked.down ? 1 : 0, offset: asked.offset, ...(asked.selector ? { selector: asked.selector } : {}) });
      if (JSON.stringify(asked) !== JSON.stringify(place)) return; // another was asked for meanwhile
      if (answer.hosts.length === 0 && asked.offset > 0) return change({ offset: 0 }); // fewer than there were
      view = answer;
      wrong.textContent = "";
      draw();
    } catch (error) {
      wrong.textContent = error.message;
    }
  }

  const readSoon = reading(read);
  const stopReading = every(WAIT, read);
  const stop = listen({ renew: readSoon });
  const links = h("p", {}, h("a", { href: "#/fleet-policies" }, "its policies"), ", ", h("a", { href: "#/fleet-events" }, "what happened"));
  put(content, h("h2", {}, "Fleet"), head, links, tools, wrong, list);
  read();
  return () => [stop, stopReading, readSoon.stop].forEach((end) => end());
}
