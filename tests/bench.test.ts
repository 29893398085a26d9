import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { trials } from "../bench/programs/workloads.ts";
import { NODE_FLAGS } from "../bench/sides.ts";
import { WORKLOADS } from "../bench/workloads.ts";

const MAIN = new URL("../bench/main.ts", import.meta.url).pathname;
const LIBRARY = new URL("../src/index.ts", import.meta.url).pathname;

/** What is run together, by the beginnings of names, and at which size: too small to measure anything. */
const TRIALS: Readonly<Record<string, readonly string[]>> = {
  "servers of protocols": ["tcp", "unix", "udp", "buffered"],
  "servers of streams and sockets": ["streams", "sock", "idle"],
  "servers that speak TLS, and portable ones": ["tls", "portable"],
  "servers that speak HTTP": ["http"],
  "memory and start": ["task-memory", "start"],
};
const SIZE = "10";

interface Results {
  workload: string;
  series: { side: string; figures: Record<string, number>[] }[];
  missing: string[];
  ratios: { ours: string; theirs: string; ratio: { median: number } }[];
}

let cache: string;

async function bench(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args], {
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  });
  return stdout;
}

/** Every side that is here did its work, and none is left out without a reason. */
function check({ workload, series, missing, ratios }: Results): void {
  const sides = WORKLOADS.find(({ name }) => name === workload)!.sides;
  assert.equal(series.length + missing.length, sides.length);
  for (const { side, figures } of series) {
    assert.ok(Object.values(figures[0]!).every(Number.isFinite), `${workload}, ${side}`);
  }
  for (const { ours, theirs, ratio } of ratios) {
    assert.ok(Number.isFinite(ratio.median), `${workload}, ${ours} and ${theirs}`);
  }
}

describe("the benchmarks", { concurrency: 3 }, () => {
  before(async () => {
    // The library is started some fifty times: compiling it each time would take longer than all the rest.
    cache = await mkdtemp(join(tmpdir(), "bench-test-"));
    const env = { ...process.env, NODE_COMPILE_CACHE: cache };
    await promisify(execFile)(process.execPath, [...NODE_FLAGS, LIBRARY], { env });
  });
  after(() => rm(cache, { recursive: true }));

  for (const [title, names] of Object.entries(TRIALS)) {
    test(`of ${title} run on all sides that are here`, async () => {
      const all = JSON.parse(await bench(...names, "--json", "--rounds", "1", "--size", SIZE)) as Results[];
      assert.ok(all.length >= names.length);
      all.forEach(check);
    });
  }

  // All in one process of each runner: the library takes longer to start than any of them at this size.
  for (const [runner, [program, ...args]] of trials()) {
    test(`of tasks, callbacks, processes and threads run (${runner})`, async () => {
      const env = { ...process.env, NODE_COMPILE_CACHE: cache };
      const { stdout } = await promisify(execFile)(program, [...args, SIZE], { env });
      assert.ok(JSON.parse(stdout).operations > 0);
    });
  }

  test("a number of rounds that is none is an error that tells it", async () => {
    await assert.rejects(bench("tcp", "--rounds", "0"), /--rounds must be a whole number from 1 on, not 0/);
  });

  test("the list tells all names", async () => {
    const names = (await bench("--list")).split("\n").map((line) => line.split(",")[0]);
    assert.deepEqual(names, [...WORKLOADS.map(({ name }) => name), ""]);
  });
});
