import assert from "node:assert/strict";
import { relative } from "node:path";
import { test } from "node:test";
import { loadModules } from "../../src/cli/worker-modules.ts";

const JOBS = relative(process.cwd(), new URL("../executors/jobs.ts", import.meta.url).pathname);

test("a file is known by its name, a package by its own, and either by a name that is given", async () => {
  const modules = await loadModules([JOBS, "node:zlib", `other=${JOBS}`, "os=node:os"], false);
  assert.deepEqual(modules.names, ["jobs", "node:zlib", "other", "os"]);
  const url = new URL("../executors/jobs.ts", import.meta.url).href;
  const here = { kind: "export", module: url, name: "add" };
  assert.deepEqual(modules.resolve({ kind: "export", module: "other", name: "add" }), here);
});

test("what cannot be imported, or has the name of another, is refused", async () => {
  await assert.rejects(loadModules(["./missing.ts"], false), {
    name: "UsageError",
    message: /the module \.\/missing\.ts cannot be imported/,
  });
  await assert.rejects(loadModules([JOBS, "jobs=node:os"], false), {
    name: "UsageError",
    message: /two modules are known as jobs: .*NAME=node:os/,
  });
});
