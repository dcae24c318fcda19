// How long a browser that has never seen it takes to open a VM's page: from the address to the painted
// chart of a day. Prints milliseconds, one line each time.
//
// usage: node opening.js WEB VM TIMES   WEB: HOST:PORT
"use strict";
const { open, tab } = require("./browser.js");

const [WEB, VM, TIMES] = process.argv.slice(2);

// Milliseconds since the navigation began, once the frame with the chart is on the screen.
function watch() {
  const observer = new MutationObserver(() => {
    if (!document.querySelector("svg.chart path.footprint")) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => (window.opened = performance.now())));
  });
  observer.observe(document, { childList: true, subtree: true });
}

async function main() {
  const browser = await open();
  for (let i = 0; i < Number(TIMES); i++) {
    const page = await tab(browser, WEB, { before: (one) => one.addInitScript(watch) });
    await page.goto(`/#/vm/${VM}`);
    const opened = await page.waitForFunction(() => window.opened);
    console.log((await opened.jsonValue()).toFixed(1));
    await page.context().close();
  }
  await browser.close();
}

main();
