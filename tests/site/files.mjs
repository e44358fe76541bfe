// SPDX-License-Identifier: GPL-2.0-only
// What can be checked without a browser: sizes, valid HTML, links, anchors, images.
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { HtmlValidate } from "html-validate";

const PAGE_BYTES = 300 * 1000;
const SITE_BYTES = 15 * 1000 * 1000;
const UNREAD = /\{(?:value|mail|claim|claim-table|term|doc|ref|eval-rst)\}/g;
const HOST = /^(?:[a-z]+:)?\/\//i;
const LOADS = /<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*?\s(?:src|data)="([^"]*)"|<link\b(?=[^>]*rel="(?:stylesheet|preload|prefetch|shortcut icon|icon|manifest)")[^>]*?\shref="([^"]*)"/g;

export async function all(folder) {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  return names
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

function unescape(text) {
  return text
    .replaceAll("&quot;", '"').replaceAll("&#x27;", "'").replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

const attributes = (text, name) =>
  [...text.matchAll(new RegExp(`\\s${name}="([^"]*)"`, "g"))].map((m) => unescape(m[1]));

async function weigh(report, folder, files) {
  let whole = 0;
  const heavy = [];
  for (const name of files) {
    const { size } = await stat(join(folder, name));
    whole += size;
    if (name.endsWith(".html") && size > PAGE_BYTES) heavy.push(`${name} has ${size} bytes`);
  }
  report.check(`pages of at most ${PAGE_BYTES} bytes`, heavy);
  report.check(`a site of at most ${SITE_BYTES} bytes`, whole > SITE_BYTES ? [`${whole}`] : []);
  console.log(`${files.length} files, ${(whole / 1e6).toFixed(1)} MB`);
}

async function validate(report, folder, pages) {
  const htmlvalidate = new HtmlValidate({ root: true, extends: ["html-validate:standard"] });
  for (const name of pages) {
    const { results } = await htmlvalidate.validateFile(join(folder, name));
    report.check(
      `valid HTML, ${name}`,
      results.flatMap((r) => r.messages).map((m) => `${m.line}:${m.column} ${m.ruleId}: ${m.message}`),
    );
  }
}

function imagesOf(text) {
  return (text.match(/<img\b[^>]*>/g) || []).flatMap((image) => {
    const src = attributes(image, "src")[0].slice(0, 80);
    const alt = attributes(image, "alt")[0] || "";
    return [
      ...["width", "height"].filter((side) => !/^\d+$/.test(attributes(image, side)[0])).map(
        (side) => `${src} has no ${side}`),
      ...(/^$|_images\//.test(alt) ? [`${src} has no text in its place`] : []),
    ];
  });
}

export async function checkFiles(report, folder) {
  const files = await all(folder);
  const pages = files.filter((name) => name.endsWith(".html"));
  const texts = new Map();
  for (const name of pages) texts.set(name, await readFile(join(folder, name), "utf8"));
  await weigh(report, folder, files);
  await validate(report, folder, pages);

  const ids = new Map();
  for (const [name, text] of texts) {
    const found = attributes(text, "id");
    const twice = found.filter((id, at) => found.indexOf(id) !== at);
    report.check(`ids that are unique, ${name}`, twice);
    // the diff page takes a pair of names from its link
    const names = (attributes(text, "data-names")[0] || "").split(" ");
    const pairs = names.flatMap((one) => names.map((other) => `${one}--${other}`));
    ids.set(name, new Set([...found, ...pairs, ""]));
    report.check(`images with their size and a text, ${name}`, imagesOf(text));
    const elsewhere = [...text.matchAll(LOADS)].map((m) => m[1] ?? m[2]).filter((src) => HOST.test(src));
    report.check(`roles that are read, ${name}`, text.match(UNREAD) || []);
    report.check(`nothing loaded from another host, ${name}`, elsewhere);
  }

  let links = 0;
  for (const [name, text] of texts) {
    if (name === "404.html") continue; // its links are of a path, and are followed there
    const wrong = [];
    for (const target of [...attributes(text, "href"), ...attributes(text, "src")]) {
      if (HOST.test(target) || /^(mailto|data):/.test(target)) continue;
      links += 1;
      const [path, anchor = ""] = target.split("#");
      const bare = decodeURIComponent(path.split("?")[0]);
      const file = bare ? relative(folder, resolve(folder, dirname(name), bare)) : name;
      if (!files.includes(file)) wrong.push(`${target} leads nowhere`);
      else if (ids.has(file) && !ids.get(file).has(decodeURIComponent(anchor))) {
        wrong.push(`${target} has no such anchor`);
      }
    }
    report.check(`links and anchors, ${name}`, wrong);
  }
  console.log(`${pages.length} pages, ${links} links within the site`);
}
