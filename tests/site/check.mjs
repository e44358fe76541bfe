// SPDX-License-Identifier: GPL-2.0-only
// usage: node check.mjs SITE [PROJECT]
//
// SITE is the built site. PROJECT is the same site, built for the path /xpfo/ of a host.
// CHROMIUM names the browser.
import { Report } from "./report.mjs";
import { checkFiles } from "./files.mjs";

const [site, project] = process.argv.slice(2);
const report = new Report();
const pages = await checkFiles(report, site);
if (process.env.CHROMIUM !== "none") {
  const { checkInBrowser } = await import("./browser.mjs");
  await checkInBrowser(report, site, project, pages);
}
process.exitCode = report.close();
