import { Report } from "./report.mjs";
import { browse, checkPages } from "./browser.mjs";
const r = new Report();
await browse("/tmp/mini/_build/html", (b, o) => checkPages(r, b, o, process.argv.slice(2)));
r.close();
