/** `npm test [-- FLAG… FILE…]`: the tests, with the flags of Node's runner; all of them, if no file is named. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

/** Hundreds of programs import the same sources: they are compiled once. */
const NODE_COMPILE_CACHE = join(ROOT, "node_modules/.cache/asyncio-ts");

const given = process.argv.slice(2);
const files = given.some((argument) => !argument.startsWith("-")) ? [] : ["tests/**/*.test.ts"];

const { status } = spawnSync(process.execPath, ["--expose-gc", "--test", ...given, ...files], {
  cwd: ROOT,
  env: { NODE_COMPILE_CACHE, ...process.env },
  stdio: "inherit",
});
process.exitCode = status ?? 1;
