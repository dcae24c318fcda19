// What was done, and what it brought.
import { h, put, table, vmLink, failure } from "./dom.js";
import { bytes, seconds, time } from "./format.js";
import { get, listen, reading } from "./live.js";

export const actionColumns = [
  { name: "When", cell: (action) => time(action.started_ns) },
  { name: "VM", cell: (action) => vmLink(action.vm) },
  { name: "What", cell: (action) => action.kind },
  { name: "Asked by", wide: true, cell: (action) => action.asked_by || "-" },
  { name: "Took", number: true, wide: true, cell: (action) => (action.finished ? seconds(action.duration_ns) : "running") },
  { name: "Host got", number: true, cell: (action) => (action.finished && action.footprint_before ? bytes(action.host_returned) : "-") },
  { name: "Why not more", wide: true, cell: (action) => action.reason || "-" },
];

export const withoutVm = actionColumns.filter((column) => column.name !== "VM");

export function actionsPage(content) {
  let read_once = false;

  async function read() {
    try {
      const { actions } = await get("actions", { limit: 200 });
      put(content, h("h2", {}, "Actions"),
        actions.length ? table("The newest first", actionColumns, actions) : h("p", {}, "Nothing was done yet."),
        h("p", { class: "note" }, "To look at one again: vmreclaim verify ID; all of them: vmreclaim actions."));
      read_once = true;
    } catch (error) {
      if (!read_once) put(content, h("h2", {}, "Actions"), failure(error));
    }
  }
  const readSoon = reading(read);
  const stop = listen({ renew: readSoon, event: (event) => event.kind !== "sample" && readSoon() });
  read();
  return () => [stop, readSoon.stop].forEach((end) => end());
}
