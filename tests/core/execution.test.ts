import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import {
  asyncGenerator,
  createTask,
  Future,
  gather,
  getRunningLoop,
  sleep,
  TaskGroup,
  timeout,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { newLoop } from "../helpers.ts";

const storage = new AsyncLocalStorage<string>();

inEachFlavour(
  "a task sees the AsyncLocalStorage of the place where it was made",
  function* ({ on, coroutine }) {
    const look = coroutine(function* () {
      const seen = [storage.getStore()];
      yield* on(sleep(0));
      seen.push(storage.getStore());
      yield* on(sleep(1));
      seen.push(storage.getStore());
      return seen;
    });
    const first = storage.run("first", () => createTask(look()));
    const second = storage.run("second", () => createTask(look()));
    const none = createTask(look());
    assert.deepEqual(yield* on(gather(first, second, none)), [
      Array(3).fill("first"),
      Array(3).fill("second"),
      Array(3).fill(undefined),
    ]);
  },
);

inEachFlavour(
  "callbacks, timers and done-callbacks see the AsyncLocalStorage of their making",
  function* ({ on }) {
    const loop = getRunningLoop();
    const log: (string | undefined)[] = [];
    const note = () => log.push(storage.getStore());
    const future = new Future();
    storage.run("soon", () => loop.callSoon(note));
    storage.run("later", () => loop.callLater(1, note));
    storage.run("done", () => future.addDoneCallback(note));
    storage.run("canceller", () => loop.callLater(2, () => future.cancel()));
    yield* on(sleep(3));
    assert.deepEqual(log, ["soon", "later", "done"]);
  },
);

inEachFlavour("what a callback enters is not seen by the next one", function* ({ on }) {
  const loop = getRunningLoop();
  const log: (string | undefined)[] = [];
  loop.callSoon(() => storage.enterWith("leaked"));
  loop.callSoon(() => log.push(storage.getStore()));
  yield* on(sleep(0));
  log.push(storage.getStore());
  assert.deepEqual(log, [undefined, undefined]);
});

test("a task that enters a store keeps it across its awaits, and to itself", async () => {
  using loop = newLoop();
  const worker = async (name: string) => {
    storage.enterWith(name);
    await sleep(1);
    const seen = [storage.getStore()];
    await timeout(5, async () => {
      await sleep(1);
      seen.push(storage.getStore());
    });
    await TaskGroup.run(async (group) => {
      group.createTask(async () => void seen.push(storage.getStore()));
    });
    return seen;
  };
  const main = async () => {
    const seen = await gather(
      () => worker("a"),
      () => worker("b"),
    );
    return [...seen, storage.getStore()];
  };
  assert.deepEqual(await loop.runUntilComplete(main), [Array(3).fill("a"), Array(3).fill("b"), undefined]);
});

test("the store of whoever runs the loop is seen in main, and is intact behind the run", async () => {
  using loop = newLoop();
  await storage.run("outside", async () => {
    const seen = await loop.runUntilComplete(async () => {
      await sleep(1);
      return storage.getStore();
    });
    assert.equal(seen, "outside");
    assert.equal(storage.getStore(), "outside");
  });
});

test("a store entered by storage.run inside a task holds across awaits of ours", async () => {
  using loop = newLoop();
  const seen = await loop.runUntilComplete(async () => {
    const inside = await storage.run("inside", async () => {
      await sleep(1);
      return [storage.getStore(), await createTask(async () => storage.getStore())];
    });
    return [...inside, storage.getStore()];
  });
  assert.deepEqual(seen, ["inside", "inside", undefined]);
});

test("an async generator sees the store of whoever asks it for a value", async () => {
  using loop = newLoop();
  const look = asyncGenerator(async function* () {
    await sleep(1);
    yield storage.getStore();
  });
  const first = async () => (await look().next()).value;
  const seen = await loop.runUntilComplete(() => storage.run("asker", first));
  assert.equal(seen, "asker");
});
