/**
 * Says for each row of the API table whether it is done, different or not yet, and writes docs/parity.md.
 *
 * `node scripts/parity.ts` writes the page; `node scripts/parity.ts --check` only looks whether it is up to date. Both
 * exit with 1 if a row is neither found nor explained, or if an explanation is wrong.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as asyncio from "../src/index.ts";
import { page } from "./parity/page.ts";
import { PublicApi } from "./parity/public-api.ts";
import { parseApi, parseNotes } from "./parity/table.ts";
import { judge } from "./parity/verdicts.ts";

const PAGE = "docs/parity.md";
const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

const api = new PublicApi(asyncio, read("src/index.ts"), (file) => read(join("src", file)));
const { verdicts, problems } = judge(
  parseApi(read("docs/reference/asyncio-api.tsv")),
  parseNotes(read("docs/reference/parity-notes.tsv")),
  {
    exports: (cell) => api.exports(cell),
    hasFile: (path) => existsSync(join(root, path)),
  },
);

const text = page(verdicts);
if (!process.argv.includes("--check")) writeFileSync(join(root, PAGE), text);
else if (!existsSync(join(root, PAGE)) || read(PAGE) !== text) {
  problems.push(`${PAGE} is not what the tables and the exports say: run "npm run parity"`);
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
