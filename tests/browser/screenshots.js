// A VM's page as it looks, for the README: page-dark.png and page-light.png.
//
// usage: node screenshots.js WEB VM FOLDER   WEB: HOST:PORT
"use strict";
const path = require("node:path");
const { open, show, tab } = require("./browser.js");

const [WEB, VM, FOLDER] = process.argv.slice(2);

async function main() {
  const browser = await open();
  for (const scheme of ["dark", "light"]) {
    const page = await tab(browser, WEB, { scheme, width: 1120 });
    await show(page, `#/vm/${VM}?range=1h`, "Policy in force");
    await page.screenshot({ path: path.join(FOLDER, `page-${scheme}.png`), clip: { x: 0, y: 0, width: 1120, height: 780 } });
    await page.context().close();
  }
  await browser.close();
}

main();
