import assert from "node:assert/strict";
import { test } from "node:test";
import { WorkerModules } from "../../../src/executors/bullmq/modules.ts";
import { LookupError, PermissionError } from "../../../src/index.ts";

const source = { kind: "source", source: "() => 1", name: "f" } as const;

function modules(allowSource: boolean): WorkerModules {
  const all = new WorkerModules(allowSource);
  all.add("jobs", "file:///here/jobs.ts", { f() {}, n: 1 });
  return all;
}

test("an export is imported from where the module is on this machine", () => {
  const here = { kind: "export", module: "file:///here/jobs.ts", name: "f" };
  assert.deepEqual(modules(false).resolve({ kind: "export", module: "jobs", name: "f" }), here);
});

test("nothing else is carried out: no other module, no value, nothing inherited", () => {
  const all = modules(false);
  for (const module of ["file:///here/jobs.ts", "node:process", "other"]) {
    assert.throws(() => all.resolve({ kind: "export", module, name: "f" }), LookupError);
  }
  for (const name of ["n", "g", "toString", "constructor", "__proto__"]) {
    assert.throws(() => all.resolve({ kind: "export", module: "jobs", name }), LookupError);
  }
});

test("source is run only where that is allowed", () => {
  assert.throws(() => modules(false).resolve(source), PermissionError);
  assert.equal(modules(true).resolve(source), source);
  assert.throws(() => modules(true).resolve({ kind: "other" } as never), PermissionError);
});

test("two modules cannot have one name", () => {
  assert.equal(modules(false).add("jobs", "file:///there/jobs.ts", {}), false);
});
