import assert from "node:assert/strict";
import { constants, PerformanceObserver } from "node:perf_hooks";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { allocate } from "../../src/io/memory.ts";

const GIBIBYTE = 2 ** 30;
const SIZE = 100_000;

/** How often V8 collects its whole heap while `body` runs. */
async function majorCollections(body: () => Promise<void>): Promise<number> {
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail } = entry as unknown as { detail: { kind: number } };
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) count++;
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  await body();
  // It is told later.
  for (let turns = 0; turns < 10; turns++) await turn();
  observer.disconnect();
  return count;
}

async function allocateTwoGibibytes(): Promise<void> {
  for (let i = 0; i < (2 * GIBIBYTE) / SIZE; i++) {
    assert.equal(allocate(SIZE).length, SIZE);
    if (i % 16 === 0) await turn();
  }
}

test("memory that is soon of no use is freed without a look at the whole heap", async () => {
  // The young generation grows to its size.
  await allocateTwoGibibytes();
  const collections = await majorCollections(allocateTwoGibibytes);
  // As plain Buffers they would cause about 20.
  assert.ok(collections <= 10, `${collections} collections of the whole heap`);
});
