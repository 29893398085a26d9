import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ALL_COMPLETED,
  ConcurrentFuture,
  concurrentAsCompleted,
  concurrentWait,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
} from "../../src/index.ts";
import { CapturedLog } from "../core/captured-log.ts";

const several = (n: number) => Array.from({ length: n }, () => new ConcurrentFuture<number>());

test("concurrentWait gives those that are done, and those that are not", async () => {
  const [a, b, c] = several(3) as [
    ConcurrentFuture<number>,
    ConcurrentFuture<number>,
    ConcurrentFuture<number>,
  ];
  const all = concurrentWait([a, b, c, a], { returnWhen: ALL_COMPLETED });
  const first = concurrentWait([a, b, c], { returnWhen: FIRST_COMPLETED });
  const failed = concurrentWait([a, b, c], { returnWhen: FIRST_EXCEPTION });
  a.setResult(1);
  assert.deepEqual([all.done(), first.done(), failed.done()], [false, true, false]);
  b.setException(new RangeError());
  assert.equal(failed.done(), true);
  c.cancel();
  assert.deepEqual(await first, { done: new Set([a]), notDone: new Set([b, c]) });
  assert.deepEqual(await failed, { done: new Set([a, b]), notDone: new Set([c]) });
  assert.deepEqual(await all, { done: new Set([a, b, c]), notDone: new Set() });
});

test("what is done already is not waited for, and neither is nothing", async () => {
  const [a, b] = several(2);
  a!.setResult(1);
  assert.equal(concurrentWait([a!, b!], { returnWhen: FIRST_COMPLETED }).done(), true);
  assert.equal(concurrentWait([a!]).done(), true);
  assert.deepEqual(await concurrentWait([]), { done: new Set(), notDone: new Set() });
});

test("when the time is over, concurrentWait gives what there is", async () => {
  const [a] = several(1);
  assert.deepEqual(await concurrentWait([a!], { timeout: 0 }), { done: new Set(), notDone: new Set([a!]) });
  assert.equal(a!.done(), false);
});

test("concurrentAsCompleted gives the futures in the order in which they are done", async () => {
  const [a, b, c] = several(3);
  b!.setResult(2);
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const future of concurrentAsCompleted([a!, b!, c!, b!])) seen.push(future);
  })();
  c!.setResult(3);
  a!.cancel();
  await reading;
  assert.deepEqual(seen, [b, c, a]);
});

test("several can wait for the next one; a wait that is cancelled takes none", async () => {
  const [a, b] = several(2);
  const iterator = concurrentAsCompleted([a!, b!]);
  const first = iterator.next();
  const second = iterator.next();
  assert.equal((await iterator.next()).done, true);
  first.cancel();
  a!.setResult(1);
  assert.deepEqual((await second).value, a);
});

test("concurrentAsCompleted throws when the time is over, and leaves the futures alone", async () => {
  const [a, b] = several(2);
  a!.setResult(1);
  const iterator = concurrentAsCompleted([a!, b!], { timeout: 0 });
  assert.equal((await iterator.next()).value, a);
  await assert.rejects(Promise.resolve(iterator.next()), {
    name: "TimeoutError",
    message: "1 (of 2) futures unfinished",
  });
  assert.equal(b!.done(), false);
});

test("leaving the iteration early ends it", async () => {
  const [a, b] = several(2);
  a!.setResult(1);
  const iterator = concurrentAsCompleted([a!, b!]);
  for await (const future of iterator) {
    assert.equal(future, a);
    break;
  }
  b!.setResult(1);
  assert.equal((await iterator.next()).done, true);
});

test("arguments that make no sense throw at the call", () => {
  const [a] = several(1);
  assert.throws(() => concurrentWait(a as never), TypeError);
  assert.throws(() => concurrentWait([Promise.resolve()] as never), TypeError);
  assert.throws(() => concurrentWait([a!], { timeout: Number.NaN }), { name: "ValueError" });
  assert.throws(() => concurrentWait([a!], { returnWhen: "never" as never }), { name: "ValueError" });
  assert.throws(() => concurrentAsCompleted(5 as never), TypeError);
  assert.throws(() => concurrentAsCompleted([a!], { timeout: "1" as never }), TypeError);
});

test("a wait that is over leaves nothing on the futures that go on", async () => {
  using log = new CapturedLog();
  const [a, b] = several(2);
  const first = concurrentWait([a!, b!], { returnWhen: FIRST_COMPLETED });
  const given = concurrentWait([b!]);
  given.cancel();
  a!.setResult(1);
  b!.setResult(2);
  assert.equal((await first).done.size, 1);
  const iterator = concurrentAsCompleted(several(1));
  const [c] = several(1);
  const left = concurrentAsCompleted([c!]);
  await left.return();
  c!.setResult(1);
  assert.equal(String(left), "<ConcurrentAsCompletedIterator pending=0 completed=0>");
  assert.equal(String(iterator), "<ConcurrentAsCompletedIterator pending=1 completed=0>");
  assert.deepEqual(log.of("error"), []);
});
