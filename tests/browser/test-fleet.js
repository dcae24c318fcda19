// The page's views of a fleet in a real browser, over a coordinator with a script: beside a daemon and
// alone, with names that nobody should give and with ten thousand hosts.
//
// usage: node test-fleet.js VMRECLAIM_WEB API_SERVER COORDINATOR
"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { after, before, test } = require("node:test");
const { FORMS, check, child, open, show, tab } = require("./browser.js");

const [WEB, API_SERVER, COORDINATOR] = process.argv.slice(2);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vmreclaim-browser-"));
const HOSTS = 1203;
const EVIL = "<img src=x onerror=alert(1)>\"'&";

// Views, and a text that is there when all was read.
const VIEWS = {
  "#/fleet": "Could come back", "#/fleet?hosts=label:rack=2&sort=note": "20 hosts", "#/fleet-host/h00000": "3 VMs",
  "#/fleet-host/h00002": "held by its own operator", "#/fleet-host/h00001": "It never said anything", "#/fleet-host/h00003": "What came last first",
  "#/fleet-vm/h00002/vm-2": "vfio", "#/fleet-vm/h00002/nobody": "no VM", "#/fleet-policies": "Wanted of", "#/fleet-policies/night": "Where it is not in force",
  "#/fleet-events": "What came last first", "#/rollouts": "superseded", "#/rollouts/4f00aa": "fleet rollout resume", "#/rollouts/2d00cc": "through", "#/rollouts/1c00dd": "taken back",
};

let browser, server, coordinator, both, alone;
const children = [];

async function start(...args) {
  const one = await child(...args);
  children.push(one);
  return one;
}

const startCoordinator = (name, hosts) => start(COORDINATOR, [`unix:${folder}/${name}`, String(hosts)], /^ready$/m);
const startWeb = (api, name) => start(WEB, ["--api", api, "--fleet", `unix:${folder}/${name}`, "--listen", "127.0.0.1:0"], /listens on (\S+)/);

before(async () => {
  server = await start(API_SERVER, [`unix:${folder}/api.sock`], /^ready$/m);
  coordinator = await startCoordinator("fleet.sock", HOSTS);
  both = await startWeb(`unix:${folder}/api.sock`, "fleet.sock");
  alone = await startWeb("none", "fleet.sock");
  browser = await open();
});

after(async () => {
  await browser?.close();
  for (const one of children.reverse()) await one.stop();
  fs.rmSync(folder, { recursive: true });
});

const newTab = (options, web = both) => tab(browser, web.found[1], options);
const rows = (page) => page.locator("tbody tr");
const firstHost = (page) => page.locator("tbody th").first();

for (const [scheme, width] of FORMS)
  for (const [view, text] of Object.entries(VIEWS))
    test(`${view}, ${scheme}, ${width}`, async () => {
      const page = await newTab({ scheme, width });
      await show(page, view, text);
      await check(page);
      assert.deepEqual(page.complaints.filter((one) => !one.includes("vm=nobody")), []); // it is 404
      await page.context().close();
    });

// What hosts say is text, wherever it is.
test("hostile names are text", async () => {
  for (const view of ["#/fleet?hosts=h00002", "#/fleet-host/h00002", "#/fleet-vm/h00002/x", "#/fleet-policies", "#/fleet-policies/night", "#/fleet-events", "#/rollouts", "#/rollouts/4f00aa"]) {
    const page = await newTab();
    let alerted = false;
    page.on("dialog", (dialog) => { alerted = true; dialog.dismiss(); });
    await show(page, view, "<img src=x");
    await page.waitForTimeout(200);
    assert.equal(await page.locator("main img, main script").count(), 0, view);
    assert.equal(alerted, false);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  }
});

