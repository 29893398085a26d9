/** `node async.ts NAME[,NAME…] SIZE`: programs of async functions. Those of generator.ts and python.py do the same. */

import {
  createSubprocessExec,
  createTask,
  Event,
  type Future,
  gather,
  getRunningLoop,
  Lock,
  Queue,
  run,
  sleep,
  TaskGroup,
  timeout,
  waitFor,
} from "../../src/index.ts";
import { BATCH, measure, type Program, rounds } from "./measure.ts";

async function nap(): Promise<void> {
  await sleep(0);
}

async function naps(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await sleep(0);
}

async function switches(size: number): Promise<void> {
  const count = Math.min(size, 1000);
  const tasks = Array.from({ length: count }, () => createTask(() => naps(rounds(size, count))));
  for (const task of tasks) await task;
}

async function spawn(size: number): Promise<void> {
  const count = Math.min(size, BATCH);
  for (let i = 0; i < rounds(size, count); i++) {
    const tasks = Array.from({ length: count }, () => createTask(nap));
    for (const task of tasks) await task;
  }
}

async function play(balls: Future<void>[], me: number, times: number): Promise<void> {
  const loop = getRunningLoop();
  for (let i = 0; i < times; i++) {
    await balls[me]!;
    balls[me] = loop.createFuture();
    balls[1 - me]!.setResult(undefined);
  }
}

async function handOver(size: number): Promise<void> {
  const loop = getRunningLoop();
  const balls = [loop.createFuture<void>(), loop.createFuture<void>()];
  const players = [0, 1].map((me) => createTask(() => play(balls, me, rounds(size, 2))));
  balls[0]!.setResult(undefined);
  for (const player of players) await player;
}

async function put(queue: Queue<number>, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await queue.put(i);
}

async function get(queue: Queue<number>, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await queue.get();
}

async function passThrough(size: number, pairs: number): Promise<void> {
  const queue = new Queue<number>(10);
  const times = rounds(size, pairs);
  const putting = Array.from({ length: pairs }, () => createTask(() => put(queue, times)));
  const getting = Array.from({ length: pairs }, () => createTask(() => get(queue, times)));
  for (const task of [...putting, ...getting]) await task;
}

async function hold(lock: Lock, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    using _guard = await lock.acquire();
    await sleep(0);
  }
}

async function contend(size: number): Promise<void> {
  const lock = new Lock();
  const tasks = Array.from({ length: 10 }, () => createTask(() => hold(lock, rounds(size, 10))));
  for (const task of tasks) await task;
}

async function waitForAll(events: readonly Event[]): Promise<void> {
  for (const event of events) await event.wait();
}

async function broadcast(size: number): Promise<void> {
  const count = Math.min(size, BATCH);
  const events = Array.from({ length: rounds(size, count) }, () => new Event());
  const tasks = Array.from({ length: count }, () => createTask(() => waitForAll(events)));
  await sleep(0);
  for (const event of events) {
    event.set();
    await sleep(0);
  }
  for (const task of tasks) await task;
}

async function gatherBatches(size: number): Promise<void> {
  const count = Math.min(size, BATCH);
  for (let i = 0; i < rounds(size, count); i++) {
    // Each a function of its own: what is given twice is waited for once.
    await gather(...Array.from({ length: count }, () => () => nap()));
  }
}

async function group(count: number): Promise<void> {
  await new TaskGroup().run((tasks) => {
    for (let i = 0; i < count; i++) tasks.createTask(nap);
  });
}

async function groups(size: number): Promise<void> {
  const count = Math.min(size, BATCH);
  for (let i = 0; i < rounds(size, count); i++) await group(count);
}

async function waitsFor(size: number): Promise<void> {
  for (let i = 0; i < size; i++) await waitFor(nap, 10);
}

async function timeouts(size: number): Promise<void> {
  for (let i = 0; i < size; i++) await timeout(10, nap);
}

async function nest(depth: number): Promise<void> {
  if (depth === 1) await sleep(0);
  else await nest(depth - 1);
}

async function depth(size: number): Promise<void> {
  for (let i = 0; i < size; i++) await nest(20);
}

const nothing = () => {};

async function callSoon(size: number): Promise<void> {
  const loop = getRunningLoop();
  const count = Math.min(size, BATCH);
  for (let i = 0; i < rounds(size, count); i++) {
    for (let k = 0; k < count; k++) loop.callSoon(nothing);
    await sleep(0);
  }
}

async function callLater(size: number): Promise<void> {
  const loop = getRunningLoop();
  const count = Math.min(size, BATCH);
  for (let i = 0; i < rounds(size, count); i++) {
    const timers = Array.from({ length: count }, () => loop.callLater(10, nothing));
    for (const timer of timers) timer.cancel();
    await sleep(0);
  }
}

async function subprocess(size: number): Promise<void> {
  for (let i = 0; i < size; i++) {
    const process = await createSubprocessExec("/bin/true");
    await process.wait();
  }
}

const absolute = (value: number) => Math.abs(value);

async function thread(size: number): Promise<void> {
  const loop = getRunningLoop();
  for (let i = 0; i < size; i++) await loop.runInExecutor(null, absolute, i);
}

const programs: Record<string, Program<Promise<void>>> = {
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
  "call-soon": callSoon,
  "call-later": callLater,
  subprocess,
  thread,
};

await run(() => measure(programs, (program, size) => createTask(() => program(size))));
