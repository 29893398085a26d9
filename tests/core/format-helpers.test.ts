import assert from "node:assert/strict";
import { test } from "node:test";
import { describeFunction, describeValue } from "../../src/core/format-helpers.ts";

test("a function is described by its name", () => {
  function work() {}
  assert.equal(describeFunction(work), "work()");
  assert.equal(
    describeFunction(() => {}),
    "<anonymous>()",
  );
  assert.equal(describeFunction(null), "null");
});

test("a value is described in a few words", () => {
  class Widget {}
  const described: [unknown, string][] = [
    [null, "null"],
    [undefined, "undefined"],
    [function work() {}, "the function work()"],
    [new Widget(), "a Widget"],
    [[], "an Array"],
    [Object.create(null), "an object"],
    ["text", 'the string "text"'],
    [5, "the number 5"],
    [Symbol("s"), "the symbol Symbol(s)"],
  ];
  for (const [value, text] of described) assert.equal(describeValue(value), text);
});
