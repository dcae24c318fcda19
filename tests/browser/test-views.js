// Every view of the page in a real browser, over the command line's API server.
//
// usage: node test-views.js VMRECLAIM_WEB API_SERVER
"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { after, before, test } = require("node:test");
const { FORMS, check, child, open, show, tab } = require("./browser.js");

const [WEB, API_SERVER] = process.argv.slice(2);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vmreclaim-browser-"));

// Views, and a text that is there when all was read.
const VIEWS = {
  "#/": "Where most could come back", "#/vms": "of 3 VMs", "#/vm/web1": "Policy in force",
  "#/actions": "compact", "#/policies": "Who has which", "#/policies/idle": "Its revisions",
  "#/nothing": "There is nothing here",
};

let browser, server, web;

const startServer = (name) => child(API_SERVER, [`unix:${folder}/${name}`], /^ready$/m);
const startWeb = (name) => child(WEB, ["--api", `unix:${folder}/${name}`, "--listen", "127.0.0.1:0"], /listens on (\S+)/);

before(async () => {
  server = await startServer("api.sock");
  web = await startWeb("api.sock");
  browser = await open();
});

after(async () => {
  await browser.close();
  assert.equal(await web.stop(), 0);
  await server.stop();
  fs.rmSync(folder, { recursive: true });
});

const newTab = (options) => tab(browser, web.found[1], options);

for (const [scheme, width] of FORMS)
  for (const [view, text] of Object.entries(VIEWS))
    test(`${view}, ${scheme}, ${width}`, async () => {
      const page = await newTab({ scheme, width });
      await show(page, view, text);
      await check(page);
      // the server with the script has no revisions of the VM's policy
      assert.deepEqual(page.complaints.filter((one) => !one.includes("policy-history")), []);
      await page.context().close();
    });

test("dark and light differ", async () => {
  const colors = [];
  for (const scheme of ["dark", "light"]) {
    const page = await newTab({ scheme });
    await show(page, "#/", VIEWS["#/"]);
    colors.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    await page.context().close();
  }
  assert.deepEqual(colors, ["rgb(22, 24, 29)", "rgb(255, 255, 255)"]);
});

test("the chart is read out", async () => {
  const page = await newTab();
  await show(page, "#/vm/web1", VIEWS["#/vm/web1"]);
  await page.locator("svg.chart").focus();
  await page.keyboard.press("Home");
  await page.getByText("in use 412 MiB").first().waitFor();
  assert.match(await page.locator(".readout").innerText(), /in use 412 MiB/);
  await page.keyboard.press("End");
  assert.match(await page.locator(".readout").innerText(), /not known/);
  await page.context().close();
});

test("the chart's times are round", async () => {
  const page = await newTab();
  await show(page, "#/vm/web1", VIEWS["#/vm/web1"]);
  const times = (first, last, most) => page.evaluate(async (given) => {
    const { roundTimes } = await import("/chart.js");
    const seconds = (text) => new Date(text).getTime() * 1e6;
    return roundTimes(seconds(given[0]), seconds(given[1]), given[2]).map(([, text]) => text);
  }, [first, last, most]);
  assert.deepEqual(await times("2026-03-01T20:10:00", "2026-03-02T13:00:00", 6), ["21:00", "03-02", "03:00", "06:00", "09:00", "12:00"]);
  assert.deepEqual(await times("2026-03-01T20:10:07", "2026-03-01T20:10:31", 6), ["20:10:10", "20:10:15", "20:10:20", "20:10:25", "20:10:30"]);
  assert.deepEqual(await times("2026-03-01T12:00:00", "2026-03-08T12:00:00", 10), ["03-02", "03-03", "03-04", "03-05", "03-06", "03-07", "03-08"]);
  assert.deepEqual(await times("2026-03-01T20:10:07", "2026-03-01T20:10:07", 6), ["20:10:07"]);
  assert.ok(await page.locator("svg.chart text").filter({ hasText: /^(\d\d:\d\d(:\d\d)?|\d\d-\d\d)$/ }).count() > 0);
  await page.context().close();
});

test("commands are shown and copied", async () => {
  const page = await newTab();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await show(page, "#/vm/web1", "vmreclaim reclaim web1");
  await page.locator(".command button").first().click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^vmreclaim /);
  await page.context().close();
});

test("lists are sorted and filtered", async () => {
  const page = await newTab();
  const first = page.locator("tbody th").first();
  const name = page.locator("thead button").first();
  await show(page, "#/vms", VIEWS["#/vms"]);
  await name.click();
  assert.equal(await first.innerText(), "alone");
  await name.click();
  assert.equal(await first.innerText(), "web2");
  await page.getByLabel("Names with").fill("web1");
  assert.equal(await page.locator("tbody tr").count(), 1);
  assert.match(page.url(), /filter=web1/);
  await page.context().close();
});

