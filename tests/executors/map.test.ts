import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  CancelledError,
  coroutine,
  run,
  sleep,
  ThreadPoolExecutor,
  timeout,
  transfer,
} from "../../src/index.ts";
import { CapturedLog } from "../core/captured-log.ts";
import { children, inEachPool, job, until } from "./pools.ts";

after(() => assert.deepEqual(children(), [], "processes that were left behind"));

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const result of results) all.push(result);
  return all;
}

inEachPool("map gives the results in the order of the items, of the shortest iterable", async ({ make }) => {
  await using pool = make({ maxWorkers: 2 });
  assert.deepEqual(await collect(pool.map((n: number) => n * n, [1, 2, 3, 4])), [1, 4, 9, 16]);
  assert.deepEqual(await collect(pool.map(job("add"), [1, 2, 3], new Set([10, 20]))), [11, 22]);
  assert.deepEqual(await collect(pool.map((n: number) => n, [])), []);
});

inEachPool("map can give a worker several calls at once", async ({ make }) => {
  await using pool = make({ maxWorkers: 2 });
  const items = Array.from({ length: 25 }, (_, n) => n);
  const results = pool.map(job("add"), items, items, { chunksize: 10 });
  assert.deepEqual(
    await collect(results),
    items.map((n) => 2 * n),
  );
  const failing = pool.map(
    (n: number) => (n === 2 ? Promise.reject(new RangeError("two")) : n),
    [0, 1, 2, 3],
    { chunksize: 2 },
  );
  assert.deepEqual(await failing.next(), { done: false, value: 0 });
  assert.deepEqual(await failing.next(), { done: false, value: 1 });
  await assert.rejects(Promise.resolve(failing.next()), { message: "two" });
  assert.equal((await failing.next()).done, true);
});

inEachPool("map throws the error of a call at its place, and drops the rest", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  const seen: number[] = [];
  const fail = (n: number) => {
    if (n === 1) throw new RangeError(`no ${n}`);
    return n;
  };
  await assert.rejects(
    async () => {
      for await (const result of pool.map(fail, [0, 1, 2, 3])) seen.push(result);
    },
    { name: "RangeError", message: "no 1" },
  );
  assert.deepEqual(seen, [0]);
});

inEachPool("leaving the iteration cancels what has not begun", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  for await (const result of pool.map((n: number) => n, [1, ...Array(1000).keys()])) {
    assert.equal(result, 1);
    break;
  }
  assert.match(String(pool), /waiting=0>$/);
});

inEachPool("buffersize limits what is under way, so that the items may be endless", async ({ make }) => {
  await using pool = make({ maxWorkers: 2 });
  let taken = 0;
  let closed = false;
  function* endless() {
    try {
      for (;;) yield taken++;
    } finally {
      closed = true;
    }
  }
  const results = pool.map((n: number) => n, endless(), { buffersize: 3 });
  assert.equal(taken, 3);
  for (let n = 0; n < 5; n++) assert.equal((await results.next()).value, n);
  assert.equal(taken, 8);
  await results.return();
  assert.equal(closed, true);
});

inEachPool("map has a timeout for all of it", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  const results = pool.with({ terminate: 0 }).map(job("untilAborted"), [false, false], { timeout: 0.01 });
  await assert.rejects(Promise.resolve(results.next()), { name: "TimeoutError" });
  assert.equal((await results.next()).done, true);
});

inEachPool(
  "the results can be waited for in generators, and a wait that is cancelled ends the iteration",
  async ({ make }) => {
    await using pool = make({ maxWorkers: 1 });
    await run(async () => {
      const total = coroutine(function* () {
        const results = pool.map((n: number) => n, [1, 2, 3]);
        let sum = 0;
        for (;;) {
          const { done, value } = yield* results.next();
          if (done) return sum;
          sum += value;
        }
      });
      assert.equal(await total(), 6);
      const stuck = pool.map(job("untilThrown") as never, [1], [2] as never);
      await assert.rejects(
        timeout(0.01, () => stuck.next()),
        { name: "TimeoutError" },
      );
      await sleep(0);
      assert.equal((await stuck.next()).done, true);
    });
    await until(() => /waiting=0/.test(String(pool)));
  },
);

