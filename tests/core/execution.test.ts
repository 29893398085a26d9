import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import {
  asCompleted,
  asyncGenerator,
  Condition,
  Context,
  ContextVar,
  createTask,
  Event,
  ensureFuture,
  Future,
  gather,
  getRunningLoop,
  Lock,
  Queue,
  shield,
  sleep,
  TaskGroup,
  timeout,
  wait,
  waitFor,
} from "../../src/index.ts";
import { type Flavour, inEachFlavour, type Steps } from "../flavours.ts";
import { newLoop } from "../helpers.ts";

const storage = new AsyncLocalStorage<string>();
const variable = new ContextVar<string>("variable");

/** Call `fn` in one second, in a callback in which both have another value. */
function elsewhere(fn: () => unknown): void {
  const context = new Context();
  context.run(() => variable.set("another"));
  storage.run("another", () => getRunningLoop().callLater(1, () => fn(), { context }));
}

/** What a task may do; `note` is called wherever the task's own code, or what it has scheduled, runs. */
const doings: Record<string, (flavour: Flavour, note: () => void) => Steps<unknown>> = {
  *sleep({ on }, note) {
    yield* on(sleep(0));
    note();
    yield* on(sleep(1));
    note();
  },
  *callSoon({ on }, note) {
    getRunningLoop().callSoon(note);
    yield* on(sleep(1));
  },
  *callLater({ on }, note) {
    getRunningLoop().callLater(1, note);
    yield* on(sleep(2));
  },
  *callAt({ on }, note) {
    getRunningLoop().callAt(getRunningLoop().time() + 1, note);
    yield* on(sleep(2));
  },
  *"addDoneCallback, done elsewhere"({ on }, note) {
    const future = new Future<void>();
    future.addDoneCallback(note);
    elsewhere(() => future.setResult());
    yield* on(future);
    note();
    yield* on(sleep(1));
  },
  *createTask({ on, coroutine }, note) {
    yield* on(createTask(noting(coroutine, on, note)()));
    note();
  },
  *"createTask, eager"({ on, coroutine }, note) {
    yield* on(createTask(noting(coroutine, on, note)(), { eagerStart: true }));
    note();
  },
  *gather({ on, coroutine }, note) {
    const work = noting(coroutine, on, note);
    yield* on(gather(work(), work));
    note();
  },
  *wait({ on, coroutine }, note) {
    yield* on(wait([createTask(noting(coroutine, on, note)())]));
    note();
  },
  *waitFor({ on, coroutine }, note) {
    yield* on(waitFor(noting(coroutine, on, note)(), 5));
    note();
  },
  *timeout({ on, coroutine }, note) {
    yield* on(timeout(5, noting(coroutine, on, note)));
    note();
  },
  *"timeout that strikes"({ on }, note) {
    try {
      yield* on(timeout(1, () => sleep(2)));
    } catch {
      note();
    }
  },
  *TaskGroup({ on, body, coroutine }, note) {
    const work = noting(coroutine, on, note);
    const inGroup = body(function* (group: TaskGroup) {
      group.createTask(work());
      yield* on(sleep(1));
      note();
    });
    yield* on(TaskGroup.run(inGroup));
    note();
  },
  *asCompleted({ on, coroutine }, note) {
    for (const next of asCompleted([noting(coroutine, on, note)(), sleep(3)])) {
      yield* on(next);
      note();
    }
  },
  *shield({ on, coroutine }, note) {
    yield* on(shield(noting(coroutine, on, note)));
    note();
  },
  *"Event.wait, set elsewhere"({ on }, note) {
    const event = new Event();
    elsewhere(() => event.set());
    yield* on(event.wait());
    note();
  },
  *"Queue.get, put elsewhere"({ on }, note) {
    const queue = new Queue<number>();
    elsewhere(() => queue.putNowait(1));
    yield* on(queue.get());
    note();
  },
  *"Lock.acquire, released elsewhere"({ on }, note) {
    const lock = new Lock();
    yield* on(lock.acquire());
    elsewhere(() => lock.release());
    yield* on(lock.acquire());
    note();
  },
  *"Condition.waitFor, notified elsewhere"({ on }, note) {
    const condition = new Condition();
    let ready = false;
    yield* on(condition.acquire());
    elsewhere(async () => {
      using _held = await condition.acquire();
      ready = true;
      condition.notifyAll();
    });
    const predicate = () => {
      note();
      return ready;
    };
    yield* on(condition.waitFor(predicate));
    note();
  },
  *"a promise that is settled elsewhere"({ on }, note) {
    const { promise, resolve } = Promise.withResolvers<void>();
    elsewhere(resolve);
    yield* on(ensureFuture(promise));
    note();
  },
  *"an async generator"({ on }, note) {
    const generator = asyncGenerator(async function* () {
      note();
      await sleep(1);
      note();
      yield 1;
      note();
    })();
    while (!(yield* on(generator.next())).done) note();
  },
  *"the exception handler of a callback that fails"({ on }, note) {
    const loop = getRunningLoop();
    loop.setExceptionHandler(note);
    loop.callSoon(() => {
      throw new Error("mine");
    });
    yield* on(sleep(1));
  },
};

function noting(coroutine: Flavour["coroutine"], on: Flavour["on"], note: () => void) {
  return coroutine(function* () {
    note();
    yield* on(sleep(1));
    note();
  });
}

for (const [name, doing] of Object.entries(doings)) {
  inEachFlavour(`every storage and variable has the task's value in: ${name}`, function* (flavour) {
    const seen: string[] = [];
    const note = () => void seen.push(`${storage.getStore()}, ${variable.get("none")}`);
    const work = flavour.coroutine(function* () {
      variable.set("own");
      yield* doing(flavour, note);
    });
    yield* flavour.on(storage.run("own", () => createTask(work())));
    assert.ok(seen.length > 0);
    assert.deepEqual(new Set(seen), new Set(["own, own"]));
  });
}

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

inEachFlavour("a task keeps a store that it enters across its waits", function* ({ on, body }) {
  const task = createTask(
    body(function* () {
      storage.enterWith("entered");
      yield* on(sleep(0));
      const seen = [storage.getStore()];
      yield* on(sleep(1));
      return [...seen, storage.getStore()];
    }),
  );
  assert.deepEqual(yield* on(task), ["entered", "entered"]);
  assert.equal(storage.getStore(), undefined, "and to itself");
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
