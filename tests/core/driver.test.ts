import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { afterMicrotasks } from "../../src/core/driver.ts";

/** What happened up to the moment in which `afterMicrotasks` calls back, begun from `start`. */
function observe(start: (begin: () => void) => void): Promise<string[]> {
  return new Promise((resolve) => {
    const log: string[] = [];
    start(() => {
      afterMicrotasks(() => resolve([...log]));
      log.push("the caller goes on");
      Promise.resolve()
        .then(() => Promise.resolve())
        .then(() => queueMicrotask(() => log.push("the last microtask")));
      setImmediate(() => log.push("too late"));
    });
  });
}

const expected = ["the caller goes on", "the last microtask"];

test("afterMicrotasks calls back when no microtask is left, from wherever it is called", async () => {
  assert.deepEqual(await observe((begin) => begin()), expected);
  assert.deepEqual(await observe((begin) => queueMicrotask(begin)), expected);
  assert.deepEqual(await observe((begin) => process.nextTick(begin)), expected);
  assert.deepEqual(await observe((begin) => setImmediate(begin)), expected);
});

test("afterMicrotasks calls back with the AsyncLocalStorage values of its caller", async () => {
  const storage = new AsyncLocalStorage<string>();
  const value = await new Promise((resolve) => {
    storage.run("the caller's", () => afterMicrotasks(() => resolve(storage.getStore())));
    storage.enterWith("changed since");
  });
  assert.equal(value, "the caller's");
});