inEachPool("arguments of map that make no sense throw at the call", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  const same = (n: number) => n;
  assert.throws(() => pool.map(same, 5 as never), TypeError);
  assert.throws(() => pool.map(() => 1), { name: "ValueError" });
  assert.throws(() => pool.map(same, [1], { chunksize: 0 }), { name: "ValueError" });
  assert.throws(() => pool.map(same, [1], { buffersize: 0 }), { name: "ValueError" });
  assert.throws(() => pool.map(same, [1], { timeout: "1" as never }), TypeError);
  const outer = 5;
  assert.throws(() => pool.map((n: number) => n + outer, [1]), { name: "ValueError" });
});

inEachPool("several can wait for results at once, though few are under way", async ({ make }) => {
  await using pool = make({ maxWorkers: 2 });
  for (const chunksize of [1, 2]) {
    const results = pool.map((n: number) => n, [1, 2, 3, 4, 5], { buffersize: 1, chunksize });
    const items = await Promise.all(Array.from({ length: 6 }, () => results.next()));
    assert.deepEqual(
      items.map(({ value }) => value),
      [1, 2, 3, 4, 5, undefined],
    );
  }
});

inEachPool("buffersize counts chunks, and a new one is made up when one has been taken", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  let taken = 0;
  function* endless() {
    for (;;) yield taken++;
  }
  const results = pool.map((n: number) => n, endless(), { buffersize: 2, chunksize: 3 });
  assert.equal(taken, 6);
  await results.next();
  await results.next();
  assert.equal(taken, 6);
  await results.next();
  assert.equal(taken, 9);
  await results.return();
});

inEachPool("an error in a chunk is that of all its calls", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  const fail = (n: number) => (n === 1 ? Promise.reject(new RangeError("one")) : n);
  const results = pool.map(fail, [0, 1], { chunksize: 2 });
  await assert.rejects(Promise.resolve(results.next()), { message: "one" });
});

inEachPool("when the items throw, what was submitted is cancelled", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  const busy = pool.submit(job("untilThrown"));
  await until(() => busy.running());
  function* broken(good: number) {
    for (let n = 0; n < good; n++) yield n;
    throw new RangeError("no more");
  }
  assert.throws(() => pool.map((n: number) => n, broken(3)), { message: "no more" });
  assert.match(String(pool), /waiting=0>$/);
  const results = pool.map((n: number) => n, broken(2), { buffersize: 2 });
  assert.match(String(pool), /waiting=2>$/);
  await assert.rejects(Promise.resolve(results.next()), { message: "no more" });
  assert.match(String(pool), /waiting=0>$/);
  assert.equal((await results.next()).done, true);
  busy.cancel();
});

inEachPool("a call that somebody cancels ends the iteration with CancelledError", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  const controller = new AbortController();
  const results = pool.with({ signal: controller.signal }).map(job("untilThrown") as never, [1, 2]);
  const next = results.next();
  controller.abort();
  await assert.rejects(Promise.resolve(next), CancelledError);
});

inEachPool("a result that comes after its wait was given up is dropped without a word", async ({ make }) => {
  using log = new CapturedLog();
  await using pool = make({ maxWorkers: 1 });
  const results = pool.map(job("spinFor"), [20]);
  await until(() => /waiting=0/.test(String(pool)));
  results.next().cancel();
  await pool.submit(job("add"), 1, 2);
  assert.deepEqual(log.of("error"), []);
});

test("buffers in chunks are moved there and back", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const buffers = [new Uint8Array(2), new Uint8Array(2)];
  const marked = buffers.map((buffer) => transfer(buffer));
  const results = await collect(pool.map(job("firstByteAndBack"), marked, { chunksize: 2 }));
  assert.deepEqual(results, [new Uint8Array([7, 0]), new Uint8Array([7, 0])]);
  assert.deepEqual(
    buffers.map(({ length }) => length),
    [0, 0],
  );
  assert.equal(await pool.submit(job("lengthOfLast")), 0);
});
