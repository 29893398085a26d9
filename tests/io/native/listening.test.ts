import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { EventLoop, startServer } from "../../../src/index.ts";
import { nativeSkip } from "../backends.ts";
import { portOf } from "../recorder.ts";

/** A thread of clients that say when all are connected, and how many were answered. */
const CLIENTS = `
  const { createConnection } = require("node:net");
  const { parentPort, workerData: { connected, port, count } } = require("node:worker_threads");
  let open = 0;
  let answered = 0;
  let closed = 0;
  for (let i = 0; i < count; i++) {
    const socket = createConnection(port, "127.0.0.1", () => {
      socket.write("hello\\n");
      if (++open === count) Atomics.notify(connected, 0, Atomics.store(connected, 0, 1));
    });
    socket.on("data", () => answered++);
    socket.on("error", () => {});
    socket.on("close", () => ++closed === count && parentPort.postMessage(answered));
  }
`;

/** How many of 50 clients are served that connect while the loop is busy, and has no turn before it closes the server. */
async function servedAtTheEnd(drain: number): Promise<number> {
  const server = await startServer(
    async (reader, writer) => {
      writer.write(await reader.readline());
      writer.close();
    },
    "127.0.0.1",
    0,
  );
  const connected = new Int32Array(new SharedArrayBuffer(4));
  const workerData = { connected, port: portOf(server.sockets[0]!), count: 50 };
  const clients = new Worker(CLIENTS, { eval: true, workerData });
  const answers = once(clients, "message");
  const exit = once(clients, "exit");
  Atomics.wait(connected, 0, 0);
  await server.close({ drain });
  const [served] = await answers;
  await exit;
  return served;
}

for (const [drain, served] of [
  [30, 50],
  [0, 0],
] as const) {
  test(`a server that is closed with ${drain} s to drain serves ${served} of 50 who wait to be accepted`, {
    skip: nativeSkip,
    timeout: 60_000,
  }, async () => {
    const loop = new EventLoop({ backend: "native" });
    try {
      assert.equal(await loop.runUntilComplete(() => servedAtTheEnd(drain)), served);
    } finally {
      loop.close();
    }
  });
}
