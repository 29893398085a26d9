import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { osError } from "../../src/core/errors.ts";
import {
  BaseEventLoop,
  CancelledError,
  ConnectionResetError,
  coroutine,
  createTask,
  currentTask,
  type ExceptionContext,
  getRunningLoop,
  NotImplementedError,
  RuntimeError,
  type Suspension,
  sleep,
  Task,
} from "../../src/index.ts";
import { FlowControlMixin } from "../../src/io/flow-control.ts";
import { type ClientConnectedCallback, StreamReaderProtocol } from "../../src/io/stream-protocol.ts";
import { StreamReader } from "../../src/io/stream-reader.ts";
import { StreamWriter } from "../../src/io/stream-writer.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { inEachFlavour } from "../flavours.ts";
import { FakeTransport } from "./streams-support.ts";

const reset = osError("ECONNRESET", "reset by the peer");

const transports: FakeTransport[] = [];

/** No test closes what it opened; unclosed writers would be reported when they are collected. */
afterEach(() => {
  for (const transport of transports.splice(0)) transport.closing = true;
});

function newTransport(extra: Record<string, unknown> = {}): FakeTransport {
  const transport = new FakeTransport(extra);
  transports.push(transport);
  return transport;
}

/** The client's side of a connection. */
function connect(extra: Record<string, unknown> = {}) {
  const loop = getRunningLoop();
  const reader = new StreamReader();
  const protocol = new StreamReaderProtocol(reader);
  const transport = newTransport(extra);
  protocol.connectionMade(transport);
  return { reader, protocol, transport, writer: new StreamWriter(transport, protocol, reader, loop) };
}

/** The server's side of a connection. */
function accept(callback: ClientConnectedCallback) {
  const transport = newTransport();
  const protocol = new StreamReaderProtocol(new StreamReader(), callback);
  protocol.connectionMade(transport);
  return { transport, protocol };
}

/** What the loop's exception handler is told from now on. */
function reports(): ExceptionContext[] {
  const all: ExceptionContext[] = [];
  getRunningLoop().setExceptionHandler((_loop, context) => all.push(context));
  return all;
}

async function inLoop(body: () => Promise<void>): Promise<void> {
  const loop = new BaseEventLoop(new VirtualClock());
  try {
    await loop.runUntilComplete(body);
  } finally {
    loop.close();
  }
}

inEachFlavour("what the transport receives goes to the reader", function* ({ on }) {
  const { reader, protocol } = connect();
  protocol.dataReceived(Buffer.from("abc"));
  assert.equal(protocol.eofReceived(), true, "the connection stays open");
  assert.equal((yield* on(reader.read())).toString(), "abc");
  assert.ok(reader.atEof());
});

inEachFlavour("over TLS, which has no half-open connections, the end of one side is the end", function* () {
  assert.equal(connect({ sslcontext: {} }).protocol.eofReceived(), false);
});

inEachFlavour("an orderly end of the connection is the end of the stream", function* ({ on }) {
  const { reader, protocol } = connect();
  protocol.connectionLost(null);
  assert.equal((yield* on(reader.read())).length, 0);
});

inEachFlavour("an error of the connection is thrown by the reader", function* ({ on }) {
  const { reader, protocol } = connect();
  getRunningLoop().callLater(1, () => protocol.connectionLost(reset));
  yield* throws(() => on(reader.read(1)), reset);
});

inEachFlavour("drain() returns without a turn of the loop while writing is not paused", function* ({ on }) {
  let turns = 0;
  const { writer } = connect();
  getRunningLoop().callSoon(() => turns++);
  yield* on(writer.drain());
  assert.equal(turns, 0);
});

inEachFlavour("drain() waits while writing is paused, for several tasks at once", function* ({ on }) {
  const { writer, protocol } = connect();
  protocol.pauseWriting();
  const drains = [createTask(writer.drain()), createTask(writer.drain())];
  yield* on(sleep(1));
  assert.deepEqual(
    drains.map((drain) => drain.done()),
    [false, false],
  );
  protocol.resumeWriting();
  for (const drain of drains) yield* on(drain);
});

inEachFlavour("cancelling one drain() leaves the others waiting", function* ({ on }) {
  const { writer, protocol } = connect();
  protocol.pauseWriting();
  const cancelled = createTask(writer.drain());
  const other = createTask(writer.drain());
  yield* on(sleep(1));
  cancelled.cancel();
  yield* on(sleep(1));
  assert.ok(cancelled.cancelled());
  assert.equal(other.done(), false);
  protocol.resumeWriting();
  yield* on(other);
});

inEachFlavour("a drain() may be cancelled in the turn in which it is released", function* ({ on }) {
  const { writer, protocol } = connect();
  protocol.pauseWriting();
  const drain = createTask(writer.drain());
  yield* on(sleep(1));
  drain.cancel();
  protocol.resumeWriting();
  yield* on(sleep(1));
  assert.ok(drain.cancelled());
});

inEachFlavour("a lost connection fails the drains that wait, with its error", function* ({ on }) {
  const { writer, protocol } = connect();
  protocol.pauseWriting();
  const drains = [createTask(writer.drain()), createTask(writer.drain())];
  yield* on(sleep(1));
  protocol.connectionLost(reset);
  for (const drain of drains) yield* throws(() => on(drain), reset);
});

