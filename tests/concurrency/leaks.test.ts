import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  asCompleted,
  Barrier,
  type BaseEventLoop,
  CancelledError,
  Condition,
  ContextVar,
  createTask,
  currentSignal,
  Event,
  ensureFuture,
  FIRST_COMPLETED,
  Future,
  gather,
  getRunningLoop,
  Lock,
  Queue,
  Semaphore,
  shield,
  sleep,
  TaskGroup,
  TimeoutError,
  timeout,
  wait,
  waitFor,
} from "../../src/index.ts";
import { type Flavour, flavours, type Steps } from "../flavours.ts";
import { newLoop, rejects } from "../helpers.ts";

/** What a program has from its start to its end, and waits at over and over again: none of it ever comes to pass. */
class LongLived {
  readonly future: Future<void>;
  readonly event = new Event();
  readonly queue = new Queue<void>();
  readonly fullQueue = new Queue<void>(1);
  readonly condition = new Condition();
  readonly semaphore = new Semaphore(0);
  readonly lock = new Lock();
  readonly barrier = new Barrier(2);
  readonly abort = new AbortController();
  readonly variable = new ContextVar<object>("variable");
  readonly #loop: BaseEventLoop;

  constructor(loop: BaseEventLoop) {
    this.#loop = loop;
    this.future = loop.createFuture<void>();
    this.fullQueue.putNowait();
  }

  /** Somebody else has the lock. */
  *takeLock({ on }: Flavour): Steps<void> {
    yield* on(this.lock.acquire());
  }

