// Which page is shown, by what is behind # in the address.
import { h, put, failure, say } from "./dom.js";
import { start } from "./live.js";
import { hostPage } from "./host.js";
import { vmsPage } from "./vms.js";
import { vmPage } from "./vm.js";
import { actionsPage } from "./actions.js";
import { policiesPage } from "./policies.js";

const pages = { "": hostPage, vms: vmsPage, vm: vmPage, actions: actionsPage, policies: policiesPage };
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
  const page = pages[where.page];

  leave?.();
  leave = null;
  for (const link of document.querySelectorAll("nav a")) {
    const current = link.getAttribute("href") === `#/${where.page === "vm" ? "vms" : where.page}`;
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!page) {
    put(main, h("h2", {}, "There is nothing here"), h("p", {}, h("a", { href: "#/" }, "The host")));
    return;
  }
  const content = h("div", {}, h("p", { class: "note" }, "reading"));
  put(main, content);
  try {
    leave = page(content, where);
  } catch (error) {
    put(content, failure(error));
  }
  document.title = `${where.name || { "": "host", vms: "VMs", actions: "actions", policies: "policies" }[where.page]} - vmreclaim`;
}

addEventListener("hashchange", () => {
  show();
  document.getElementById("main").focus();
  say(document.title);
});
show();
start();
