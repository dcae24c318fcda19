// The page over a real fleet: every view, and a rollout that goes on and is taken back while it is
// looked at. tests/interop/nats/test-web-browser.py runs it.
//
// usage: node test-real-fleet.js WEB VMRECLAIM ROLLOUT   WEB: HOST:PORT; VMRECLAIM_FLEET is set
"use strict";
const assert = require("node:assert/strict");
const { execFile } = require("node:child_process");
const { after, before, test } = require("node:test");
const { promisify } = require("node:util");
const { FORMS, check, open, show, tab } = require("./browser.js");

const [WEB, VMRECLAIM, ROLLOUT] = process.argv.slice(2);
const order = (verb) => promisify(execFile)(VMRECLAIM, ["fleet", "rollout", verb, ROLLOUT]);

const VIEWS = {
  "#/fleet": "4 hosts", "#/fleet?hosts=label:rack=r1&sort=name&up=": "h3.example", "#/fleet-host/h1": "What the fleet wants of it",
  "#/fleet-policies": "night", "#/fleet-policies/night": "Where it is not in force", "#/fleet-events": "What happened in the fleet",
  "#/rollouts": "paused", [`#/rollouts/${ROLLOUT}`]: "fleet rollout resume",
};

let browser;
before(async () => (browser = await open()));
after(() => browser.close());

for (const [scheme, width] of FORMS)
  for (const [view, text] of Object.entries(VIEWS))
    test(`${view}, ${scheme}, ${width}`, async () => {
      const page = await tab(browser, WEB, { scheme, width });
      await show(page, view, text);
      await check(page);
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    });

test("a rollout goes on and is taken back while it is looked at", async () => {
  const page = await tab(browser, WEB);
  const state = (word) => page.locator("h2 + p span").filter({ hasText: new RegExp(`^${word}$`) }).waitFor({ timeout: 90000 });
  await show(page, `#/rollouts/${ROLLOUT}`, "lunch");
  await state("paused");
  await order("resume");
  await state("complete");
  await page.getByText("4 hosts chosen").waitFor();
  await order("rollback");
  await state("reverted");
  assert.equal(await page.getByText("taken back").count(), 2);
  await show(page, "#/fleet", "4 hosts");
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});
