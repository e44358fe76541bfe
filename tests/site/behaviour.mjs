// SPDX-License-Identifier: GPL-2.0-only
// What a reader does: search, print, press keys, choose, and miss a page.
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { open } from "./browser.mjs";
import { explorer, explorerWithoutScript, stepper } from "./explorer.mjs";
import { serve } from "./serve.mjs";

const BELOW = "/xpfo/";
const NARROW = { width: 360, height: 700 };
const WIDE = { width: 1280, height: 800 };

async function at(browser, options, origin, run) {
  const context = await browser.newContext(options);
  const wrong = [];
  try {
    await run(await open(context, origin, wrong), wrong);
  } catch (error) {
    wrong.push(error.message.split("\n")[0]);
  } finally {
    await context.close();
  }
  return wrong;
}

async function search(page, wrong, url) {
  await page.goto(`${url}search.html?q=kunmap`);
  await page.waitForSelector("#search-results li");
  const found = await page.$$eval("#search-results li a", (all) => all.map((one) => one.href));
  if (!found.some((href) => href.includes("#"))) wrong.push("no claim or section is found");
  await page.click("#search-results li a");
  await page.waitForSelector("article h1");
}

async function print(page, wrong, url, name) {
  await page.goto(url + name);
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  await page.emulateMedia({ media: "print" });
  const seen = await page.evaluate(() => {
    const shown = (one) => one.getClientRects().length > 0;
    return {
      "folded boxes": [...document.querySelectorAll("details")].filter((one) => !shown(one.lastElementChild)).length,
      "dark figures": [...document.querySelectorAll(".claim-figure .only-dark")].filter(shown).length,
      "figures without a picture": [...document.querySelectorAll(".claim-figure")].filter(
        (one) => ![...one.querySelectorAll("svg, img")].some(shown)).length,
      "lists or controls": [...document.querySelectorAll(".sidebar-drawer, .toc-drawer, .chooser")].filter(shown).length,
    };
  });
  for (const [what, count] of Object.entries(seen)) if (count) wrong.push(`${name}: ${count} ${what}`);
}

async function keyboard(page, wrong, url) {
  await page.goto(`${url}index.html`);
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className);
  const seen = [];
  for (let presses = 0; presses < 6; presses += 1) {
    await page.keyboard.press("Tab");
    seen.push(await focused());
    if (seen.at(-1) === "__navigation") {
      await page.keyboard.press("Space");
      const shown = await page.locator(".sidebar-drawer .sidebar-brand").isVisible();
      if (!shown) wrong.push("Space does not open the list of pages");
      await page.keyboard.press("Escape");
      if (await page.locator(".sidebar-drawer .sidebar-brand").isVisible()) wrong.push("Escape does not close it");
    }
  }
  for (const wanted of ["skip-to-content", "__navigation", "__toc"]) {
    if (!seen.some((one) => one.includes(wanted))) wrong.push(`Tab does not reach ${wanted}: ${seen}`);
  }
  // every control that Tab reaches is seen, and says that it has the focus
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press("Tab");
    const bad = await page.evaluate(() => {
      const one = document.activeElement;
      if (one === document.body || one.matches(".sidebar-toggle")) return "";
      const { width, height } = one.getBoundingClientRect();
      const style = getComputedStyle(one);
      const said = style.outlineStyle !== "none" || style.boxShadow !== "none";
      return width && height && style.opacity !== "0" && style.visibility === "visible" && said
        ? "" : one.outerHTML.slice(0, 100);
    });
    if (bad) wrong.push(`focus on what is not seen to have it: ${bad}`);
  }
  const box = page.locator("[tabindex='0']").first();
  if (await box.count()) {
    await box.focus();
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction(() => document.activeElement.scrollLeft > 0);
  }
}

async function diffs(page, wrong, url) {
  await page.goto(`${url}diff.html#per_frame--v6`);
  await page.waitForFunction(() => document.querySelector(".diff-title").textContent === "per_frame → v6");
  await page.selectOption("select >> nth=1", "v9");
  await page.waitForFunction(() => document.querySelector(".diff-shown pre").textContent.includes("v9"));
  if (!page.url().endsWith("#per_frame--v9")) wrong.push(`the link says ${page.url()}`);
  await page.click("button:has-text('Swap')");
  await page.waitForFunction(() => document.querySelector(".diff-title").textContent === "v9 → per_frame");
}

