// SPDX-License-Identifier: GPL-2.0-only
// A web server of one folder below a path, as a project's pages are published.
import { createServer } from "node:http";
import { readFile, stat } from "node:fs/promises";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".txt": "text/plain; charset=utf-8",
};

async function find(folder, path) {
  let file = join(folder, normalize(path));
  try {
    if ((await stat(file)).isDirectory()) file = join(file, "index.html");
    return await readFile(file).then((body) => ({ file, body }));
  } catch {
    return null;
  }
}

// Resolves to { url, close }; a missing file is answered by 404.html, as on Pages.
export async function serve(folder, below) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const inside = pathname.startsWith(below)
      ? await find(folder, decodeURIComponent(pathname.slice(below.length)))
      : null;
    const found = inside || (await find(folder, "404.html"));
    const type = TYPES[extname(found.file)] || "application/octet-stream";
    response.writeHead(inside ? 200 : 404, { "content-type": type });
    response.end(found.body);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${server.address().port}${below}`,
    close: () => server.close(),
  };
}