inEachFlavour("a connection that ends in order releases the drains that wait", function* ({ on }) {
  const { writer, protocol } = connect();
  protocol.pauseWriting();
  const drain = createTask(writer.drain());
  yield* on(sleep(1));
  protocol.connectionLost(null);
  yield* on(drain);
});

inEachFlavour(
  "drain() throws the reader's error, or ConnectionResetError, once the connection is lost",
  function* ({ on }) {
    const broken = connect();
    broken.protocol.connectionLost(reset);
    yield* throws(() => on(broken.writer.drain()), reset);
    const ended = connect();
    ended.protocol.connectionLost(null);
    yield* throws(() => on(ended.writer.drain()), ConnectionResetError);
  },
);

inEachFlavour(
  "drain() gives up a turn while closing, so that a loop of writes notices the end",
  function* ({ on }) {
    const { writer, protocol } = connect();
    writer.close();
    getRunningLoop().callSoon(() => protocol.connectionLost(null));
    yield* throws(() => on(writer.drain()), ConnectionResetError);
  },
);

inEachFlavour("pausing twice, or resuming what is not paused, is a RuntimeError", function* () {
  const { protocol } = connect();
  assert.throws(() => protocol.resumeWriting(), RuntimeError);
  protocol.pauseWriting();
  assert.throws(() => protocol.pauseWriting(), RuntimeError);
});

inEachFlavour(
  "waitClosed() waits for the end of the connection, for several tasks at once",
  function* ({ on }) {
    const { writer, protocol } = connect();
    const [first, cancelled, last] = [1, 2, 3].map(() => createTask(writer.waitClosed()));
    yield* on(sleep(1));
    cancelled!.cancel();
    yield* on(sleep(1));
    assert.ok(cancelled!.cancelled());
    assert.equal(first!.done(), false);
    protocol.connectionLost(null);
    yield* on(first!);
    yield* on(last!);
    yield* on(writer.waitClosed());
  },
);

inEachFlavour("waitClosed() throws the error that the connection broke with", function* ({ on }) {
  const { writer, protocol } = connect();
  const waiting = createTask(writer.waitClosed());
  yield* on(sleep(1));
  protocol.connectionLost(reset);
  yield* throws(() => on(waiting), reset);
  yield* throws(() => on(writer.waitClosed()), reset);
});

inEachFlavour("an error that nobody waits for is not reported", function* ({ on }) {
  const all = reports();
  connect().protocol.connectionLost(reset);
  yield* on(sleep(1));
  globalThis.gc!();
  yield* on(sleep(1));
  assert.deepEqual(all, []);
});

inEachFlavour("a protocol that only controls the flow cannot tell when it is closed", function* ({ on }) {
  const transport = newTransport();
  const protocol = new FlowControlMixin();
  const writer = new StreamWriter(transport, protocol, null, getRunningLoop());
  protocol.pauseWriting();
  getRunningLoop().callLater(1, () => protocol.resumeWriting());
  yield* on(writer.drain());
  yield* throws(() => on(writer.waitClosed()), NotImplementedError);
});

inEachFlavour("a writer hands everything to its transport", function* () {
  const { writer, transport } = connect({ peername: ["::1", 1] });
  writer.write("a");
  writer.writelines(["b", Buffer.from("c")]);
  assert.equal(writer.canWriteEof(), true);
  writer.writeEof();
  assert.equal(writer.isClosing(), false);
  writer.close();
  assert.equal(writer.isClosing(), true);
  assert.deepEqual(transport.written.map(String), ["a", "b", "c"]);
  assert.deepEqual(transport.calls, ["writeEof", "close"]);
  assert.equal(writer.transport, transport);
  assert.deepEqual(writer.getExtraInfo("peername"), ["::1", 1]);
  assert.equal(writer.getExtraInfo("no such thing"), null);
  assert.equal(writer.getExtraInfo("no such thing", 5), 5);
  assert.equal(
    `${writer}`,
    "<StreamWriter transport=<FakeTransport> reader=<StreamReader transport=<FakeTransport>>>",
  );
});

test("at the end of an `await using` block the writer is closed, and that awaited", () =>
  inLoop(async () => {
    const { writer, protocol, transport } = connect();
    getRunningLoop().callLater(1, () => protocol.connectionLost(null));
    {
      await using _writer = writer;
    }
    assert.equal(getRunningLoop().time(), 1);
    assert.deepEqual(transport.calls, ["close"]);
  }));

test("`await using` throws no ConnectionError, and no other error less", () =>
  inLoop(async () => {
    const gone = connect();
    gone.protocol.connectionLost(reset);
    await gone.writer[Symbol.asyncDispose]();
    const broken = connect();
    const error = osError("EIO", "broken");
    broken.protocol.connectionLost(error);
    await assert.rejects(broken.writer[Symbol.asyncDispose](), error);
  }));

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

function* throws(
  wait: () => Generator<Suspension, unknown, unknown>,
  expected: Error | (abstract new (...args: never[]) => Error),
) {
  try {
    yield* wait();
  } catch (error) {
    if (typeof expected === "function") assert.ok(error instanceof expected);
    else assert.equal(error, expected);
    return;
  }
  assert.fail("no error was thrown");
}
