import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { constants, PerformanceObserver } from "node:perf_hooks";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { openConnection, startServer } from "../../src/index.ts";
import { allocate } from "../../src/io/memory.ts";
import { inEachBackend } from "./backends.ts";

const MEBIBYTE = 2 ** 20;
const GIBIBYTE = 2 ** 30;
const SIZE = 100_000;

/** How often V8 collects its whole heap while `body` runs. */
async function majorCollections(body: () => Promise<void>): Promise<number> {
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail } = entry as unknown as { detail: { kind: number } };
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) count++;
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  await body();
  // It is told later.
  for (let turns = 0; turns < 10; turns++) await turn();
  observer.disconnect();
  return count;
}

async function allocateTwoGibibytes(): Promise<void> {
  for (let i = 0; i < (2 * GIBIBYTE) / SIZE; i++) {
    assert.equal(allocate(SIZE).length, SIZE);
    if (i % 16 === 0) await turn();
  }
}

test("memory that is soon of no use is freed without a look at the whole heap", async () => {
  // The young generation grows to its size.
  await allocateTwoGibibytes();
  const collections = await majorCollections(allocateTwoGibibytes);
  // As plain Buffers they would cause about 20.
  assert.ok(collections <= 10, `${collections} collections of the whole heap`);
});

inEachBackend("what comes in, and is of no use any more, is soon freed", async ({ defer }) => {
  const chunk = Buffer.alloc(MEBIBYTE);
  const server = await startServer(
    async (_reader, writer) => {
      for (let i = 0; i < 256; i++) {
        writer.write(chunk);
        await writer.drain();
      }
      writer.close();
    },
    "127.0.0.1",
    0,
  );
  defer(() => server.close());
  const [reader, writer] = await openConnection("127.0.0.1", Number(server.sockets[0]!.getsockname()[1]));
  defer(() => writer.close());
  const before = process.memoryUsage().arrayBuffers;
  let received = 0;
  let most = 0;
  for (let size = -1; size !== 0; received += size) {
    size = (await reader.read(SIZE)).length;
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  assert.equal(received, 256 * MEBIBYTE);
  // Some 64 MiB if V8 were left alone.
  assert.ok(most < 32 * MEBIBYTE, `${most} bytes at a time`);
});

test("a program does not get to see V8's collector by it", () => {
  const program = `
    const { allocate } = await import(${JSON.stringify(new URL("../../src/io/memory.ts", import.meta.url))});
    for (let i = 0; i < 100; i++) allocate(2 ** 20);
    const { runInNewContext } = await import("node:vm");
    console.log(typeof gc, runInNewContext("typeof gc"));
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
  });
  assert.equal(stderr, "");
  assert.equal(stdout, "undefined undefined\n");
});
