import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import {
  BaseEventLoop,
  EventLoop,
  getRunningLoop,
  NotImplementedError,
  newEventLoop,
  Protocol,
  run,
  setLogger,
  sleep,
  ValueError,
} from "../src/index.ts";
import { backends } from "./io/backends.ts";

class Quiet extends Protocol {}
const factory = () => new Quiet();

/** Run a module that imports the library under a changed environment, and give what it prints. */
function printed(source: string, env: Record<string, string> = {}): string {
  const index = JSON.stringify(new URL("../src/index.ts", import.meta.url).href);
  const program = `import * as asyncio from ${index};\n${source}`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  return (stdout + stderr).trim();
}

test("the backend can be chosen for a loop", () => {
  using loop = newEventLoop({ backend: "portable" });
  assert.equal(loop.backend, "portable");
  assert.ok(loop instanceof EventLoop && loop instanceof BaseEventLoop);
});

test("ASYNCIO_BACKEND chooses the backend, and a mistake in it is an error that names it", () => {
  const program = "console.log(new asyncio.EventLoop().backend)";
  assert.equal(printed(program, { ASYNCIO_BACKEND: "portable" }), "portable");
  assert.match(printed(program, { ASYNCIO_BACKEND: "fast" }), /ValueError: .*"fast"/);
});

test("ASYNCIO_DEBUG turns debug mode on", () => {
  const program = "using loop = new asyncio.EventLoop(); console.log(loop.getDebug())";
  assert.equal(printed(program, { ASYNCIO_DEBUG: "1" }), "true");
  assert.equal(printed(program, { ASYNCIO_DEBUG: "" }), "false");
});

test("without koffi the portable backend is used, and asking for the native one says why not", () => {
  const withoutKoffi = `
    import { registerHooks } from "node:module";
    registerHooks({
      resolve(name, context, next) {
        if (name === "koffi") throw new Error("Cannot find module 'koffi'");
        return next(name, context);
      },
    });`;
  const backend = printed(`${withoutKoffi}
    console.log(new asyncio.EventLoop().backend);
    try { new asyncio.EventLoop({ backend: "native" }) } catch (error) { console.log(String(error)) }`);
  assert.match(backend, /^portable\nNotImplementedError: .*koffi.*use "portable"$/);
});

test("getRunningLoop gives the loop that runs, also to plain Node code, and throws when none does", async () => {
  assert.throws(() => getRunningLoop(), { name: "RuntimeError", message: "no running event loop" });
  await run(async () => {
    const loop = getRunningLoop();
    const outside = await new Promise((resolve) => setTimeout(() => resolve(getRunningLoop()), 1));
    assert.equal(outside, loop);
  });
});

test("bad arguments of createConnection and createServer are told at the call", async () => {
  await run(async () => {
    const loop = getRunningLoop();
    const bad: [() => unknown, typeof TypeError | typeof ValueError, RegExp][] = [
      [() => loop.createConnection("x" as never, "127.0.0.1", 1), TypeError, /'x'/],
      [() => loop.createConnection(factory, null, null), ValueError, /no sock/],
      [() => loop.createConnection(factory, 7 as never, 1), TypeError, /7/],
      [() => loop.createConnection(factory, "127.0.0.1", 70000), ValueError, /70000/],
      [
        () => loop.createConnection(factory, "127.0.0.1", 1, { sock: { fileno: () => 0 } }),
        ValueError,
        /same time/,
      ],
      [() => loop.createServer(factory, null, null), ValueError, /host\/port/],
      [() => loop.createServer(factory, "127.0.0.1", 1.5), ValueError, /1\.5/],
      [() => loop.createServer(factory, [3] as never, 0), TypeError, /3/],
    ];
    for (const [call, Class, message] of bad) {
      assert.throws(call, (error: Error) => error instanceof Class && message.test(error.message));
    }
  });
});

test("the portable backend refuses to watch file descriptors, with the reason and the way out", async () => {
  const loop = new EventLoop({ backend: "portable" });
  for (const method of ["addReader", "addWriter"] as const) {
    assert.throws(
      () => loop[method](0, () => {}),
      (error: Error) => {
        return (
          error instanceof NotImplementedError && /because .*; use the native backend/.test(error.message)
        );
      },
    );
  }
  loop.close();
});

test("the loop says what state it is in", async () => {
  const loop = new EventLoop();
  assert.equal(String(loop), "<EventLoop running=false closed=false debug=false>");
  loop.close();
  assert.equal(String(loop), "<EventLoop running=false closed=true debug=false>");
});

for (const { name, makeLoop, skip } of backends) {
  test(`closing a loop closes the servers and connections that are left (${name})`, { skip }, async () => {
    const loop = makeLoop();
    const peer = await loop.runUntilComplete(async () => {
      const server = await loop.createServer(factory, "127.0.0.1", 0);
      const [, port] = server.sockets[0]!.getsockname() as [string, number];
      await loop.createConnection(factory, "127.0.0.1", port);
      const peer = connect(port, "127.0.0.1");
      await once(peer, "connect");
      await sleep(0.001);
      return peer;
    });
    const { remotePort = 0 } = peer;
    loop.close();
    peer.resume();
    await once(peer, "close");
    const late = connect(remotePort, "127.0.0.1");
    const [error] = await once(late, "error");
    assert.equal(error.code, "ECONNREFUSED");
  });
}

test("nothing of a loop can be sent to another thread: that is refused at the call", async () => {
  using loop = newEventLoop();
  const source = 'require("node:worker_threads").parentPort.on("message", () => {})';
  const worker = new Worker(source, { eval: true });
  try {
    const things = [loop, { loop }, loop.createFuture(), loop.createTask(() => {}), loop.callSoon(() => {})];
    for (const thing of things) {
      assert.throws(() => worker.postMessage(thing), { name: "DataCloneError" });
      assert.throws(() => new Worker(source, { eval: true, workerData: thing }), { name: "DataCloneError" });
      assert.throws(() => structuredClone(thing), { name: "DataCloneError" });
    }
  } finally {
    await worker.terminate();
  }
  await loop.runUntilComplete(() => {});
});

test("in debug mode the traces tell of the backend, whenever it is turned on", () => {
  const messages: string[] = [];
  setLogger({ debug: (message) => messages.push(message), info() {}, warn() {}, error() {} });
  try {
    using loop = newEventLoop({ backend: "portable" });
    loop.setDebug(false);
    messages.length = 0;
    loop.setDebug(true);
    loop.setDebug(true);
    assert.deepEqual(messages, ["Using the portable backend"]);
  } finally {
    setLogger(null);
  }
  const program = "asyncio.setLogger(console); new asyncio.EventLoop({ backend: 'portable' }).close()";
  assert.equal(
    printed(program, { ASYNCIO_DEBUG: "1" }),
    "Using the portable backend\nClose <EventLoop running=false closed=false debug=true>",
  );
});
