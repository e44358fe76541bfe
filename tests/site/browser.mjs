// SPDX-License-Identifier: GPL-2.0-only
// What takes a browser: accessibility, widths, requests, and where links land.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { checkReaders } from "./behaviour.mjs";
import { serve } from "./serve.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const WIDTHS = [1280, 360];
const ON_DARK = ["color-contrast", "link-in-text-block", "image-alt", "svg-img-alt"];
const SCHEMES = [["light", []], ["dark", ON_DARK]];
const AT_A_TIME = 2; // pages: the CPUs of a small machine
const TIMEOUT_MS = 120_000; // the machine may be busy; nothing here is measured in time
const SLOW_MS = 150;
const SETTLED_MS = 200;
const SETTLED_TIMES = 15;
const BELOW_TOP_PX = 160; // the header of a narrow page, and the margin of a target
// As a service of this machine: no sandbox of its own, and no words with its maker.
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--disable-extensions", "--disable-features=OptimizationGuideModelDownloading,Vulkan",
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

// Elements that stick out at the right, outside of boxes that scroll.
function tooWide() {
  const room = document.documentElement.clientWidth;
  const over = document.documentElement.scrollWidth - room;
  if (over <= 0) return [];
  const by = [...document.querySelectorAll("body *")].filter((one) => {
    const { right, width } = one.getBoundingClientRect();
    return width && right > room + 1
      && !one.closest("pre, .table-wrapper, .claim-figure, math, svg, .sidebar-drawer, .toc-drawer");
  });
  const some = by.slice(-3).map((one) => one.outerHTML.slice(0, 120));
  return [`${over} px wider than the screen: ${some.join(" and ")}`];
}

// A page hears of its new width with its next frame, which a busy machine draws late.
async function drawn(width) {
  const frame = () => new Promise((done) => { requestAnimationFrame(done); });
  while (innerWidth !== width) await frame();
  await frame();
  await frame();
}

async function violations(rules) {
  const only = rules.length ? { runOnly: { type: "rule", values: rules } } : {};
  const found = await globalThis.axe.run(document, { resultTypes: ["violations"], ...only });
  return found.violations.flatMap((one) => one.nodes.map(
    (node) => `${one.id} (${one.impact}): ${node.target.join(" ")} ${node.html.slice(0, 160)}`));
}

// Each of some things, that many at a time: where one waits, another goes on.
async function each(some, atATime, check) {
  const left = [...some];
  const work = async () => {
    while (left.length) await check(left.shift());
  };
  await Promise.all(Array.from({ length: atATime }, work));
}

// All rules at each width on light pages, those that look at colours and images on dark.
async function inEveryForm(report, browser, origin, pages, axe) {
  const context = await browser.newContext({ reducedMotion: "reduce" });
  await each(pages, AT_A_TIME, async (name) => {
    const wrong = [];
    const page = await open(context, origin, wrong);
    try {
      await page.goto(origin + name);
      await page.evaluate(axe);
      await page.evaluate(() => {
        for (const one of document.querySelectorAll("details")) one.open = true;
        for (const one of document.images) one.loading = "eager";
      });
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 });
        await page.evaluate(drawn, width);
        for (const [scheme, rules] of SCHEMES) {
          await page.emulateMedia({ colorScheme: scheme });
          await page.waitForFunction(() => [...document.images].every((one) => one.complete));
          const found = [...await page.evaluate(tooWide), ...await page.evaluate(violations, rules)];
          report.check(`${name}, ${scheme}, ${width} px`, found);
        }
      }
    } catch (error) {
      wrong.push(error.message.split("\n")[0]);
    }
    report.check(`${name}, no error and no other host`, wrong);
    await page.close();
  });
  await context.close();
}

// How far from the window's top a target is when the page has come to rest; null if it
// is below the top, or as near as the end of the page allows. A slow machine scrolls
// late: a place counts as wrong once it has been the same that many times.
async function landed([id, most, rest, times]) {
  const place = () => document.getElementById(id).getBoundingClientRect().top;
  const right = () => {
    const end = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
    return place() >= -1 && (place() <= most || end);
  };
  for (let same = 0, last = place(); same < times;) {
    await new Promise((done) => { setTimeout(done, rest); });
    same = place() === last ? same + 1 : 0;
    last = place();
    if (same && right()) return null;
  }
  return Math.round(place());
}

// A link to a claim must land on it, on a line on which its figures come late.
async function deepLinks(report, browser, origin, pages) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  await each(pages, AT_A_TIME, async (name) => {
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
      const off = await page.evaluate(landed, [id, BELOW_TOP_PX, SETTLED_MS, SETTLED_TIMES]);
      if (off !== null) wrong.push(`#${id} lands ${off} px off`);
    }
    if (ids.length) report.check(`links to the claims of ${name}`, wrong);
    await page.close();
  });
  await context.close();
}

export async function checkPages(report, browser, { site, origin, pages }) {
  const axe = await readFile(AXE, "utf8");
  await Promise.all([
    inEveryForm(report, browser, origin, pages, axe),
    deepLinks(report, browser, origin, pages), // mostly waits
    checkReaders(report, browser, { site, origin, pages }),
  ]);
}

export async function browse(site, check) {
  const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: FLAGS, timeout: TIMEOUT_MS });
  const server = await serve(site, "/");
  try {
    await check(browser, server.url);
  } finally {
    await browser.close();
    server.close();
  }
}
