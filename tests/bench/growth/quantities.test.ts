import assert from "node:assert/strict";
import { test } from "node:test";
import { QUANTITIES } from "../../../bench/growth/quantities.ts";
import { valuesOf } from "../../../bench/growth/quantity.ts";
import { run } from "../../../src/index.ts";

for (const { name, first, series } of QUANTITIES) {
  for (const [side, prepare] of Object.entries(series)) {
    test(`time and memory of ${name} are measured (${side})`, async () => {
      await run(async () => {
        await using stack = new AsyncDisposableStack();
        const probe = await prepare(first, stack);
        const [once, again] = [await probe.time(), await probe.time()];
        assert.ok(once > 0 && again > 0);
        assert.ok((await probe.memory()) > 0);
      });
    });
  }
}

test("n goes up in equal factors, from the first to the last, and no further than asked", () => {
  const [connections, tasks] = QUANTITIES;
  assert.deepEqual(
    valuesOf(connections!, Number.POSITIVE_INFINITY),
    [1, 3, 10, 32, 100, 316, 1000, 3162, 10_000],
  );
  assert.deepEqual(valuesOf(tasks!, 20_000), [1000, 3162, 10_000]);
  assert.deepEqual(valuesOf(tasks!, 1), [1000, 3162]);
  const ends = QUANTITIES.map((quantity) => valuesOf(quantity, Number.POSITIVE_INFINITY).at(-1));
  assert.deepEqual(
    ends,
    QUANTITIES.map(({ last }) => last),
  );
});
