import assert from "node:assert/strict";
import { test } from "node:test";
import { CancelledError, coroutine, currentTask, getRunningLoop, sleep, Task } from "../../src/index.ts";
import { type ClientConnectedCallback, StreamReaderProtocol } from "../../src/io/stream-protocol.ts";
import { StreamReader } from "../../src/io/stream-reader.ts";
import { StreamWriter } from "../../src/io/stream-writer.ts";
import { inEachFlavour } from "../flavours.ts";
import { inLoop, newTransport, reports, reset } from "./streams-support.ts";

/** The server's side of a connection. */
function accept(callback: ClientConnectedCallback) {
  const transport = newTransport();
  const protocol = new StreamReaderProtocol(new StreamReader(), callback);
  protocol.connectionMade(transport);
  return { transport, protocol };
}

inEachFlavour("a plain callback is called at once, and gets no task", function* () {
  const tasks: unknown[] = [];
  let count = 0;
  const loop = getRunningLoop();
  loop.setTaskFactory((_loop, made, options) => {
    count++;
    return new Task(made, { loop, ...options });
  });
  accept((reader, writer) => {
    assert.ok(reader instanceof StreamReader);
    assert.ok(writer instanceof StreamWriter);
    tasks.push(currentTask());
    writer.close();
  });
  assert.deepEqual(tasks, [null]);
  assert.equal(count, 0);
});

inEachFlavour(
  "a coroutine function runs in a task of its own, all of it",
  function* ({ on, coroutine: wrap }) {
    const steps: unknown[] = [];
    const me = currentTask();
    const { protocol } = accept(
      wrap(function* (reader: StreamReader, writer: StreamWriter) {
        steps.push(currentTask());
        writer.write(yield* on(reader.readline()));
        steps.push(currentTask());
      }),
    );
    assert.deepEqual(steps, []);
    yield* on(sleep(1));
    assert.equal(steps.length, 1);
    assert.notEqual(steps[0], me);
    assert.ok(steps[0] !== null);
    protocol.eofReceived();
    yield* on(sleep(1));
    assert.equal(steps[1], steps[0]);
  },
);

const callbacks: [string, (serve: (reader: StreamReader) => Promise<void>) => ClientConnectedCallback][] = [
  ["an async function", (serve) => async (reader) => await serve(reader)],
  [
    "a generator function",
    (serve) =>
      function* (reader) {
        yield* coroutine(serve)(reader);
      },
  ],
  ["a wrapped async function", (serve) => coroutine(serve)],
  ["a plain function that returns a coroutine", (serve) => (reader) => coroutine(serve)(reader)],
  ["a plain function that returns a promise", (serve) => (reader) => serve(reader)],
  ["a bound async function", (serve) => serve.bind(null)],
];

for (const [kind, make] of callbacks) {
  test(`${kind} serves in a task, which can be cancelled; that closes the connection`, () =>
    inLoop(async () => {
      let task: unknown = null;
      let ended: unknown = null;
      const { transport, protocol } = accept(
        make(async (reader) => {
          await reader.readline();
          task = currentTask();
          await reader.readline().catch((error) => {
            ended = error;
            throw error;
          });
        }),
      );
      await sleep(1);
      protocol.dataReceived(Buffer.from("line\n"));
      await sleep(1);
      const [served] = [...getRunningLoop().tasks].filter((one) => one !== currentTask());
      assert.equal(task, served);
      assert.deepEqual(transport.calls, []);
      served!.cancel();
      await sleep(1);
      assert.ok(ended instanceof CancelledError);
      assert.ok(served!.cancelled());
      assert.deepEqual(transport.calls, ["close"]);
    }));

  test(`an error of ${kind} is reported, and closes the connection`, () =>
    inLoop(async () => {
      const all = reports();
      const error = new Error("broken");
      const { transport } = accept(
        make(async () => {
          throw error;
        }),
      );
      await sleep(1);
      assert.equal(all.length, 1);
      assert.deepEqual(all[0], {
        message: "Unhandled exception in clientConnectedCb",
        exception: error,
        transport,
      });
      assert.deepEqual(transport.calls, ["close"]);
    }));

  test(`${kind} that just returns leaves the connection open`, () =>
    inLoop(async () => {
      const kept: unknown[] = [];
      const { transport } = accept(
        make(async (reader) => {
          kept.push(reader);
        }),
      );
      await sleep(1);
      assert.deepEqual(transport.calls, []);
      assert.equal(kept.length, 1);
    }));
}

test("a promise of a plain callback may fail after its task was cancelled", () =>
  inLoop(async () => {
    const { promise, reject } = Promise.withResolvers<void>();
    accept(() => promise);
    const task = [...getRunningLoop().tasks].find((one) => one !== currentTask())!;
    task.cancel();
    reject(reset);
    await sleep(1);
    assert.ok(task.cancelled());
  }));

inEachFlavour("an error of a plain callback is thrown, and closes the connection", function* () {
  const transport = newTransport();
  const protocol = new StreamReaderProtocol(new StreamReader(), () => {
    throw reset;
  });
  assert.throws(() => protocol.connectionMade(transport), reset);
  assert.deepEqual(transport.calls, ["close"]);
});

inEachFlavour("a future that a plain callback returns is none of the server's business", function* ({ on }) {
  const all = reports();
  const future = getRunningLoop().createFuture();
  const { transport } = accept(() => future);
  yield* on(sleep(1));
  future.setException(reset);
  future.exception();
  yield* on(sleep(1));
  assert.deepEqual(transport.calls, []);
  assert.deepEqual(all, []);
});
