/** `node generator.ts NAME[,NAME…] SIZE`: programs of generator tasks. Those of async.ts and python.py do the same. */

import {
  createTask,
  Event,
  type Future,
  gather,
  getRunningLoop,
  Lock,
  Queue,
  run,
  type Suspension,
  sleep,
  TaskGroup,
  timeout,
  waitFor,
} from "../../src/index.ts";
import { BATCH, measure, type Program, rounds } from "./measure.ts";

type Steps = Generator<Suspension, void, unknown>;

function* nap(): Steps {
  yield* sleep(0);
}

function* naps(count: number): Steps {
  for (let i = 0; i < count; i++) yield* sleep(0);
}

function* switches(size: number): Steps {
  const count = Math.min(size, 1000);
  const tasks = Array.from({ length: count }, () => createTask(naps(rounds(size, count))));
  for (const task of tasks) yield* task;
}

function* spawn(size: number): Steps {
  const count = Math.min(size, BATCH);
  for (let i = 0; i < rounds(size, count); i++) {
    const tasks = Array.from({ length: count }, () => createTask(nap()));
    for (const task of tasks) yield* task;
  }
}

function* play(balls: Future<void>[], me: number, times: number): Steps {
  const loop = getRunningLoop();
  for (let i = 0; i < times; i++) {
    yield* balls[me]!;
    balls[me] = loop.createFuture();
    balls[1 - me]!.setResult(undefined);
  }
}

function* handOver(size: number): Steps {
  const loop = getRunningLoop();
  const balls = [loop.createFuture<void>(), loop.createFuture<void>()];
  const players = [0, 1].map((me) => createTask(play(balls, me, rounds(size, 2))));
  balls[0]!.setResult(undefined);
  for (const player of players) yield* player;
}

function* put(queue: Queue<number>, times: number): Steps {
  for (let i = 0; i < times; i++) yield* queue.put(i);
}

function* get(queue: Queue<number>, times: number): Steps {
  for (let i = 0; i < times; i++) yield* queue.get();
}

function* passThrough(size: number, pairs: number): Steps {
  const queue = new Queue<number>(10);
  const times = rounds(size, pairs);
  const putting = Array.from({ length: pairs }, () => createTask(put(queue, times)));
  const getting = Array.from({ length: pairs }, () => createTask(get(queue, times)));
  for (const task of [...putting, ...getting]) yield* task;
}

function* hold(lock: Lock, times: number): Steps {
  for (let i = 0; i < times; i++) {
    using _guard = yield* lock.acquire();
    yield* sleep(0);
  }
}

function* contend(size: number): Steps {
  const lock = new Lock();
  const tasks = Array.from({ length: 10 }, () => createTask(hold(lock, rounds(size, 10))));
  for (const task of tasks) yield* task;
}

function* waitForAll(events: readonly Event[]): Steps {
  for (const event of events) yield* event.wait();
}

function* broadcast(size: number): Steps {
  const count = Math.min(size, BATCH);
  const events = Array.from({ length: rounds(size, count) }, () => new Event());
  const tasks = Array.from({ length: count }, () => createTask(waitForAll(events)));
  yield* sleep(0);
  for (const event of events) {
    event.set();
    yield* sleep(0);
  }
  for (const task of tasks) yield* task;
}

function* gatherBatches(size: number): Steps {
  const count = Math.min(size, BATCH);
  for (let i = 0; i < rounds(size, count); i++) {
    yield* gather(...Array.from({ length: count }, () => nap()));
  }
}

function* group(count: number): Steps {
  yield* new TaskGroup().run((tasks) => {
    for (let i = 0; i < count; i++) tasks.createTask(nap());
  });
}

function* groups(size: number): Steps {
  const count = Math.min(size, BATCH);
  for (let i = 0; i < rounds(size, count); i++) yield* group(count);
}

function* waitsFor(size: number): Steps {
  for (let i = 0; i < size; i++) yield* waitFor(nap, 10);
}

function* timeouts(size: number): Steps {
  for (let i = 0; i < size; i++) yield* timeout(10, nap);
}

function* nest(depth: number): Steps {
  if (depth === 1) yield* sleep(0);
  else yield* nest(depth - 1);
}

function* depth(size: number): Steps {
  for (let i = 0; i < size; i++) yield* nest(20);
}

const programs: Record<string, Program<Steps>> = {
  switch: switches,
  spawn,
  "hand-over": handOver,
  "queue-1": (size) => passThrough(size, 1),
  "queue-10": (size) => passThrough(size, 10),
  lock: contend,
  event: broadcast,
  gather: gatherBatches,
  "task-group": groups,
  "wait-for": waitsFor,
  timeout: timeouts,
  depth,
};

await run(() => measure(programs, (program, size) => createTask(program(size))));
