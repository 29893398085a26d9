import assert from "node:assert/strict";
import { test } from "node:test";
import { osError } from "../../src/core/errors.ts";
import {
  ConnectionResetError,
  createTask,
  getRunningLoop,
  NotImplementedError,
  RuntimeError,
  type Suspension,
  sleep,
} from "../../src/index.ts";
import { FlowControlMixin } from "../../src/io/flow-control.ts";
import { StreamReaderProtocol } from "../../src/io/stream-protocol.ts";
import { StreamReader } from "../../src/io/stream-reader.ts";
import { StreamWriter } from "../../src/io/stream-writer.ts";
import { inEachFlavour } from "../flavours.ts";
import { inLoop, newTransport, reports, reset } from "./streams-support.ts";

/** The client's side of a connection. */
function connect(extra: Record<string, unknown> = {}) {
  const loop = getRunningLoop();
  const reader = new StreamReader();
  const protocol = new StreamReaderProtocol(reader);
  const transport = newTransport(extra);
  protocol.connectionMade(transport);
  return { reader, protocol, transport, writer: new StreamWriter(transport, protocol, reader, loop) };
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
