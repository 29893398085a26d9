/** `node node.ts NAME[,NAME…] SIZE`: what there is of the programs in Node alone. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { BATCH, measure, type Program, rounds } from "./measure.ts";

async function nap(): Promise<void> {
  await turn();
}

async function promises(size: number): Promise<void> {
  const count = Math.min(size, BATCH);
  for (let i = 0; i < rounds(size, count); i++) {
    await Promise.all(Array.from({ length: count }, () => nap()));
  }
}

const nothing = () => {};

async function callSoon(size: number): Promise<void> {
  const count = Math.min(size, BATCH);
  for (let i = 0; i < rounds(size, count); i++) {
    for (let k = 0; k < count; k++) setImmediate(nothing);
    await turn();
  }
}

async function callLater(size: number): Promise<void> {
  const count = Math.min(size, BATCH);
  for (let i = 0; i < rounds(size, count); i++) {
    const timers = Array.from({ length: count }, () => setTimeout(nothing, 10_000));
    for (const timer of timers) clearTimeout(timer);
    await turn();
  }
}

async function subprocess(size: number): Promise<void> {
  for (let i = 0; i < size; i++) await once(spawn("/bin/true", { stdio: "inherit" }), "exit");
}

const ABSOLUTE = `
  const { parentPort } = require("node:worker_threads");
  parentPort.on("message", (value) => parentPort.postMessage(Math.abs(value)));
`;

/** Kept from one run to the next, as pools keep theirs. */
let worker: Worker | undefined;
let answered: () => void = nothing;

function startWorker(): Worker {
  // One listener for all answers: to add one for each of them costs as much as the round trip.
  return new Worker(ABSOLUTE, { eval: true }).on("message", () => answered());
}

async function thread(size: number): Promise<void> {
  worker ??= startWorker();
  for (let i = 0; i < size; i++) {
    const answer = new Promise<void>((resolve) => {
      answered = resolve;
    });
    worker.postMessage(i);
    await answer;
  }
}

const programs: Record<string, Program<Promise<void>>> = {
  spawn: promises,
  gather: promises,
  "call-soon": callSoon,
  "call-later": callLater,
  subprocess,
  thread,
};

await measure(programs, (program, size) => program(size));
await worker?.terminate();