async function ledger(page, wrong, url) {
  await page.goto(`${url}claims.html`);
  const all = await page.locator("li.entry:visible").count();
  await page.fill("#ledger-filter input", "kunmap");
  const some = await page.locator("li.entry:visible").count();
  if (some === 0 || some >= all) wrong.push(`${some} of ${all} claims are left`);
  const link = page.url();
  await page.goto("about:blank");
  await page.goto(link);
  const again = await page.locator("li.entry:visible").count();
  if (again !== some) wrong.push(`the link shows ${again} claims, not ${some}`);
}

async function withoutScript(page, wrong, url, name) {
  await page.goto(url + name);
  const empty = await page.locator("article").innerText().then((text) => text.trim().length < 100);
  if (empty) wrong.push(`${name} is empty`);
  const images = await page.$$eval(".claim-figure", (all) =>
    all.filter((one) => one.getClientRects().length && ![...one.querySelectorAll("svg, img")].some((drawn) => drawn.getClientRects().length)).length);
  if (images) wrong.push(`${name} does not show ${images} figures`);
}

async function diffWithoutScript(page, wrong, url) {
  await page.goto(`${url}diff.html`);
  const text = await page.locator("article").innerText();
  if (!text.includes("Without scripting")) wrong.push("the page does not say what is missing");
  if (!text.includes("v6 → pcp_batch_local")) wrong.push("no pair is shown");
}

// 404.html answers at any depth below the project's path, and all its links lead back.
async function missing(page, wrong, url) {
  const lost = [];
  page.on("response", (response) => {
    if (response.status() >= 400) lost.push(response.url());
  });
  const address = `${url}no/such/page.html`;
  const first = await page.goto(address);
  if (first.status() !== 404) wrong.push(`status ${first.status()}`);
  wrong.push(...lost.filter((one) => one !== address).map((one) => `loads ${one}`));
  const links = await page.$$eval("a[href]", (all) => all.map((one) => one.href.split("#")[0]));
  for (const link of new Set(links.filter((one) => one !== address))) {
    if (!link.startsWith(url)) {
      if (new URL(link).host === new URL(url).host) wrong.push(`${link} leads out of the site`);
      continue;
    }
    const answer = await page.request.get(link);
    if (!answer.ok()) wrong.push(`${link} answers ${answer.status()}`);
  }
}

// All of these but the missing page, which is of a site built for a path of a host.
export async function checkReaders(report, browser, { site, origin, pages }) {
  const disk = `${pathToFileURL(join(site, "index.html")).href.replace(/index\.html$/, "")}`;
  const dark = { viewport: WIDE, colorScheme: "dark" };
  const still = { viewport: WIDE, javaScriptEnabled: false };
  const places = [["a server", origin], ["the disk", disk]];
  const checks = [
    ["keyboard", { viewport: NARROW }, origin, keyboard],
    ...places.flatMap(([where, url]) => [
      [`search from ${where}`, { viewport: WIDE }, url, search],
      [`choice of two strategies from ${where}`, { viewport: WIDE }, url, diffs],
      [`explorer from ${where}`, { viewport: WIDE }, url, explorer],
      [`stepper from ${where}`, { viewport: WIDE }, url, stepper],
      [`filter of the claims from ${where}`, { viewport: WIDE }, url, ledger],
    ]),
    ...pages.flatMap((name) => [
      [`paper, ${name}`, dark, origin, (page, wrong, url) => print(page, wrong, url, name)],
      [`without scripting, ${name}`, still, origin, (page, wrong, url) => withoutScript(page, wrong, url, name)],
    ]),
    ["explorer without scripting", still, origin, explorerWithoutScript],
    ["diff without scripting", still, origin, diffWithoutScript],
  ];
  for (const [name, options, url, check] of checks) {
    report.check(name, await at(browser, options, url, (page, wrong) => check(page, wrong, url)));
  }
}

export async function checkMissing(report, browser, project) {
  const server = await serve(project, BELOW);
  const wrong = await at(browser, { viewport: WIDE }, server.url, (page, found) => missing(page, found, server.url));
  report.check("a missing page", wrong.filter((one) => !one.includes("status of 404")));
  server.close();
}
