import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { describe } from "node:test";
import { idle, inEachBackend } from "./backends.ts";
import { Echo, pattern, Recorder, serve } from "./recorder.ts";

describe("many connections", () => {
  inEachBackend("1,000 clients at once each get every byte back", async (bench) => {
    const { port } = await serve(bench, () => new Echo(), { backlog: 1000 });
    const client = async (seed: number) => {
      const recorder = new Recorder(bench.loop);
      await bench.loop.createConnection(() => recorder, "127.0.0.1", port);
      let sent = Buffer.alloc(0);
      for (let round = 1; round <= 3; round++) {
        const message = pattern((seed * round * 37) % 3000, seed);
        recorder.transport.write(message);
        sent = Buffer.concat([sent, message]);
        await recorder.receives(sent.length);
      }
      recorder.transport.close();
      await recorder.called("connectionLost");
      assert.ok(recorder.received.equals(sent));
    };
    await Promise.all(Array.from({ length: 1000 }, (_, seed) => client(seed + 1)));
  });

  inEachBackend("10,000 connections, opened and closed, leave nothing behind", async (bench) => {
    const { port } = await serve(bench, () => new Echo(), { backlog: 1000 });
    const client = async () => {
      const recorder = new Recorder(bench.loop);
      await bench.loop.createConnection(() => recorder, "127.0.0.1", port);
      recorder.transport.write("x");
      await recorder.receives(1);
      recorder.transport.abort();
      await recorder.called("connectionLost");
    };
    const batch = async () => {
      await Promise.all(Array.from({ length: 250 }, client));
    };
    for (let i = 0; i < 8; i++) await batch();
    const before = await usage();
    for (let i = 0; i < 32; i++) await batch();
    const after = await usage();
    assert.ok(
      after.descriptors <= before.descriptors,
      `${before.descriptors} fds before, ${after.descriptors} after`,
    );
    const growth = (after.heap - before.heap) / 8000;
    assert.ok(growth < 50, `${growth} bytes of heap for each connection`);
  });
});

async function usage(): Promise<{ descriptors: number; heap: number }> {
  assert.ok(globalThis.gc, "run the tests with --expose-gc");
  for (let i = 0; i < 3; i++) {
    await idle();
    globalThis.gc();
  }
  const descriptors = existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0;
  return { descriptors, heap: process.memoryUsage().heapUsed };
}
