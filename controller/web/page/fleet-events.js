// What happened on the hosts of a fleet, as the coordinator has heard it.
import { h, put, renew, table, failure } from "./dom.js";
import { time } from "./format.js";
import { every, get, listen, reading } from "./live.js";
import { hostLink } from "./fleet.js";

const WAIT = 5000;
const MOST = 200;

const columns = [
  { name: "When", cell: (heard) => time(heard.event.time_ns) },
  { name: "Host", cell: (heard) => hostLink(heard.host, heard.host_name) },
  { name: "VM", cell: (heard) => heard.event.vm || "-" },
  { name: "Kind", wide: true, cell: (heard) => heard.event.kind },
  { name: "What", cell: (heard) => heard.event.text || "-" },
];

export const eventsTable = (caption, events, ofOneHost) =>
  table(caption, ofOneHost ? columns.filter((column) => column.name !== "Host") : columns, events.filter((heard) => heard.event));

export function fleetEventsPage(content) {
  let was_read = false;

  async function read() {
    try {
      const { events } = await get("fleet/events", { page_size: MOST });
      renew(content, h("p", {}, h("a", { href: "#/fleet" }, "all hosts")), h("h2", {}, "What happened in the fleet"),
        events.length ? eventsTable("What came last first", events) : h("p", {}, "Nothing was heard yet."),
        events.length >= MOST ? h("p", { class: "note" }, "Earlier ones: vmreclaim fleet events --limit 1000") : null);
      was_read = true;
    } catch (error) {
      if (!was_read) put(content, h("h2", {}, "What happened in the fleet"), failure(error));
    }
  }
  const readSoon = reading(read);
  const stopReading = every(WAIT, read);
  const stop = listen({ renew: readSoon });
  read();
  return () => [stop, stopReading, readSoon.stop].forEach((end) => end());
}
