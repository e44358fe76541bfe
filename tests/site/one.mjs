import { Report } from "./report.mjs";
import { browse, checkPages } from "./browser.mjs";
const r = new Report();
await browse("/tmp/site-dev", (b, o) => checkPages(r, b, o, process.argv.slice(2)));
r.close();