test("what is typed before the VMs are there", async () => {
  let answer;
  const asked = new Promise((resolve) => (answer = resolve));
  const page = await newTab({ before: (one) => one.route("**/api/vms", async (route) => { await asked; await route.continue(); }) });
  await page.goto("/#/vms");
  await page.getByLabel("Names with").fill("web1");
  answer();
  await page.getByText("1 of 3 VMs").waitFor();
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("hostile names are text", async () => {
  const page = await newTab();
  await show(page, "#/vm/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E", "<img src=x");
  assert.equal(await page.locator("main img").count(), 0);
  await page.context().close();
});

test("a name that is badly written", async () => {
  const page = await newTab();
  await show(page, "#/vm/100%", "100%");
  await page.getByRole("heading", { name: "100%" }).waitFor();
  assert.deepEqual(page.complaints.filter((one) => one.includes("Error:")), []);
  await page.context().close();
});

// ---- a host of our own words ----

const hostOf = (vms) => ({ host: { total: 64 * 2 ** 30, available: 2 ** 34 }, vms });
const vmsOf = (count) => Array.from({ length: count }, (_, index) => ({ name: `vm${index}`, footprint: 2 ** 30 + index, footprint_is_known: true, could_return: 2 ** 20 }));

test("one is not many", async () => {
  for (const [count, words] of [[1, "1 VM holds"], [2, "2 VMs hold "], [41, "1 more VM:"], [42, "2 more VMs:"]]) {
    const page = await newTab({ before: (one) => one.route("**/api/host", (route) => route.fulfill({ json: hostOf(vmsOf(count)) })) });
    await show(page, "#/", VIEWS["#/"]);
    const bar = page.locator("svg.bar");
    assert.ok((await bar.evaluate((one) => one.outerHTML)).includes(words), words);
    await page.context().close();
  }
  const page = await newTab({ before: (one) => one.route("**/api/vms", (route) => route.fulfill({ json: { vms: [{ name: "alone", state: "managed" }] } })) });
  await show(page, "#/vms", "1 of 1 VM");
  assert.ok(!(await page.evaluate(() => document.body.innerText)).includes("1 of 1 VMs"));
  await page.context().close();
});

// Events of the page are ours: page.say.
async function ownEvents(page) {
  await page.addInitScript(() => {
    window.EventSource = class extends EventTarget {
      constructor() { super(); window.stream = this; }
      close() {}
    };
  });
  page.say = (event) => page.evaluate((data) => window.stream.dispatchEvent(new MessageEvent("message", { data })), JSON.stringify(event));
}

// A tab on the host's page whose clock and events are ours. asked(): how often it asked for the host.
async function hostTab() {
  const page = await newTab({
    before: async (one) => {
      await one.clock.install();
      await ownEvents(one);
      await one.addInitScript(() => {
        const { fetch } = window;
        window.asked = 0;
        window.fetch = (address, ...rest) => { window.asked += address === "/api/host"; return fetch(address, ...rest); };
      });
      await one.route("**/api/host", (route) => route.fulfill({ json: hostOf([{ name: "bare" }]) }));
    },
  });
  await show(page, "#/", VIEWS["#/"]);
  page.asked = () => page.evaluate(() => window.asked);
  assert.equal(await page.asked(), 1);
  return page;
}

// Samples of a VM without a footprint do not change what the host's page shows of it.
test("samples do not ask for the host again and again", async () => {
  const page = await hostTab();
  for (let i = 0; i < 10; i++) {
    await page.say({ kind: "sample", vm: "bare", waterfall: {} });
    await page.clock.runFor(500);
  }
  assert.equal(await page.asked(), 1);
  await page.context().close();
});

// The program gives the same answer for a second: it may be older than what the event told of.
test("what has changed is asked for when the answer can tell of it", async () => {
  const page = await hostTab();
  await page.say({ kind: "state", vm: "bare" });
  await page.clock.runFor(1000);
  assert.equal(await page.asked(), 1);
  await page.say({ kind: "state", vm: "bare" });
  await page.clock.runFor(200);
  assert.equal(await page.asked(), 2);
  for (let i = 0; i < 100 && (await page.asked()) < 3; i++) await page.clock.runFor(200); // the answer takes its time
  assert.equal(await page.asked(), 3);
  await page.context().close();
});

test("a guest that is slow to explain delays nothing else", async () => {
  const page = await newTab({ before: ownEvents });
  const next = (path) => page.waitForRequest((request) => request.url().includes(path));
  await show(page, "#/vm/web1", VIEWS["#/vm/web1"]);
  await page.route("**/api/explain*", () => {}); // never
  for (let i = 0; i < 2; i++) {
    const asked = [next("/api/vm?"), ...(i === 0 ? [next("/api/explain")] : [])];
    await page.say({ kind: "action", vm: "web1" });
    await Promise.all(asked);
  }
  await page.context().close();
});

test("the daemon comes and goes", async () => {
  let other = await startServer("restarted.sock");
  const otherWeb = await startWeb("restarted.sock");
  const page = await tab(browser, otherWeb.found[1]);
  const state = (text) => page.waitForFunction((word) => document.getElementById("state").textContent === word, text);
  await show(page, "#/", VIEWS["#/"]);
  await state("live");
  await other.stop();
  await state("vmreclaimd is away");
  other = await startServer("restarted.sock");
  await state("live");
  assert.equal(await otherWeb.stop(), 0);
  await state("vmreclaim-web is away");
  await page.context().close();
  await other.stop();
});
