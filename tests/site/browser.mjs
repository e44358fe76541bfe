// SPDX-License-Identifier: GPL-2.0-only
// What takes a browser: accessibility, widths, requests, and where links land.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { checkBehaviour } from "./behaviour.mjs";
import { serve } from "./serve.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const WIDTHS = [1280, 360];
const SCHEMES = ["light", "dark"];
const TIMEOUT_MS = 120_000; // the machine may be busy; nothing here is measured in time
const SLOW_MS = 150;
const BELOW_TOP_PX = 160; // the header of a narrow page, and the margin of a target
// As a service of this machine: no sandbox of its own, and no words with its maker.
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

// A page that notes its errors and its requests, and reaches no other host.
export async function open(context, origin, wrong) {
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  page.on("pageerror", (error) => wrong.push(`script: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") wrong.push(`console: ${message.text()}`);
  });
  await page.route("**/*", (route) => {
    const url = route.request().url();
    if (url.startsWith(origin) || /^(data|blob|file):/.test(url)) return route.continue();
    wrong.push(`asks ${url}`);
    return route.abort();
  });
  return page;
}

async function accessible(report, page, name, wrong) {
  await page.evaluate(() => {
    for (const one of document.querySelectorAll("details")) one.open = true;
    for (const one of document.images) one.loading = "eager";
  });
  await page.waitForFunction(() => [...document.images].every((one) => one.complete));
  const { wide, by } = await page.evaluate(() => {
    const room = document.documentElement.clientWidth;
    const out = [...document.querySelectorAll("main *, article *, footer *")].filter((one) => {
      const { right, width } = one.getBoundingClientRect();
      return width && right > room + 1 && !one.closest("pre, .table-wrapper, .claim-figure, math, svg");
    });
    return {
      wide: document.documentElement.scrollWidth - room,
      by: out.slice(0, 3).map((one) => one.outerHTML.slice(0, 120)),
    };
  });
  if (wide > 0) wrong.push(`is ${wide} px wider than the screen: ${by.join(" and ")}`);
  const violations = await page.evaluate(async () => {
    const found = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return found.violations.flatMap((one) =>
      one.nodes.map((node) => `${one.id} (${one.impact}): ${node.target.join(" ")} ${node.html.slice(0, 160)}`));
  });
  report.check(name, [...wrong, ...violations]);
  wrong.length = 0;
}

async function inEveryForm(report, browser, origin, pages, axe) {
  for (const width of WIDTHS) {
    for (const scheme of SCHEMES) {
      const context = await browser.newContext({
        viewport: { width, height: 800 },
        colorScheme: scheme,
        reducedMotion: "reduce",
      });
      for (const name of pages) {
        const wrong = [];
        const page = await open(context, origin, wrong);
        await page.goto(origin + name);
        await page.evaluate(axe);
        await accessible(report, page, `${name}, ${scheme}, ${width} px`, wrong);
        await page.close();
      }
      await context.close();
    }
  }
}

// A link to a claim must land on it, on a line on which its figures come late.
async function deepLinks(report, browser, origin, pages) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  for (const name of pages) {
    const page = await open(context, origin, []);
    await page.route("**/*.svg", async (route) => {
      await new Promise((done) => setTimeout(done, SLOW_MS));
      await route.continue();
    });
    await page.goto(origin + name);
    const ids = await page.evaluate(() =>
      [...document.querySelectorAll(".claim[id], li.entry[id], details [id^=fault-]")].map((one) => one.id));
    const wrong = [];
    for (const id of ids) {
      await page.goto("about:blank");
      await page.goto(`${origin}${name}#${id}`, { waitUntil: "networkidle" });
      const [top, end] = await page.evaluate((wanted) => [
        document.getElementById(wanted).getBoundingClientRect().top,
        innerHeight + scrollY >= document.documentElement.scrollHeight - 1,
      ], id);
      if (top < -1 || (top > BELOW_TOP_PX && !end)) wrong.push(`#${id} lands ${Math.round(top)} px off`);
    }
    if (ids.length) report.check(`links to the claims of ${name}`, wrong);
    await page.close();
  }
  await context.close();
}

export async function checkInBrowser(report, site, project, pages) {
  const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  const server = await serve(site, "/");
  try {
    const axe = await readFile(AXE, "utf8");
    const shown = pages.filter((name) => name !== "404.html");
    // two contexts keep two CPUs busy
    const half = Math.ceil(shown.length / 2);
    await Promise.all([
      inEveryForm(report, browser, server.url, shown.slice(0, half), axe),
      inEveryForm(report, browser, server.url, shown.slice(half), axe),
    ]);
    await deepLinks(report, browser, server.url, shown);
    await checkBehaviour(report, browser, { site, project, origin: server.url, pages: shown });
  } finally {
    await browser.close();
    server.close();
  }
}
