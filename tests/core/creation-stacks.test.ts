import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  CreationStack,
  createdAt,
  sourceTraceback,
  withCreationStack,
} from "../../src/core/creation-stacks.ts";
import { collectGarbage, newLoop } from "../helpers.ts";

test("a creation stack begins with the program's own frame, and leaves Error as it was", () => {
  const limit = Error.stackTraceLimit;
  const { frames } = (function caller() {
    return CreationStack.here();
  })();
  assert.equal(frames[0]?.functionName, "caller");
  assert.match(frames[1]?.place ?? "", /creation-stacks\.test\.ts/);
  assert.equal(Error.stackTraceLimit, limit);
});

test("a creation stack has no frame of the library, and ten at most", () => {
  using loop = newLoop();
  loop.setDebug(true);
  const deep = (depth: number): CreationStack | null =>
    depth === 0 ? loop.callSoon(() => {}).sourceTraceback : deep(depth - 1);
  const { frames = [] } = deep(30) ?? {};
  assert.equal(frames.length, 10);
  assert.ok(frames.every(({ functionName }) => functionName === "deep"));
});

test("a creation stack keeps nothing alive", async () => {
  const make = () => {
    const maker = { here: () => CreationStack.here() };
    return [maker.here(), new WeakRef(maker)] as const;
  };
  const [stack, maker] = make();
  await collectGarbage();
  assert.equal(maker.deref(), undefined);
  assert.equal(stack.frames[1]?.functionName, "make");
});

test("what was made where nobody called tells no place", async () => {
  // A bound function has no frame of the program; nor does the stack tell who awaits it later.
  const later = Promise.resolve().then(CreationStack.here.bind(CreationStack));
  await turn();
  const nobodys = await later;
  for (const stack of [null, nobodys]) {
    assert.deepEqual(createdAt(stack), []);
    assert.deepEqual(sourceTraceback(stack), {});
    assert.equal(withCreationStack("message", stack), "message");
  }
});

test("a creation stack is shown as a place, or as lines", () => {
  const work = () => CreationStack.here();
  const stack = (() => work())();
  const lines = stack.frames.map((frame) => `    at ${frame}`).join("\n");
  assert.match(lines, /^ {4}at work \(/);
  assert.deepEqual(createdAt(stack), [`created at ${stack.frames[0]?.place}`]);
  assert.deepEqual(sourceTraceback(stack), { sourceTraceback: lines });
  assert.equal(
    withCreationStack("message", stack),
    `message\ncreated at (most recent call first):\n${lines}`,
  );
});
