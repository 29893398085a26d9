import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { test } from "node:test";
import { setLogger } from "../../../src/index.ts";
import { JobError } from "../jobs.ts";
import { Bench, end, program, until } from "./bench.ts";
import { outputOf, redisSkip } from "./redis.ts";

const JOBS = 200;
const OPTIONS = ["--concurrency", "4", "--lock", "2", "--deaths", "1000"];

/** Workers that are killed by chance, and replaced. */
class Workers {
  readonly #bench: Bench;
  readonly #ready = new Set<ChildProcess>();
  readonly #starts: Promise<void>[] = [];

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  start(): void {
    this.#starts.push(
      this.#bench.worker("asyncio", ...OPTIONS).then((worker) => {
        this.#ready.add(worker);
      }),
    );
  }

  async killOne(): Promise<void> {
    await until(() => this.#ready.size > 0);
    const ready = [...this.#ready];
    const victim = ready[Math.floor(Math.random() * ready.length)]!;
    this.#ready.delete(victim);
    this.start();
    await end(victim, "SIGKILL");
  }

  async started(): Promise<void> {
    await Promise.all(this.#starts);
  }
}

/** A process that submits all jobs, and says so when they are in Redis. */
function submitter(bench: Bench): ChildProcess {
  return program(
    bench.server.url,
    `
    const queue = new BullmqExecutor("asyncio", { redis: url });
    const futures = Array.from({ length: ${JOBS} }, (_, n) => queue.with({ jobId: "job-" + n }).submit(job("tenthFails"), n));
    for (const future of futures) await future.submitted();
    console.log("submitted");
    await Promise.allSettled(futures);
    `,
  );
}

test("no job is lost, whoever dies: workers, Redis, and who submitted", {
  skip: redisSkip,
  timeout: 120_000,
}, async (t) => {
  setLogger({ debug() {}, info() {}, warn() {}, error() {} });
  t.after(() => setLogger(null));
  await using bench = await Bench.start();
  const workers = new Workers(bench);
  for (let i = 0; i < 3; i++) workers.start();
  const who = submitter(bench);
  await outputOf(who, /submitted/);
  await end(who, "SIGKILL");

  await using queue = bench.executor();
  const futures = Array.from({ length: JOBS }, (_, n) => queue.pickUp(`job-${n}`));
  const done = () => futures.filter((future) => future.done()).length;
  for (let kills = 0; kills < 6; kills++) {
    const some = 25 * kills + 25 * Math.random();
    await until(() => done() >= some);
    await workers.killOne();
    if (kills !== 3) continue;
    await bench.server.stop("SIGKILL");
    await bench.server.start();
  }
  const outcomes = await Promise.allSettled(futures);
  for (const [n, outcome] of outcomes.entries()) {
    if (outcome.status === "fulfilled") assert.deepEqual([n % 10 !== 0, outcome.value], [true, n]);
    else assert.deepEqual([n % 10, outcome.reason], [0, new JobError(n)]);
  }
  await workers.started();
});
