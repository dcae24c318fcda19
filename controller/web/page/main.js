// Which page is shown, by what is behind # in the address.
import { h, put, failure, say } from "./dom.js";
import { start } from "./live.js";
import { parts } from "./parts.js"; // whom there is to ask; the program makes it
import { hostPage } from "./host.js";
import { vmsPage } from "./vms.js";
import { vmPage } from "./vm.js";
import { actionsPage } from "./actions.js";
import { policiesPage } from "./policies.js";
import { fleetPage } from "./fleet.js";
import { fleetHostPage } from "./fleet-host.js";
import { fleetVmPage } from "./fleet-vm.js";
import { fleetPoliciesPage } from "./fleet-policies.js";
import { fleetEventsPage } from "./fleet-events.js";
import { rolloutsPage } from "./rollouts.js";

// By what is first in the address; `under`: where it is in the list of pages.
const pages = {
  ...(parts.daemon ? {
    "": { page: hostPage, title: "host" }, vms: { page: vmsPage, title: "VMs" }, vm: { page: vmPage, under: "vms" },
    actions: { page: actionsPage, title: "actions" }, policies: { page: policiesPage, title: "policies" },
  } : { "": { page: fleetPage, title: "fleet", under: "fleet" } }),
  ...(parts.fleet ? {
    fleet: { page: fleetPage, title: "fleet" }, "fleet-host": { page: fleetHostPage, under: "fleet" }, "fleet-vm": { page: fleetVmPage, under: "fleet" },
    "fleet-policies": { page: fleetPoliciesPage, title: "policies of the fleet", under: "fleet" }, "fleet-events": { page: fleetEventsPage, title: "what happened", under: "fleet" }, rollouts: { page: rolloutsPage, title: "rollouts" },
  } : {}),
};
let leave = null;

// Who types a name may write it as it is.
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// "#/vm/NAME?range=1h" as its parts.
function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [page, ...rest] = path.split("/");
  return { page, name: decode(rest.join("/")), query: new URLSearchParams(query ?? "") };
}

async function show() {
  const where = place();
  const main = document.getElementById("main");
  const found = Object.hasOwn(pages, where.page) ? pages[where.page] : null;

  leave?.();
  leave = null;
  for (const link of document.querySelectorAll("nav a")) {
    const current = link.getAttribute("href") === `#/${found?.under ?? where.page}`;
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!found) {
    put(main, h("h2", {}, "There is nothing here"), h("p", {}, h("a", { href: "#/" }, parts.daemon ? "The host" : "The fleet")));
    return;
  }
  const content = h("div", {}, h("p", { class: "note" }, "reading"));
  put(main, content);
  try {
    leave = found.page(content, where);
  } catch (error) {
    put(content, failure(error));
  }
  document.title = `${where.name || found.title} - vmreclaim`;
}

addEventListener("hashchange", () => {
  show();
  document.getElementById("main").focus();
  say(document.title);
});
for (const link of document.querySelectorAll("nav a")) link.hidden = !parts[link.dataset.part];
show();
start();
