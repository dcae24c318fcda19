// Chromium driven by Playwright, children to look at, and what every view has to fulfil. Both packages
// are fetched by deploy/install-deps; package-lock.json says which.
"use strict";
const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const { createRequire } = require("node:module");
const os = require("node:os");
const path = require("node:path");

const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache");
const fetched = path.join(cache, "vmreclaim/lab/browser/node_modules");
const chromium = "/usr/bin/chromium";

for (const needed of [fetched, chromium])
  if (!fs.existsSync(needed)) {
    console.log(`skipped, no ${needed}: deploy/install-deps all brings it`);
    process.exit(77);
  }

const from = createRequire(path.join(fetched, "/"));
const axe = from("axe-core");

const open = () => from("playwright-core").chromium.launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});

// Schemes and widths of screens.
const FORMS = [["dark", 1280], ["light", 1280], ["dark", 360], ["light", 360]];

// A tab of its own. What its console has to say, errors and violations of the page's policy, is in
// page.complaints. `before` is run with the page before anything is opened.
async function tab(browser, address, { scheme = "dark", width = 1280, before } = {}) {
  const context = await browser.newContext({
    baseURL: `http://${address}`, colorScheme: scheme, viewport: { width, height: 900 }, isMobile: width < 600,
  });
  const page = await context.newPage();
  page.complaints = [];
  page.on("console", (message) => message.type() === "error" && page.complaints.push(`${message.text()} ${message.location().url}`));
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  await before?.(page);
  return page;
}

// Until a text is there.
async function show(page, view, text) {
  await page.goto(`/${view}`);
  await page.waitForFunction((word) => document.body.innerText.includes(word), text);
}

// No word that a program has forgotten, nothing beyond the screen's edge, and nothing that a screen
// reader, a keyboard or weak eyes would miss.
async function check(page) {
  await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
  const text = await page.evaluate(() => document.body.innerText);
  for (const word of ["undefined", "NaN", "[object", "null"]) assert.ok(!text.includes(word), `${word} in: ${text}`);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), "wider than the screen");
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => axe.run());
  assert.deepEqual(violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).join(" ")}`), []);
}

// A program, once it has said what matches; `found` is the match.
function child(program, args, pattern) {
  const process = spawn(program, args);
  let said = "";

  return new Promise((resolve, reject) => {
    const take = (data) => {
      said += data;
      const found = pattern.exec(said);
      if (found) resolve({ found, stop: () => stop(process), say: (line) => process.stdin.write(`${line}\n`) });
    };
    process.stdout.on("data", take);
    process.stderr.on("data", take);
    process.on("error", reject);
    process.on("exit", () => reject(new Error(`${program} ended: ${said}`)));
  });
}

// Ends with its standard input, or the signal; its exit status. Twice is once.
function stop(process) {
  return new Promise((resolve) => {
    if (process.exitCode !== null || process.signalCode !== null) {
      resolve(process.exitCode);
      return;
    }
    process.removeAllListeners("exit");
    process.on("exit", resolve);
    process.stdin.end();
    process.kill("SIGTERM");
  });
}

module.exports = { FORMS, check, child, open, show, tab };