test("hosts are sorted, filtered and turned over, and the address keeps it", async () => {
  const page = await newTab();
  await show(page, "#/fleet", "1 to 100 of 1203 hosts");
  assert.equal(await rows(page).count(), 100);
  assert.equal(await firstHost(page).innerText(), "rack4-19.example"); // 99 GiB could come back
  await page.getByRole("button", { name: "Returned" }).click();
  await page.getByText("rack60-02.example").waitFor();
  assert.equal(await firstHost(page).innerText(), "rack60-02.example");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Returned");
  await page.getByRole("button", { name: "Returned" }).click();
  await page.getByText("rack0-00.example").waitFor();
  assert.match(page.url(), /sort=returned&up=/);
  for (const words of ["101 to 200", "201 to 300"]) {
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByText(words).waitFor();
  }
  await page.getByRole("button", { name: "Previous" }).click();
  await page.getByText("101 to 200").waitFor();
  await page.getByLabel("Hosts", { exact: true }).fill("label:rack=2");
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByText("20 hosts", { exact: true }).waitFor();
  const before = page.url();
  await page.reload();
  await page.getByText("20 hosts", { exact: true }).waitFor();
  assert.equal(page.url(), before);
  await page.getByLabel("Hosts", { exact: true }).fill("label:==");
  await page.keyboard.press("Enter");
  await page.locator("[role=alert]").filter({ hasText: "label" }).waitFor();
  assert.equal(await rows(page).count(), 20); // what was shown stays
  await page.context().close();
});

test("what is live", async () => {
  const one = await startCoordinator("live.sock", 20);
  const web = await startWeb("none", "live.sock");
  const page = await newTab({}, web);
  await show(page, "#/", "20 hosts");
  await page.locator("tbody a").first().focus();
  one.say("lose 7");
  await page.locator("dd.bad").filter({ hasText: /^6$/ }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "A"); // who stands somewhere stays there
  const state = (text) => page.waitForFunction((word) => document.getElementById("state").textContent === word, text);
  await state("live");
  await one.stop();
  await state("the coordinator is away");
  await page.locator("[role=alert]").filter({ hasText: "no connection" }).waitFor();
  assert.equal(await rows(page).count(), 20);
  await startCoordinator("live.sock", 21);
  await state("live");
  await page.getByText("21 hosts", { exact: true }).waitFor();
  assert.equal(await page.locator("[role=alert]").filter({ hasText: "no connection" }).count(), 0);
  await page.context().close();
});

test("ten thousand hosts", async () => {
  await startCoordinator("crowd.sock", 10000);
  const web = await startWeb("none", "crowd.sock");
  const page = await newTab({}, web);
  await show(page, "#/fleet", "1 to 100 of 10000 hosts");
  assert.equal(await rows(page).count(), 100);
  await page.getByRole("button", { name: "Host", exact: true }).click();
  await page.getByText("rack0-00.example").waitFor();
  assert.ok(await page.evaluate(() => document.querySelectorAll("*").length) < 4000);
  await page.context().close();
});

test("one of each is not many", async () => {
  const page = await newTab();
  await show(page, "#/rollouts/4f00aa", "300 hosts chosen, 250 of them in this wave; 1 host more on return.");
  const lists = page.locator("details");
  await lists.first().locator("summary").click();
  assert.equal(await lists.first().locator("li").count(), 200);
  await page.getByText("and 100 more").waitFor();
  await page.waitForTimeout(5500); // it is read again, and what is open stays open
  assert.equal(await lists.first().evaluate((element) => element.open), true);
  await page.context().close();
});

test("what there is to ask is in the list of pages", async () => {
  const names = async (web) => {
    const page = await newTab({}, web);
    await show(page, "#/rollouts", "superseded");
    const found = await page.locator("nav a:visible").allInnerTexts();
    assert.equal(await page.locator("nav a[aria-current]").innerText(), "Rollouts");
    await page.context().close();
    return found;
  };
  assert.deepEqual(await names(both), ["Host", "VMs", "Actions", "Policies", "Fleet", "Rollouts"]);
  assert.deepEqual(await names(alone), ["Fleet", "Rollouts"]);
  const page = await newTab({}, alone);
  await show(page, "#/", "of 1203 hosts");
  assert.equal(await page.locator("nav a[aria-current]").innerText(), "Fleet");
  await show(page, "#/vms", "There is nothing here");
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});
