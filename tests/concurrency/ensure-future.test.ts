import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Coroutine,
  createTask,
  ensureFuture,
  Future,
  RuntimeError,
  sleep,
  Task,
  ValueError,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { customAwaitable, newLoop, rejects } from "../helpers.ts";

inEachFlavour("a future or a task is given back as it is", function* ({ on, coroutine }) {
  const future = new Future<number>();
  const task = createTask(coroutine(function* () {})());
  assert.equal(ensureFuture(future), future);
  assert.equal(ensureFuture(task), task);
  yield* on(task);
});

inEachFlavour("a coroutine, a generator or a function becomes a task", function* ({ on, coroutine }) {
  const steps = coroutine(function* () {
    yield* on(sleep(1));
    return "result";
  });
  const generator = (function* () {
    return yield* sleep(1, "result");
  })();
  for (const one of [steps(), steps, generator, () => "result", async () => "result"]) {
    const future = ensureFuture(one as Coroutine<string>);
    assert.ok((future as unknown) instanceof Task);
    assert.equal(yield* on(future), "result");
  }
});

inEachFlavour("an awaitable of somebody else's making is wrapped in a task", function* ({ on }) {
  const task = ensureFuture(customAwaitable(sleep(1, "custom")));
  assert.ok(task instanceof Task);
  assert.equal(yield* on(task), "custom");
});

inEachFlavour("a promise is followed by a future", function* ({ on }) {
  const good = ensureFuture(Promise.resolve("good"));
  const bad = ensureFuture(Promise.reject(new TypeError("mine")));
  assert.ok(!(good instanceof Task));
  assert.equal(good.done(), false);
  assert.equal(yield* on(good), "good");
  yield* rejects(on(bad), TypeError, "mine");
});

inEachFlavour("what becomes of a promise after the wait was cancelled interests nobody", function* ({ on }) {
  const good = Promise.withResolvers<string>();
  const bad = Promise.withResolvers<string>();
  const futures = [ensureFuture(good.promise), ensureFuture(bad.promise)];
  for (const future of futures) future.cancel();
  good.resolve("late");
  bad.reject(new Error("late"));
  yield* on(sleep(1));
  for (const future of futures) assert.equal(future.cancelled(), true);
});

test("what nobody can wait for is a TypeError", async () => {
  using loop = newLoop();
  await loop.runUntilComplete(() => {
    for (const wrong of [5, "text", null, undefined, {}]) {
      assert.throws(() => ensureFuture(wrong as never), TypeError);
    }
  });
});

test("with the loop option, things belong to that loop, and futures of others are refused", async () => {
  using loop = newLoop();
  using other = newLoop();
  const task = ensureFuture(() => 1, { loop });
  assert.equal(task.getLoop(), loop);
  assert.equal(ensureFuture(Promise.resolve(1), { loop }).getLoop(), loop);
  const future = other.createFuture();
  assert.equal(ensureFuture(future, { loop: other }), future);
  assert.throws(() => ensureFuture(future, { loop }), ValueError);
  assert.equal(await loop.runUntilComplete(task), 1);
});

test("without a loop, a future is enough, anything else is a RuntimeError", () => {
  using loop = newLoop();
  const future = loop.createFuture();
  assert.equal(ensureFuture(future), future);
  assert.throws(() => ensureFuture(() => 1), RuntimeError);
});
