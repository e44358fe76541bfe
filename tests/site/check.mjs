// SPDX-License-Identifier: GPL-2.0-only
// usage: node check.mjs files|pages|readers SITE [PROJECT]
//
// SITE is the built site. PROJECT is the same site, built for the path /xpfo/ of a host.
// CHROMIUM names the browser, /usr/bin/chromium by default.
import { all, checkFiles } from "./files.mjs";
import { Report } from "./report.mjs";

const [what, site, project] = process.argv.slice(2);
const report = new Report();
if (what === "files") {
  await checkFiles(report, site);
} else {
  const { browse, checkPages, checkReaders } = await import("./browser.mjs");
  const pages = (await all(site)).filter((name) => name.endsWith(".html") && name !== "404.html");
  await browse(site, (browser, origin) => (what === "pages"
    ? checkPages(report, browser, origin, pages)
    : checkReaders(report, browser, { site, project, origin, pages })));
}
process.exitCode = report.close();
