import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { freeVariables, freeVariablesOfMethod } from "../../src/executors/free-variables.ts";

const CASES: readonly [source: string, free: string[] | null][] = [
  ["(a, b) => a + b", []],
  ["(a) => a + b", ["b"]],
  ["(a, b = c) => a + b", ["c"]],
  ["() => { const x = 1; return () => x; }", []],
  ["() => { { let x = 1; } return x; }", ["x"]],
  ["() => { var x = y; { var y = 1; } return x; }", []],
  ["({ a, b: [c, ...d] }) => [a, c, d]", []],
  ["function f(n) { return n < 2 ? 1 : n * f(n - 1); }", []],
  ["function () { return arguments.length + this.x; }", []],
  ["() => this.x", ["this"]],
  ["() => () => { if (1) { return this; } }", ["this"]],
  ["() => function () { return this; }", []],
  ["() => class { a = this; static { this.b = 1; } c() { return this; } }", []],
  ["() => console.log(Buffer.from(new URL('x:').href), process.pid, structuredClone(1))", []],
  ["() => require('fs')", ["require"]],
  ["() => typeof missing", ["missing"]],
  ["() => { x = 1; }", ["x"]],
  ["() => { try { f(); } catch (e) { throw e; } }", ["f"]],
  ["async () => (await import('node:os')).platform()", []],
  ["function* () { yield* g(); }", ["g"]],
  ["() => class A extends B { #x = y; static z = A; }", ["B", "y"]],
  ["() => ({ key, other: 1 })", ["key"]],
  ["() => { for (const x of xs) label: for (;;) break label; }", ["xs"]],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source
  ["() => `${a}${`${b}`}`", ["a", "b"]],
  ["() => a + a", ["a"]],
  ["() => { const x = 1; return eval('x') + y; }", ["y"]],
  ["() => import.meta.url", null],
  ["method() { return 1; }", null],
  ["() => super.x", null],
];

for (const [source, free] of CASES) {
  test(`${source} needs ${free === null ? "a place of its own" : free.join(", ") || "nothing"}`, () => {
    assert.deepEqual(freeVariables(source), free);
  });
}

test("what this program added to its globals is not there elsewhere", () => {
  Reflect.set(globalThis, "addedHere", 1);
  assert.deepEqual(freeVariables("() => addedHere"), ["addedHere"]);
  Reflect.deleteProperty(globalThis, "addedHere");
});

test("a method needs super, where it is its own", () => {
  assert.deepEqual(freeVariablesOfMethod("m() { return super.m(); }"), ["super"]);
  assert.deepEqual(freeVariablesOfMethod("m() { return () => [super.m]; }"), ["super"]);
  assert.deepEqual(freeVariablesOfMethod("m() { return { m() { return super.m(); } }; }"), []);
  assert.deepEqual(freeVariablesOfMethod("async m() { class A extends Object { m() { super.m(x); } } }"), [
    "x",
  ]);
  assert.deepEqual(freeVariablesOfMethod("m() { return import.meta; }"), null);
});

test("a parser is loaded only when a function is sent by its source", () => {
  const index = JSON.stringify(new URL("../../src/index.ts", import.meta.url).href);
  const program = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ resolve(name, context, next) { if (/acorn|eslint/.test(name)) loaded.push(name); return next(name, context); } });
    const { work, ThreadPoolExecutor } = await import(${index});
    new ThreadPoolExecutor({ initializer: work("node:os", "platform") });
    console.log(loaded.length);
    new ThreadPoolExecutor({ initializer: () => {} });
    console.log(loaded.length > 0);
  `;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
  });
  assert.equal(stdout, "0\ntrue\n");
});
