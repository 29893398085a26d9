import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  currentStack,
  isLibrary,
  isPlumbing,
  isStrand,
  parseStack,
  StackFrame,
} from "../../src/core/stack-frames.ts";

const SRC = new URL("../../src/", import.meta.url).href;

test("the lines of an error's stack become frames", () => {
  const stack = [
    "Error: at the door",
    "    at work (file:///app/main.ts:12:3)",
    "    at async Widget.run [as go] (/app/widget.ts:4:5)",
    "    at file:///app/main.ts:20:1",
    "    at async file:///app/main.ts:30:1",
    "    at new Widget (C:\\app\\widget.ts:1:2)",
    "    at async Promise.all (index 3)",
    "    at Array.map (<anonymous>)",
    "    at eval (eval at work (file:///app/main.ts:1:2), <anonymous>:1:7)",
  ].join("\n");
  assert.deepEqual(
    parseStack(stack).map(({ functionName, file, line, column, isAsync }) => [
      functionName,
      file,
      line,
      column,
      isAsync,
    ]),
    [
      ["work", "file:///app/main.ts", 12, 3, false],
      ["Widget.run [as go]", "/app/widget.ts", 4, 5, true],
      ["<anonymous>", "file:///app/main.ts", 20, 1, false],
      ["<anonymous>", "file:///app/main.ts", 30, 1, true],
      ["new Widget", "C:\\app\\widget.ts", 1, 2, false],
      ["Promise.all", "index 3", null, null, true],
      ["Array.map", null, null, null, false],
      ["eval", "eval at work (file:///app/main.ts:1:2), <anonymous>", 1, 7, false],
    ],
  );
});

test("a frame reads as a line of a stack trace", () => {
  const frame = new StackFrame("work", "file:///app/main.ts:12:3", true);
  assert.equal(String(frame), "async work (file:///app/main.ts:12:3)");
  assert.equal(inspect(frame), String(frame));
  assert.equal(String(new StackFrame("", "")), "<anonymous> (<unknown>)");
});

test("the current stack begins with the caller, whatever the program does with its errors", () => {
  const { stackTraceLimit, prepareStackTrace } = Error;
  const prepare = () => "mine";
  Error.stackTraceLimit = 0;
  Error.prepareStackTrace = prepare;
  try {
    const frames = (function caller() {
      return currentStack(1);
    })();
    assert.deepEqual(
      frames.map(({ functionName, file }) => [functionName, file]),
      [["caller", import.meta.url]],
    );
    assert.equal(Error.stackTraceLimit, 0);
    assert.equal(Error.prepareStackTrace, prepare);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  }
});

test("frames of the kernel, of the library and of Node are told apart from the program's", () => {
  const kinds = (file: string, name = "f") => {
    const frame = new StackFrame(name, `${file}:1:1`);
    return [isStrand(frame), isPlumbing(frame), isLibrary(frame)];
  };
  assert.deepEqual(kinds(`${SRC}core/strands.ts`, "Strand.run"), [true, true, true]);
  assert.deepEqual(kinds(`${SRC}core/tasks.ts`), [false, true, true]);
  assert.deepEqual(kinds("node:events"), [false, true, true]);
  assert.deepEqual(kinds(`${SRC}sync/locks.ts`), [false, false, true]);
  assert.deepEqual(kinds(new URL(`${SRC}sync/locks.ts`).pathname), [false, false, true]);
  assert.deepEqual(kinds(import.meta.url), [false, false, false]);
  assert.deepEqual(kinds("file:///app/core/strands.ts", "Strand.run"), [false, false, false]);
});
