import assert from "node:assert/strict";
import { test } from "node:test";
import { environment, hasOurPath } from "../../../src/io/native/environment.ts";
import { libc } from "../../../src/io/native/libc.ts";
import { skip } from "./support.ts";

const calls = () => libc().spawning()!;

test("the environment of this process is the one that C has", { skip }, () => {
  assert.equal(environment(calls(), null), calls().environ());
  assert.equal(hasOurPath(calls(), null), true);
});

test("any other one is made of strings, without what is undefined", { skip }, () => {
  const coverage = process.env.NODE_V8_COVERAGE;
  delete process.env.NODE_V8_COVERAGE;
  assert.deepEqual(environment(calls(), { A: "1", B: undefined, C: "" }), ["A=1", "C=", null]);
  if (coverage !== undefined) process.env.NODE_V8_COVERAGE = coverage;
});

test("the coverage of this process is that of others too, as with Node, unless they have their own", {
  skip,
}, () => {
  const coverage = process.env.NODE_V8_COVERAGE;
  process.env.NODE_V8_COVERAGE = "/there";
  assert.deepEqual(environment(calls(), { A: "1" }), ["NODE_V8_COVERAGE=/there", "A=1", null]);
  assert.deepEqual(environment(calls(), { NODE_V8_COVERAGE: "/here" }), ["NODE_V8_COVERAGE=/here", null]);
  assert.deepEqual(environment(calls(), { NODE_V8_COVERAGE: undefined }), [null]);
  if (coverage === undefined) delete process.env.NODE_V8_COVERAGE;
  else process.env.NODE_V8_COVERAGE = coverage;
});

test("what stands in for process.env is taken as it is, and left so", { skip }, () => {
  const real = process.env;
  const copy = { A: "1" };
  process.env = copy;
  try {
    assert.deepEqual(environment(calls(), null), ["A=1", null]);
    assert.equal(hasOurPath(calls(), null), false);
  } finally {
    process.env = real;
  }
  assert.deepEqual(Reflect.ownKeys(copy), ["A"]);
});

test("a PATH is ours if it is the same", { skip }, () => {
  assert.equal(hasOurPath(calls(), { PATH: process.env.PATH }), true);
  assert.equal(hasOurPath(calls(), { PATH: `${process.env.PATH}:/more` }), false);
  assert.equal(hasOurPath(calls(), {}), false);
});
