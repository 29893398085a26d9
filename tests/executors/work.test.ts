import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { portable } from "../../src/executors/work.ts";
import { NamedWork, ValueError, work } from "../../src/index.ts";
import { add } from "./jobs.ts";

const JOBS = new URL("./jobs.ts", import.meta.url);

test("work names a function by its module and export", () => {
  const named = work<typeof add>(JOBS, "add");
  assert.ok(named instanceof NamedWork);
  assert.deepEqual([named.module, named.name], [JOBS.href, "add"]);
  assert.equal(inspect(named), `<NamedWork add of ${JOBS.href}>`);
  assert.deepEqual(work(import.meta, add).module, import.meta.url);
  assert.equal(work(import.meta, add).name, "add");
  assert.equal(work("node:os").name, "default");
  assert.equal(work("/a/b c.ts", "x").module, "file:///a/b%20c.ts");
  assert.equal(work("some-package/part", "x").module, "some-package/part");
  assert.deepEqual(portable(named), { kind: "export", module: JOBS.href, name: "add" });
});

test("what names nothing is refused", () => {
  for (const relative of ["./jobs.ts", "../jobs.ts", ".", ".."]) {
    assert.throws(() => work(relative, "add"), { name: "ValueError", message: /use new URL\(/ });
  }
  assert.throws(() => work(5 as never, "add"), TypeError);
  assert.throws(() => work({} as never, "add"), TypeError);
  assert.throws(() => work(import.meta, 5 as never), TypeError);
  assert.throws(() => work(import.meta, () => {}), { name: "ValueError", message: /has no name/ });
});

test("a function that needs nothing is sent as its source, which is parsed once", () => {
  const twice = (n: number) => 2 * n;
  const sent = portable(twice);
  assert.equal(sent.kind === "source" && sent.source, "(n        ) => 2 * n");
  assert.equal(sent.name, "twice");
  assert.equal(portable(twice), sent);
});

test("methods, getters of objects, async and generator functions can be sent", () => {
  const object = {
    method(n: number) {
      return n;
    },
    async later() {},
    *many() {},
    async *stream() {},
    ["com" + "puted"]() {},
    "a-b"() {},
  };
  for (const fn of Object.values(object)) {
    const sent = portable(fn as never);
    assert.ok(sent.kind === "source");
    // biome-ignore lint/security/noGlobalEval: so do workers
    assert.equal(typeof globalThis.eval(`(${sent.source})`), "function", sent.source);
  }
});

test("a function that cannot be sent is refused, with the reason", () => {
  const outer = 1;
  const needy = () => outer + add(1, 2);
  assert.throws(() => portable(needy as never), {
    name: "ValueError",
    message:
      /^the function needy\(\) uses outer, add of its surroundings, .*; export it from a module and name it/,
  });
  assert.throws(() => portable((() => outer) as never), { message: /^this function uses outer/ });
  assert.throws(() => portable(Math.max as never), {
    name: "ValueError",
    message: /^the function max\(\) has no source/,
  });
  assert.throws(() => portable(needy.bind(null) as never), ValueError);
  assert.throws(() => portable(class A {} as never), {
    name: "TypeError",
    message: /a class cannot be called/,
  });
  class Base {
    hello() {}
  }
  class Derived extends Base {
    override hello() {
      super.hello();
    }
  }
  assert.throws(() => portable(new Derived().hello), ValueError);
  assert.throws(() => portable("x" as never), TypeError);
  assert.throws(() => portable(undefined as never), TypeError);
});
