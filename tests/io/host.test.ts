import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { BaseEventLoop } from "../../src/core/base-events.ts";
import { createTask, currentSignal, currentTask, gather, run, sleep } from "../../src/index.ts";
import { NodeHost } from "../../src/io/host.ts";
import { flavours } from "../flavours.ts";

/** These run in real time, but none waits longer than some milliseconds for anything. */
const realTime = { loopFactory: () => new BaseEventLoop(new NodeHost(null)) };

for (const { name, on, body } of flavours) {
  test(`a busy loop does not keep Node's own timers and immediates waiting (${name})`, async () => {
    let foreign = 0;
    const main = body(function* () {
      setTimeout(() => foreign++, 1);
      setImmediate(() => foreign++);
      let switches = 0;
      while (foreign < 2) {
        yield* on(sleep(0));
        assert.ok(++switches < 1_000_000, "Node was never given a turn");
      }
    });
    await run(main, realTime);
  });
}

for (const { name, on, body } of flavours) {
  for (const [milliseconds, most] of [
    [1.1, 1],
    [0.3, 4],
  ] as const) {
    test(`a busy loop whose iterations take ${milliseconds} ms gives Node a turn after ${most} at most (${name})`, async () => {
      let turns = 0;
      const main = body(function* () {
        for (let iterations = 0; iterations < 20; iterations++) {
          assert.ok(turns >= iterations - most, `${turns} turns in ${iterations} iterations`);
          setImmediate(() => turns++);
          for (const begin = performance.now(); performance.now() - begin < milliseconds; );
          yield* on(sleep(0));
        }
      });
      await run(main, realTime);
    });
  }
}

test("the loop sleeps until its next timer, and not longer than that by much", async () => {
  await run(async () => {
    const started = performance.now();
    await gather(sleep(0.02), sleep(0.01));
    const slept = performance.now() - started;
    assert.ok(slept >= 19.9, `slept only for ${slept} ms`);
  }, realTime);
});

test("a timer that is sooner than the one the loop sleeps for wakes it", async () => {
  await run(async () => {
    const late = createTask(sleep(3600));
    await sleep(0.005);
    late.cancel();
  }, realTime);
});

test("a callback from outside of the loop wakes it", async () => {
  const loop = new BaseEventLoop(new NodeHost(null));
  setTimeout(() => loop.callSoon(() => loop.stop()), 5);
  await loop.runForever();
  loop.close();
});

test("a loop that waits for nothing keeps the process alive, and lets it go when it ends", async () => {
  const handles = () => process.getActiveResourcesInfo().filter((type) => type === "Timeout").length;
  const before = handles();
  const loop = new BaseEventLoop(new NodeHost(null));
  const never = loop.createFuture<void>();
  setTimeout(() => never.cancel(), 5);
  await assert.rejects(loop.runUntilComplete(never), { name: "CancelledError" });
  assert.equal(handles(), before);
  loop.close();
});

test("fetch works inside of a task, which is known behind it, and its signal ends the work", async () => {
  const server = createServer((request, response) => {
    if (request.url === "/hello") response.end("hello");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await run(async () => {
    const task = currentTask();
    const response = await fetch(`${url}/hello`);
    assert.equal(await response.text(), "hello");
    assert.equal(currentTask(), task);

    const hanging = createTask(async () => fetch(`${url}/never`, { signal: currentSignal() }));
    const [request] = await once(server, "request");
    hanging.cancel("enough");
    await assert.rejects(hanging, { name: "CancelledError", message: "enough" });
    if (!request.socket.destroyed) await once(request.socket, "close");
  }, realTime);
  server.close();
  server.closeAllConnections();
});
