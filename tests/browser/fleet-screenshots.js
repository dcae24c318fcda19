// A fleet's page as it looks, for the documentation: fleet-dark.png and fleet-light.png.
//
// usage: node fleet-screenshots.js WEB VIEW TEXT FOLDER   WEB: HOST:PORT; TEXT is there when all was read
"use strict";
const path = require("node:path");
const { open, show, tab } = require("./browser.js");

const [WEB, VIEW, TEXT, FOLDER] = process.argv.slice(2);

async function main() {
  const browser = await open();
  for (const scheme of ["dark", "light"]) {
    const page = await tab(browser, WEB, { scheme, width: 1280 });
    await show(page, VIEW, TEXT);
    await page.screenshot({ path: path.join(FOLDER, `fleet-${scheme}.png`), clip: { x: 0, y: 0, width: 1280, height: 620 } });
    await page.context().close();
  }
  await browser.close();
}

main();
