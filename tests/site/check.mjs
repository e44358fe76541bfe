// SPDX-License-Identifier: GPL-2.0-only
// usage: node check.mjs files|pages|missing SITE
//
// SITE is the built site; for `missing`, one that was built for the path /xpfo/ of a host.
// CHROMIUM names the browser, /usr/bin/chromium by default.
import { all, checkFiles } from "./files.mjs";
import { Report } from "./report.mjs";

const [what, site] = process.argv.slice(2);
const report = new Report();
if (what === "files") {
  await checkFiles(report, site);
} else {
  const { browse, checkPages } = await import("./browser.mjs");
  const { checkMissing } = await import("./behaviour.mjs");
  const pages = (await all(site)).filter((name) => name.endsWith(".html") && name !== "404.html");
  await browse(site, (browser, origin) => (what === "pages"
    ? checkPages(report, browser, { site, origin, pages })
    : checkMissing(report, browser, site)));
}
process.exitCode = report.close();
