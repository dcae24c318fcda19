// Every view of the page over a real daemon and its guests, and how soon the page shows what came back.
// tests/lab/test-browser.sh runs it.
//
// usage: node test-guests.js WEB VMRECLAIM FIGURES   WEB: HOST:PORT; FIGURES: a file for them
"use strict";
const assert = require("node:assert/strict");
const { execFile } = require("node:child_process");
const fs = require("node:fs");
const { after, before, test } = require("node:test");
const { promisify } = require("node:util");
const { FORMS, check, open, show, tab } = require("./browser.js");

const [WEB, VMRECLAIM, FIGURES] = process.argv.slice(2);
const MIB = 2 ** 20;
const UNITS = { KiB: 2 ** 10, MiB: MIB, GiB: 2 ** 30 };

const VIEWS = {
  "#/": "Where most could come back", "#/vms": "2 of 2 VMs", "#/vm/one": "Policy in force", "#/vm/two?range=1h": "Every setting",
  "#/actions": "compact", "#/policies": "Who has which", "#/policies/demo": "Its revisions", "#/nothing": "There is nothing here",
};

let browser;
before(async () => (browser = await open()));
after(() => browser.close());

// What the page says, as soon as it does: what the host holds, and the newest action. And the daemon's
// own words of guest one.
function watch() {
  window.seen = [];
  window.samples = [];
  new EventSource("/events").addEventListener("message", (message) => {
    const event = JSON.parse(message.data);
    if (event.kind === "sample" && event.vm === "one") window.samples.push(event.waterfall);
  });
  new MutationObserver(() => {
    const held = [...document.querySelectorAll("dt")].find((one) => one.textContent === "Held on the host")?.nextSibling.textContent;
    const actions = [...document.querySelectorAll("h3")].find((one) => one.textContent === "What was done")?.nextSibling.textContent;
    const last = window.seen[window.seen.length - 1];
    if (held !== last?.held || actions !== last?.actions) window.seen.push({ at: Date.now(), held, actions });
  }).observe(document, { childList: true, subtree: true, characterData: true });
}

const bytesOf = (text) => Number(text.split(" ")[0]) * UNITS[text.split(" ")[1]];

async function until(what, condition) {
  for (const end = Date.now() + 60000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const value = await condition();
    if (value !== undefined) return value;
  }
  throw new Error(`waited in vain for ${what}`);
}

test("what came back is on the page", async () => {
  const page = await tab(browser, WEB, { before: (one) => one.addInitScript(watch) });
  await show(page, "#/vm/one", "Policy in force");
  const { stdout } = await promisify(execFile)(VMRECLAIM, ["--json", "reclaim", "one", "--bytes", "400MiB"]);
  const { action } = JSON.parse(stdout);
  assert.ok(action.host_returned > 64 * MIB, stdout);
  const started = action.started_ns / 1e6;
  const half = action.footprint_before - action.host_returned / 2;
  const shown = (found) => until("the page", async () => (await page.evaluate(() => window.seen)).find((one) => one.at >= started && found(one))?.at);
  const sample = await until("the daemon's sample", async () => (await page.evaluate(() => window.samples)).find((one) => one.time_ns >= action.started_ns && one.footprint < half));
  const figure = (await shown((one) => one.held && bytesOf(one.held) < half)) - sample.time_ns / 1e6;
  const row = (await shown((one) => one.actions?.includes("reclaim") && !one.actions.includes("running"))) - (started + action.duration_ns / 1e6);
  fs.writeFileSync(FIGURES, JSON.stringify({ returned: action.host_returned, figure_ms: Math.round(figure), row_ms: Math.round(row) }));
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

for (const [scheme, width] of FORMS)
  for (const [view, text] of Object.entries(VIEWS))
    test(`${view}, ${scheme}, ${width}`, async () => {
      const page = await tab(browser, WEB, { scheme, width });
      await show(page, view, text);
      await check(page);
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    });
