import assert from "node:assert/strict";
import { test } from "node:test";
import type { FromWorker, ToWorker } from "../../src/executors/messages.ts";
import { encodeError } from "../../src/executors/remote-errors.ts";
import { packFromWorker, packToWorker, unpackFromWorker, unpackToWorker } from "../../src/executors/wire.ts";

const exported = { kind: "export", module: "node:path", name: "join" } as const;
const source = { kind: "source", source: "() => 1", name: "one" } as const;
/** Of work that is empty, too, it must be told which kind it is. */
const nothing = { kind: "source", source: "", name: "" } as const;
const error = encodeError(new RangeError("x"));

test("what a worker is told arrives as it was", () => {
  const messages: ToWorker[] = [
    { kind: "begin", initializer: null },
    { kind: "begin", initializer: { work: exported, args: [1] } },
    { kind: "job", id: 1, work: exported, args: ["a", [2]], chunk: false },
    { kind: "job", id: 2, work: source, args: [[1], [2]], chunk: true },
    { kind: "job", id: 3, work: nothing, args: [], chunk: false },
    { kind: "abort", id: 4 },
    { kind: "exit" },
  ];
  for (const message of messages) {
    assert.deepEqual(unpackToWorker(structuredClone(packToWorker(message))), message);
  }
});

test("what a worker tells arrives as it was", () => {
  const messages: FromWorker[] = [
    { kind: "ready" },
    { kind: "broken", error },
    { kind: "result", id: 1, value: undefined },
    { kind: "result", id: 2, value: [3, "value"] },
    { kind: "error", id: 3, error },
    { kind: "uncaught", id: null, error },
  ];
  for (const message of messages) {
    assert.deepEqual(unpackFromWorker(structuredClone(packFromWorker(message))), message);
  }
});

test("a list that a job posts for itself is not taken for a result", () => {
  assert.equal(unpackFromWorker([1, 2, 3]), null);
  assert.equal(unpackFromWorker(null), null);
});
