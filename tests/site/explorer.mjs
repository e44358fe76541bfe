// SPDX-License-Identifier: GPL-2.0-only
// The explorer and the stepper: choose, step, follow a link, and do without scripting.
const NAME = "explorer.html";
const cells = (page) => page.$$eval("#explorer-table tbody tr", (rows) => rows.map((row) => row.innerText));
const said = (page) => page.locator(".stepper-said").innerText();

async function again(page, wrong, what, read) {
  const link = page.url();
  const before = await read(page);
  await page.goto("about:blank");
  await page.goto(link);
  const after = await read(page);
  if (JSON.stringify(after) !== JSON.stringify(before)) wrong.push(`${what}: the link ${link} shows another state`);
}

export async function explorer(page, wrong, url) {
  await page.goto(url + NAME);
  const first = await cells(page);
  await page.check("input[name=explorer-kmap][value=local]", { force: true });
  await page.check("input[name=explorer-batch][value='255']", { force: true });
  const second = await cells(page);
  if (second.join() === first.join()) wrong.push("a choice changes nothing in the table");
  if (!page.url().includes("kmap=local") || !page.url().includes("batch=255")) wrong.push(`the link says ${page.url()}`);
  const dots = await page.locator(".explorer-figure svg circle").count();
  if (dots !== 3 * second.length) wrong.push(`${dots} dots for ${second.length} strategies`);
  await page.focus("#explorer-ipi");
  await page.keyboard.press("ArrowRight");
  if (!/[?&]ipi=\d+/.test(page.url())) wrong.push("the arrow keys do not set the cost of an interrupt");
  await again(page, wrong, "explorer", cells);
  await page.click("button:has-text('First state')");
  if ((await cells(page)).join() !== first.join()) wrong.push("the first state is another than without a choice");
  await page.goto(`${url}${NAME}?batch=64`);
  if (!(await page.locator(".explorer-answer").innerText()).includes("batch=64, which was not computed")) {
    wrong.push("a link to what was not computed does not say so");
  }
}

export async function stepper(page, wrong, url) {
  await page.goto(url + NAME);
  await page.selectOption("#stepper-strategy", "v6");
  await page.click("#stepper-live button:has-text('Next')");
  await page.keyboard.press("ArrowRight");
  if (!page.url().includes("step=2")) wrong.push(`Next and an arrow key lead to ${page.url()}`);
  await again(page, wrong, "stepper", said);
  const runs = await page.$$eval("#stepper-run option", (all) => all.map((one) => one.value).filter((name) => name !== "tour"));
  if (!runs.length) wrong.push("v6 violates nothing");
  for (const run of runs) {
    await page.selectOption("#stepper-run", run);
    await page.click("#stepper-live button:has-text('Last')");
    if (!(await said(page)).includes("Violated:")) wrong.push(`the last step of ${run} does not say what is violated`);
    if (await page.locator(".machine").count() !== 2) wrong.push(`${run} has no safe run beside it`);
  }
}

/** Without scripting the first state is there, as a table and as figures. */
export async function explorerWithoutScript(page, wrong, url) {
  await page.goto(url + NAME);
  const seen = await page.$$eval(".explorer-first, .stepper-first, #explorer-table, .without-script", (all) => all.filter(
    (one) => one.getClientRects().length > 0).length);
  if (seen !== 5) wrong.push(`${seen} of 2 figures, 2 notes and a table are seen`);
  if (await page.locator("#explorer-live, #stepper-live").locator("visible=true").count()) wrong.push("controls that do nothing are seen");
}
