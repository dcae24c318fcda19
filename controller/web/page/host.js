// The host as one bar of its VMs, and what could come back.
import { h, put, figures, table, command, vmLink, failure } from "./dom.js";
import { bar, legend } from "./bar.js";
import { bytes, count, percent, quote } from "./format.js";
import { get, listen, limited, reading } from "./live.js";

const stepNames = { report: "report", reclaim: "reclaim cache", compact: "compact", pulse: "pulse", balloon: "balloon" };

function figureRows(host, vms) {
  const back = vms.reduce((sum, vm) => sum + (vm.could_return ?? 0), 0);
  const short = host.low && host.available < host.low;
  return [
    ["Memory", bytes(host.total)],
    ["Available", bytes(host.available), short ? "bad" : undefined],
    ["Could come back", bytes(back), "good"],
    ["Held by VMs", bytes(vms.reduce((sum, vm) => sum + (vm.footprint ?? 0), 0))],
    ["Waits for memory (10 s)", percent(host.pressure_some_permyriad)],
  ];
}

function parts(host, vms) {
  const known = vms.filter((vm) => vm.footprint_is_known && vm.footprint > 0).sort((a, b) => b.footprint - a.footprint);
  const list = known.slice(0, 40).map((vm, index) => ({ name: vm.name, value: vm.footprint, back: vm.could_return, kind: index % 2 ? "vm odd" : "vm" }));
  const rest = known.slice(40);
  if (rest.length)
    list.push({ name: count(rest.length, "more VM"), value: rest.reduce((sum, vm) => sum + vm.footprint, 0), back: rest.reduce((sum, vm) => sum + (vm.could_return ?? 0), 0), kind: "vm" });
  const others = (host.total ?? 0) - (host.available ?? 0) - list.reduce((sum, part) => sum + part.value, 0);
  if (others > 0) list.push({ name: "everything else", value: others, kind: "other" });
  return list;
}

const columns = [
  { name: "VM", cell: (vm) => vmLink(vm.name) },
  { name: "Held", number: true, cell: (vm) => bytes(vm.footprint) },
  { name: "Could come back", number: true, cell: (vm) => (vm.could_return ? bytes(vm.could_return) : "-") },
  { name: "By", wide: true, cell: (vm) => (vm.steps ?? []).map((step) => `${stepNames[step.name] ?? step.name} ${bytes(step.bytes)}`).join(", ") || vm.reason || "-" },
  { name: "To type", cell: (vm) => (vm.could_return ? command(`vmreclaim squeeze ${quote(vm.name)}`) : "-") },
];

function degraded(status) {
  return (status.degraded ?? []).map((part) => h("p", { class: "bad", role: "alert" }, `${part.part}: ${part.reason}`));
}

export function hostPage(content) {
  let answer = null;
  let status = {};

  function draw() {
    const { host = {}, vms = [] } = answer;
    const worst = [...vms].sort((a, b) => (b.could_return ?? 0) - (a.could_return ?? 0)).slice(0, 10);
    const label = `${bytes(host.total)} of memory: ${count(vms.length, "VM")} ${vms.length === 1 ? "holds" : "hold"} ${bytes(vms.reduce((sum, vm) => sum + (vm.footprint ?? 0), 0))}, ${bytes(host.available)} are available`;
    put(content,
      h("h2", {}, "Host"), degraded(status),
      host.problem ? h("p", { class: "bad" }, host.problem) : null,
      figures(figureRows(host, vms)), bar(label, parts(host, vms), host.total ?? 0),
      legend([["vm", "held by VMs, each a field"], ["back", "of it could come back"], ["other", "everything else"]]),
      h("h3", {}, "Where most could come back"),
      vms.length ? table("VMs by what could come back; the table has what the bar shows", columns, worst)
        : h("p", {}, "No VMs. The daemon finds them in /etc/vmreclaim/vms/NAME.yaml; see vmreclaimd(8)."),
      vms.length > 10 ? h("p", {}, h("a", { href: "#/vms" }, `all ${vms.length} VMs`)) : null);
  }

  async function read() {
    try {
      [answer, status] = await Promise.all([get("host"), get("status")]);
      draw();
    } catch (error) {
      if (answer === null) put(content, h("h2", {}, "Host"), failure(error));
    }
  }
  const readSoon = reading(read);
  const readSometime = limited(8000, read);
  const drawSoon = limited(700, () => answer && draw());
  const stop = listen({
    renew: readSoon,
    event(event) {
      if (event.kind !== "sample") return readSoon();
      const vm = answer?.vms?.find((one) => one.name === event.vm);
      if (vm && event.waterfall?.footprint !== undefined) {
        vm.footprint = event.waterfall.footprint;
        vm.footprint_is_known = true;
        drawSoon();
      }
      readSometime();
    },
  });
  read();
  return () => [stop, readSoon.stop, readSometime.stop, drawSoon.stop].forEach((end) => end());
}
