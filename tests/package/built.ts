/** What joining tsc's output into few files could have broken; it runs against the built package. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import * as built from "asyncio-ts";
import { BullmqExecutor } from "asyncio-ts/executors/bullmq";
import { VirtualClock } from "asyncio-ts/testing";

const ROOT = join(import.meta.dirname, "../..");

/** Files of ours that an import loads, one after the other: each costs nearly a millisecond. */
const MOST_FILES = 4;

/** Modules of Node's that take a millisecond or more to load, and that only some of what we do needs. */
const HEAVY = [
  "child_process",
  "crypto",
  "dns",
  "dns/promises",
  "fs/promises",
  "http",
  "inspector",
  "internal/fs/streams",
  "internal/webstreams/readablestream",
  "tls",
  "v8",
].map((name) => `NativeModule ${name}`);

/** What the program of a process prints that was started in the package's directory. */
function outputOf(...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout;
}

test("the built package exports what the sources do, by the same names", async () => {
  const sources: Record<string, unknown> = await import(pathToFileURL(join(ROOT, "src/index.ts")).href);
  const describe = (exports: Record<string, unknown>) =>
    Object.entries(exports).map(([key, value]) => {
      if (typeof value !== "function") return `${key}: ${typeof value}`;
      const members = [value, value.prototype ?? {}].flatMap((object) => Object.getOwnPropertyNames(object));
      return `${key}: ${value.name}/${value.length} ${members.sort().join(" ")}`;
    });
  assert.deepEqual(describe(built), describe(sources));
});

test("what the entries share is there once", async () => {
  assert.ok(BullmqExecutor.prototype instanceof built.Executor);
  assert.throws(() => new BullmqExecutor(""), built.ValueError);
  const loopFactory = () => new built.BaseEventLoop(new VirtualClock());
  await built.run(async () => built.sleep(3600), { loopFactory });
});

test("an import loads few files", () => {
  const program = `
    import { registerHooks } from "node:module";
    const files = [];
    registerHooks({
      load(url, context, nextLoad) {
        if (url.startsWith("file:")) files.push(url);
        return nextLoad(url, context);
      },
    });
    await import("asyncio-ts");
    console.log(files.join("\\n"));
  `;
  const files = outputOf("--input-type=module", "--eval", program).trim().split("\n");
  assert.equal(files[0], pathToFileURL(join(ROOT, "dist/index.js")).href);
  assert.ok(files.length <= MOST_FILES, files.join("\n"));
});

test("a program that only runs loads none of the heavy modules of Node's", () => {
  const program = `
    const before = new Set(process.moduleLoadList);
    const { run } = await import("asyncio-ts");
    await run(async () => {});
    console.log(process.moduleLoadList.filter((name) => !before.has(name)).join("\\n"));
  `;
  const loaded = outputOf("--input-type=module", "--eval", program).trim().split("\n");
  assert.ok(loaded.includes("NativeModule worker_threads"), "they are told");
  assert.deepEqual(
    loaded.filter((name) => HEAVY.includes(name)),
    [],
  );
});

test("a task's stack shows the program, and nothing of the kernel", async () => {
  const names = await built.run(async () => {
    async function outer() {
      await inner();
    }
    async function inner() {
      await built.sleep(3600);
    }
    function* running() {
      yield* built.sleep(0);
      return built.currentTask()!.getStack();
    }
    const waiting = built.createTask(outer);
    const own = await built.createTask(running);
    const stacks = [waiting.getStack(), own];
    waiting.cancel();
    return stacks.map((stack) => stack.map(({ functionName }) => functionName));
  });
  assert.deepEqual(names, [["outer", "inner", "pause"], ["running"]]);
});

test("threads and processes find their programs", async () => {
  const results = await built.run(async () => {
    await using threads = new built.ThreadPoolExecutor({ maxWorkers: 1 });
    await using processes = new built.ProcessPoolExecutor({ maxWorkers: 1 });
    const nap = built.work<typeof built.sleep>("asyncio-ts", "sleep");
    const twice = (n: number) => 2 * n;
    return await built.gather(
      threads.submit(twice, 1),
      processes.submit(twice, 2),
      threads.submit(nap, 0, "from a thread"),
      processes.submit(nap, 0, "from a process"),
    );
  });
  assert.deepEqual(results, [2, 4, "from a thread", "from a process"]);
});

for (const kind of ["thread", "process"] as const) {
  test(`a cluster finds the program of a ${kind}`, { skip: process.platform !== "linux" }, async () => {
    const greet: built.ServeHandler = (_, writer) => {
      writer.write("hello");
      writer.close();
    };
    const answer = await built.run(async () => {
      await using cluster = new built.Cluster(greet, { workers: 1, kind, host: "127.0.0.1" });
      await cluster.start();
      const [host, port] = cluster.addresses[0] as [string, number];
      const [reader, writer] = await built.openConnection(host, port);
      const answer = await reader.read();
      writer.close();
      return answer.toString();
    });
    assert.equal(answer, "hello");
  });
}

test("the command line tells its version and loads its command", () => {
  const main = join(ROOT, "dist/cli/main.js");
  const { version }: { version: string } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  assert.equal(outputOf(main, "--version"), `${version}\n`);
  assert.match(outputOf(main, "worker", "--help"), /--allow-source/);
});
