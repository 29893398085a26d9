/** Ctrl-C in the terminal while servers, workers and jobs run, in several processes: nobody is left behind. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Bench, job, until } from "../executors/bullmq/bench.ts";
import { redisSkip } from "../executors/bullmq/redis.ts";
import { HANDLERS } from "../serve/support.ts";
import { CTRL_C, skip, Terminal } from "../terminal.ts";

const INDEX = new URL("../../src/index.ts", import.meta.url).href;
const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const JOBS = fileURLToPath(new URL("../executors/bullmq/jobs.ts", import.meta.url));
const EXAMPLE = fileURLToPath(new URL("../../examples/distributed-map.ts", import.meta.url));

const options = { skip, timeout: 90_000 };
const withRedis = { skip: skip || redisSkip, timeout: 90_000 };

for (const [kind, request] of [
  ["process", "endless"],
  ["process", "spin"],
  ["thread", "endless"],
  ["thread", "spin"],
]) {
  test(`Ctrl-C ends a server and its workers (${kind}), whatever they do (${request})`, options, async () => {
    await using terminal = new Terminal(process.execPath, [
      "--input-type=module",
      "--eval",
      `
      import { Cluster, run, work } from ${JSON.stringify(INDEX)};
      await run(async () => {
        await using cluster = new Cluster(work(${JSON.stringify(HANDLERS.href)}, "obey"), {
          host: "127.0.0.1", kind: "${kind}", workers: 2, drain: 0.1, grace: 0.2,
        });
        await cluster.start();
        console.log("port " + cluster.addresses[0][1] + " ready");
        await cluster.serveForever();
      });
      `,
    ]);
    await terminal.shows(" ready");
    const client = connect(Number(/port (\d+)/.exec(terminal.screen)![1]), "127.0.0.1");
    client.on("error", () => {});
    client.write(`${request}\n`);
    await new Promise((resolve) => client.once("data", resolve));
    assert.equal(terminal.processes().length, kind === "process" ? 3 : 1);
    terminal.type(CTRL_C);
    assert.deepEqual(await terminal.ended, { code: 130, signal: null }, terminal.screen);
    assert.deepEqual(await terminal.left(), []);
    client.destroy();
  });
}

/** A worker at whose terminal the test sits, with a job that has begun. */
async function workerAt(bench: Bench, name: "alwaysStuck" | "spin", ...args: string[]): Promise<Terminal> {
  const command = [MAIN, "worker", "--redis", bench.server.url, ...args, JOBS];
  const terminal = new Terminal(process.execPath, command);
  await terminal.shows("ready");
  await using queue = bench.executor();
  const future = name === "spin" ? queue.submit(job(name)) : queue.submit(job(name), bench.port, "pids");
  await until(() => future.running());
  return terminal;
}

test("Ctrl-C ends a worker: its job goes back into the queue", withRedis, async () => {
  await using bench = await Bench.start();
  await using terminal = await workerAt(bench, "alwaysStuck", "--grace", "0");
  terminal.type(CTRL_C);
  assert.deepEqual(await terminal.ended, { code: 0, signal: null }, terminal.screen);
  assert.match(terminal.screen, /SIGINT: jobs that run have 0 s to end/);
  assert.deepEqual(await terminal.left(), []);
});

for (const [name, ...args] of [["alwaysStuck"], ["spin", "--threads", "1"]] as const) {
  test(`a second Ctrl-C ends a worker at once (${name})`, withRedis, async () => {
    await using bench = await Bench.start();
    await using terminal = await workerAt(bench, name, "--grace", "3600", ...args);
    terminal.type(CTRL_C);
    await terminal.shows("SIGINT: jobs that run have 3600 s to end");
    terminal.type(CTRL_C);
    assert.deepEqual(await terminal.ended, { code: 130, signal: null }, terminal.screen);
    assert.deepEqual(await terminal.left(), []);
  });
}

function isRunning(pid: number, program: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(program);
  } catch {
    return false;
  }
}

test("Ctrl-C ends the distributed map, its Redis and its workers", withRedis, async () => {
  await using terminal = new Terminal(process.execPath, [EXAMPLE]);
  const workers = () => terminal.processes().filter((pid) => isRunning(pid, MAIN));
  await until(() => workers().length === 2);
  terminal.type(CTRL_C);
  assert.deepEqual(await terminal.ended, { code: 130, signal: null }, terminal.screen);
  assert.deepEqual(await terminal.left(), []);
});
