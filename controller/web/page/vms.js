// All VMs: sorted and filtered, both kept in the address.
import { h, put, table, vmLink, failure } from "./dom.js";
import { bytes, count } from "./format.js";
import { get, listen, limited, reading } from "./live.js";

const of = (vm) => vm.waterfall ?? {};

const columns = [
  { name: "VM", key: (vm) => vm.name, cell: (vm) => vmLink(vm.name) },
  { name: "State", key: (vm) => vm.state, cell: (vm) => [vm.state, vm.alarm ? h("span", { class: "bad" }, ", starved") : null, vm.halted ? ", halted" : ""] },
  { name: "Agent", key: (vm) => String(vm.agent_connected), wide: true, cell: (vm) => (vm.agent_connected ? "yes" : "-") },
  { name: "Held", number: true, key: (vm) => of(vm).footprint ?? -1, cell: (vm) => bytes(of(vm).footprint) },
  { name: "Memory", number: true, wide: true, key: (vm) => of(vm).vm_ram ?? -1, cell: (vm) => bytes(of(vm).vm_ram || undefined) },
  { name: "In use", number: true, key: (vm) => of(vm).in_use ?? -1, cell: (vm) => bytes(of(vm).in_use) },
  { name: "Cache", number: true, wide: true, key: (vm) => of(vm).cache ?? -1, cell: (vm) => bytes(of(vm).cache) },
  { name: "Trapped", number: true, wide: true, key: (vm) => of(vm).trapped ?? -1, cell: (vm) => bytes(of(vm).trapped) },
  { name: "Balloon", number: true, wide: true, key: (vm) => of(vm).balloon ?? -1, cell: (vm) => bytes(of(vm).balloon) },
  { name: "Policy", key: (vm) => vm.policy, cell: (vm) => vm.policy || "-" },
];

export function vmsPage(content, where) {
  let vms = null;
  const order = { column: Number(where.query.get("sort") ?? 3), down: where.query.get("up") === null };
  const filter = h("input", { type: "search", id: "filter", value: where.query.get("filter") ?? "", on: { input: () => { keep(); draw(); } } });
  const tools = h("p", { class: "tools" }, h("label", { for: "filter" }, "Names with"), filter);
  const list = h("div");

  function keep() {
    const query = new URLSearchParams({ sort: order.column, ...(order.down ? {} : { up: "" }), ...(filter.value ? { filter: filter.value } : {}) });
    history.replaceState(null, "", `#/vms?${query}`);
  }

  const sorting = {
    get column() { return order.column; },
    get down() { return order.down; },
    by(column) {
      order.down = column === order.column ? !order.down : columns[column].number === true;
      order.column = column;
      keep();
      draw();
      list.querySelectorAll("thead button")[column]?.focus();
    },
  };

  function draw() {
    if (vms === null) return;
    const { key } = columns[order.column] ?? columns[0];
    const shown = vms.filter((vm) => vm.name.includes(filter.value) || (vm.title ?? "").includes(filter.value));
    shown.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) * (order.down ? -1 : 1));
    put(list, shown.length ? table(`${shown.length} of ${count(vms.length, "VM")}`, columns, shown, sorting) : h("p", {}, "No VMs."));
  }

  async function read() {
    try {
      vms = (await get("vms")).vms;
      draw();
    } catch (error) {
      if (vms === null) put(list, failure(error));
    }
  }
  const readSoon = reading(read);
  const drawSoon = limited(800, () => !list.contains(document.activeElement) && draw());
  const stop = listen({
    renew: readSoon,
    event(event) {
      const vm = vms?.find((one) => one.name === event.vm);
      if (event.kind === "sample" && vm) {
        vm.waterfall = event.waterfall;
        drawSoon();
      } else if (event.kind !== "sample" || vms) readSoon();
    },
  });
  put(content, h("h2", {}, "VMs"), tools, list);
  read();
  return () => [stop, readSoon.stop, drawSoon.stop].forEach((end) => end());
}