  assertNobodyWaits(): void {
    assert.deepEqual([this.future, this.event, this.queue, this.fullQueue].map(String), [
      "<Future pending>",
      "<Event [unset, waiters:0]>",
      "<Queue maxsize=0 items=[]>",
      "<Queue maxsize=1 items=[ undefined ] unfinished=1>",
    ]);
    assert.deepEqual([this.condition, this.semaphore, this.lock, this.barrier].map(String), [
      "<Condition [unlocked, waiters:0]>",
      "<Semaphore [locked, waiters:0]>",
      "<Lock [locked, waiters:0]>",
      "<Barrier [filling, waiters:0/2]>",
    ]);
    assert.equal(getEventListeners(this.abort.signal, "abort").length, 0);
    assert.equal(this.#loop.tasks.empty, true);
    assert.ok(this.#loop.timers.size <= 101, `${this.#loop.timers.size} timers are left`);
  }
}

type Habit = (flavour: Flavour, longLived: LongLived) => Steps<unknown>;

/** Wait for `steps` that are given up by a timeout. */
function timesOut(steps: Steps<unknown>): Steps<TimeoutError> {
  return rejects(steps, TimeoutError);
}

function* cancelledWhileWaiting({ on }: Flavour, start: () => Future<unknown>): Steps<void> {
  const waiting = start();
  yield* on(sleep(0));
  waiting.cancel();
  yield* on(wait([waiting]));
}

/** What a program may do over and over again, for years. */
const habits: Record<string, Habit> = {
  "waitFor that times out": ({ on }, { future }) => timesOut(on(waitFor(shield(future), 0.001))),

  "waitFor without patience": ({ on }, { future }) => timesOut(on(waitFor(shield(future), 0))),

  "waitFor that comes in time": ({ on }) => on(waitFor(sleep(0), 1e6)),

  "timeout that strikes": ({ on, body }, { future }) =>
    timesOut(
      on(
        timeout(
          0.001,
          body(() => on(shield(future))),
        ),
      ),
    ),

  "timeout that does not strike": ({ on, body }) =>
    on(
      timeout(
        1e6,
        body(() => on(sleep(0))),
      ),
    ),

  "a long sleep that is given up": ({ on }) => timesOut(on(waitFor(sleep(1e6), 0.001))),

  "wait with a timeout": ({ on }, { future }) => on(wait([future], { timeout: 0 })),

  *"wait in which another one wins"({ on }, { future }) {
    const winner = new Future<void>();
    getRunningLoop().callSoon(() => winner.setResult());
    yield* on(wait([future, winner], { returnWhen: FIRST_COMPLETED, timeout: 1e6 }));
  },

  "wait that is cancelled": (flavour, { future }) =>
    cancelledWhileWaiting(flavour, () => ensureFuture(wait([future]))),

  "shield behind which a task is cancelled": (flavour, { future }) =>
    cancelledWhileWaiting(flavour, () => createTask(flavour.body(() => flavour.on(shield(future))))),

  *"asCompleted that times out"({ on }, { future }) {
    for (const next of asCompleted([future], { timeout: 0 })) yield* timesOut(on(next));
  },

  *"asCompleted of which only the first counts"({ on }, { future }) {
    for (const next of asCompleted([future, sleep(0)])) {
      yield* on(next);
      break;
    }
  },

  *"gather that is cancelled"({ on }, { future }) {
    const all = gather(shield(future), shield(future));
    all.cancel();
    yield* rejects(on(all), CancelledError);
  },

  *"gather of shields of which one fails"({ on }, { future }) {
    const failing = new Future();
    failing.setException(new TimeoutError());
    const rest = shield(future);
    yield* timesOut(on(gather(rest, failing)));
    rest.cancel();
    yield* on(sleep(0));
  },

  *"gather of tasks"({ on, coroutine }) {
    const once = coroutine(() => on(sleep(0)));
    yield* on(gather(once(), once()));
  },

  *"TaskGroup whose children end"({ on, body }) {
    const once = body(() => on(sleep(0)));
    yield* on(
      TaskGroup.run(
        body(function* (group) {
          for (let i = 0; i < 3; i++) group.createTask(once);
        }),
      ),
    );
  },

  "a TaskGroup whose children are given up": ({ on, body }, { future }) =>
    timesOut(
      on(
        timeout(
          0.001,
          body(() =>
            on(
              TaskGroup.run(
                body(function* (group) {
                  group.createTask(body(() => on(shield(future))));
                }),
              ),
            ),
          ),
        ),
      ),
    ),

  *"a group that outlives its children"({ on, body }) {
    const group = new TaskGroup();
    yield* on(
      group.run(
        body(function* () {
          for (let i = 0; i < 3; i++) yield* on(group.createTask(body(() => on(sleep(0)))));
        }),
      ),
    );
  },

  "Event.wait that times out": ({ on }, { event }) => timesOut(on(waitFor(event.wait(), 0.001))),

  "Queue.get that times out": ({ on }, { queue }) => timesOut(on(waitFor(queue.get(), 0.001))),

  "Queue.put that times out": ({ on }, { fullQueue }) => timesOut(on(waitFor(fullQueue.put(), 0.001))),

  "Queue.join that times out": ({ on }, { fullQueue }) => timesOut(on(waitFor(fullQueue.join(), 0.001))),

  *"items that go through a queue"({ on }, { queue }) {
    yield* on(queue.put());
    yield* on(queue.get());
    queue.taskDone();
  },

  *"Condition.wait that times out"({ on }, { condition }) {
    using _held = yield* on(condition.acquire());
    yield* timesOut(on(waitFor(condition.wait(), 0.001)));
  },

  "Semaphore.acquire that times out": ({ on }, { semaphore }) =>
    timesOut(on(waitFor(semaphore.acquire(), 0.001))),

  "Lock.acquire that times out": ({ on }, { lock }) => timesOut(on(waitFor(lock.acquire(), 0.001))),

  "Barrier.wait that times out": ({ on }, { barrier }) => timesOut(on(waitFor(barrier.wait(), 0.001))),

  *"a done callback that is taken back"(_, { future }) {
    const callback = () => {};
    future.addDoneCallback(callback);
    future.removeDoneCallback(callback);
  },

  *"a task with a signal"({ on, body }, { abort: { signal } }) {
    yield* on(
      createTask(
        body(() => on(sleep(0))),
        { signal },
      ),
    );
  },

  *"the signal of a task, listened to until it ends"({ on, body }, { future }) {
    const listening = body(function* () {
      currentSignal().addEventListener("abort", () => {});
      yield* on(shield(future));
    });
    const task = createTask(listening);
    yield* on(sleep(0));
    task.cancel();
    yield* on(wait([task]));
  },

  *"the signal of a task, together with one that lives long"({ on, body }, { abort: { signal } }) {
    const listening = body(function* () {
      const either = AbortSignal.any([currentSignal(), signal]);
      either.throwIfAborted();
      yield* on(sleep(0));
    });
    yield* on(createTask(listening));
  },

  *"callbacks and timers, called and cancelled"({ on }, { variable }) {
    const loop = getRunningLoop();
    variable.set({});
    loop.callSoon(() => variable.set({}));
    loop.callSoon(() => {}).cancel();
    loop.callLater(1e6, () => {}).cancel();
    yield* on(sleep(0));
  },

  *"a variable that is set and reset"(_, { variable }) {
    using _token = variable.set({});
  },

  *"tasks that are done, or cancelled before they begin"({ on, body }) {
    const once = body(() => on(sleep(0)));
    yield* on(createTask(once));
    yield* cancelledWhileWaiting({ on } as Flavour, () => createTask(once));
  },
};

const ROUNDS = 1000;

/** What the heap may grow by, in bytes: less than the smallest object that could stay behind in each round. */
const TOLERANCE = 100 * ROUNDS;

/** What the heap has grown by since it was `before`. Finalizers take their time, so it is given another chance. */
async function growthSince(before: number): Promise<number> {
  let growth = 0;
  for (let chance = 0; chance < 5; chance++) {
    globalThis.gc!();
    await turn();
    growth = process.memoryUsage().heapUsed - before;
    if (growth < TOLERANCE) break;
  }
  return growth;
}

for (const [name, habit] of Object.entries(habits)) {
  for (const flavour of flavours) {
    test(`it leaves nobody waiting, and the heap flat: ${name} (${flavour.name})`, async () => {
      using loop = newLoop();
      const longLived = new LongLived(loop);
      await loop.runUntilComplete(flavour.coroutine(() => longLived.takeLock(flavour))());
      const repeat = flavour.coroutine(function* () {
        for (let i = 0; i < ROUNDS; i++) yield* habit(flavour, longLived);
        yield* flavour.on(sleep(0));
      });
      await loop.runUntilComplete(repeat());
      const before = await growthSince(0);
      await loop.runUntilComplete(repeat());
      const grown = await growthSince(before);
      assert.ok(grown < TOLERANCE, `the heap has grown by ${grown / ROUNDS} bytes in each round`);
      longLived.assertNobodyWaits();
    });
  }
}

for (const flavour of flavours) {
  test(`20,000 times waitFor of one future leave the heap flat (${flavour.name})`, async () => {
    using loop = newLoop();
    const future = loop.createFuture<void>();
    const { on } = flavour;
    const repeat = flavour.coroutine(function* (times: number) {
      for (let i = 0; i < times; i++) yield* timesOut(on(waitFor(shield(future), 0.001)));
    });
    await loop.runUntilComplete(repeat(1000));
    const before = await growthSince(0);
    await loop.runUntilComplete(repeat(20_000));
    const grown = await growthSince(before);
    assert.ok(grown < TOLERANCE, `the heap has grown by ${grown} bytes`);
    assert.equal(String(future), "<Future pending>");
  });
}
