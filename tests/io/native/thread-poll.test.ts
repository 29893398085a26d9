import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { nativeSkip } from "../backends.ts";

const INDEX = JSON.stringify(new URL("../../../src/index.ts", import.meta.url).href);

/** In a process of its own: should Node or koffi abort, it does not take the tests along. */
async function runProgram(source: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", source], {
    env: { ...process.env, ASYNCIO_BACKEND: "native" },
    timeout: 60_000,
  });
  return stdout;
}

/** `start(source)` gives a worker; `index` in it is the library. */
const START = `
  import { Worker } from "node:worker_threads";
  import { once } from "node:events";
  import { connect } from "node:net";
  const start = (source) =>
    new Worker(new URL("data:text/javascript," + encodeURIComponent(
      'import * as index from ${INDEX.replaceAll('"', '\\"')}; import { parentPort } from "node:worker_threads";' + source)));
`;

/** A server, and connections to it that never rest. */
const BUSY = `${START}
  const server = \`
    await index.run(async () => {
      const echo = async (reader, writer) => {
        for (;;) writer.write(await reader.readexactly(10));
      };
      const server = await index.startServer(echo, "127.0.0.1", 0);
      parentPort.postMessage(server.sockets[0].getsockname()[1]);
      await server.serveForever();
    });\`;
  const startBusy = async () => {
    const worker = start(server);
    const [port] = await once(worker, "message");
    const clients = Array.from({ length: 8 }, () => {
      const client = connect(port, "127.0.0.1");
      return client.on("error", () => {}).on("data", () => client.write("x".repeat(100)));
    });
    for (const client of clients) client.write("x".repeat(100));
    await once(clients[7], "data");
    return { worker, clients };
  };
`;

const options = { skip: nativeSkip, timeout: 90_000 };

test("a thread can be ended from outside while its native loop is busy", options, async () => {
  const output = await runProgram(`${BUSY}
    for (let n = 0; n < 8; n++) {
      const { worker, clients } = await startBusy();
      await worker.terminate();
      for (const client of clients) client.destroy();
    }
    console.log("alive");`);
  assert.equal(output, "alive\n");
});

test("a process can exit while native loops of its threads are busy", options, async () => {
  const output = await runProgram(`${BUSY}
    await Promise.all([startBusy(), startBusy()]);
    console.log("bye");
    process.exit();`);
  assert.equal(output, "bye\n");
});

test("a thread can be ended from outside while its native loop sleeps", options, async () => {
  const output = await runProgram(`${START}
    const worker = start(\`
      await index.run(async () => {
        const [left, right] = index.socketpair();
        index.getRunningLoop().addReader(left.fileno(), () => {});
        parentPort.postMessage("sleeps");
        await index.sleep(1000);
      });\`);
    await once(worker, "message");
    console.log(await worker.terminate());`);
  assert.equal(output, "1\n");
});

test(
  "a native loop in a thread sleeps until there is something for it, and the thread then ends",
  options,
  async () => {
    const output = await runProgram(`${START}
    const worker = start(\`
      await index.run(async () => {
        const [left, right] = index.socketpair();
        const loop = index.getRunningLoop();
        const readable = loop.createFuture();
        loop.addReader(left.fileno(), () => {
          loop.removeReader(left.fileno());
          readable.setResult(String(left.recv(10)));
        });
        const asleep = () => performance.eventLoopUtilization().idle;
        const before = asleep();
        parentPort.once("message", () => right.send("word"));
        for (let i = 0; i < 3; i++) await index.sleep(0.05);
        parentPort.postMessage(asleep() - before > 75 ? "slept" : "slept for " + (asleep() - before) + " ms");
        parentPort.postMessage(await readable);
        left.close();
        right.close();
      });\`);
    worker.on("message", (what) => {
      console.log(what);
      worker.postMessage("go on");
    });
    console.log(...(await once(worker, "exit")));`);
    assert.equal(output, "slept\nword\n0\n");
  },
);

test("a thread that runs a native loop again and again does not keep its watches", options, async () => {
  const output = await runProgram(`${START}
    import { readdirSync } from "node:fs";
    const worker = start(\`
      const { readdirSync } = await import("node:fs");
      const count = () => readdirSync("/proc/self/fd").length;
      const use = () => index.run(() => index.sleep(0.001));
      await use();
      const before = count();
      for (let i = 0; i < 20; i++) await use();
      parentPort.postMessage(count() - before);\`);
    const exit = once(worker, "exit");
    console.log(...(await once(worker, "message")));
    await exit;`);
  assert.equal(output, "0\n");
});
