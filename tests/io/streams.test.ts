import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BaseEventLoop,
  CancelledError,
  ConnectionError,
  ConnectionRefusedError,
  ConnectionResetError,
  createTask,
  IncompleteReadError,
  NotImplementedError,
  sleep,
  socketpair,
  ValueError,
} from "../../src/index.ts";
import type { ClientConnectedCallback } from "../../src/io/stream-protocol.ts";
import type { StreamReader } from "../../src/io/stream-reader.ts";
import type { StreamWriter } from "../../src/io/stream-writer.ts";
import { openConnection, type StartServerOptions, startServer } from "../../src/io/streams.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { flavours } from "../flavours.ts";
import { type Bench, failure, idle, inEachBackend, nativeSkip } from "./backends.ts";
import { nodeClient, pattern, portOf } from "./recorder.ts";
import { Random } from "./streams-support.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

/** A server on a port of its own, closed after the test with its connections. */
async function serve(
  { defer }: Bench,
  callback: ClientConnectedCallback,
  options: StartServerOptions = {},
): Promise<number> {
  const server = await startServer(callback, "127.0.0.1", 0, options);
  defer(async () => {
    server.close();
    server.abortClients();
    await server.waitClosed();
  });
  return portOf(server.sockets[0]!);
}

/** A client of ours, closed after the test. */
async function connect({ defer }: Bench, port: number): Promise<[StreamReader, StreamWriter]> {
  const [reader, writer] = await openConnection("127.0.0.1", port);
  defer(async () => {
    writer.transport.abort();
    await writer[Symbol.asyncDispose]();
  });
  return [reader, writer];
}

/** Both sides of one connection. */
async function pair(bench: Bench, options: StartServerOptions = {}) {
  const accepted = bench.loop.createFuture<[StreamReader, StreamWriter]>();
  const port = await serve(bench, (...streams) => accepted.setResult(streams), options);
  const [reader, writer] = await connect(bench, port);
  const [serverReader, serverWriter] = await accepted;
  return { reader, writer, serverReader, serverWriter };
}

/** A server's side, and a socket of Node's as its client. */
async function withNodeClient(bench: Bench) {
  const accepted = bench.loop.createFuture<[StreamReader, StreamWriter]>();
  const port = await serve(bench, (...streams) => accepted.setResult(streams));
  const client = await nodeClient(bench, port);
  const [reader, writer] = await accepted;
  return { client, reader, writer };
}

/** Write until the system takes no more, and drain() has to wait; gives how much was written. */
async function fill(writer: StreamWriter): Promise<number> {
  const { transport } = writer;
  const [, high] = transport.getWriteBufferLimits();
  let size = 0;
  while (transport.getWriteBufferSize() <= high) {
    for (; transport.getWriteBufferSize() <= high; size += 64 * KiB) writer.write(pattern(64 * KiB));
    await idle();
  }
  return size;
}

for (const { name, on, coroutine } of flavours) {
  const echo = coroutine(function* (reader: StreamReader, writer: StreamWriter) {
    for (;;) {
      const line = yield* on(reader.readline());
      if (line.length === 0) break;
      writer.write(line);
      yield* on(writer.drain());
    }
    writer.close();
    yield* on(writer.waitClosed());
  });

  inEachBackend(`lines are echoed, with ${name} functions on both sides`, async (bench) => {
    const port = await serve(bench, echo);
    const client = coroutine(function* () {
      const [reader, writer] = yield* on(openConnection("127.0.0.1", port));
      for (const line of ["one\n", "two\n", `${"x".repeat(60_000)}\n`, "end"]) {
        writer.write(line);
        yield* on(writer.drain());
        if (line === "end") writer.writeEof();
        assert.equal((yield* on(reader.readline())).toString(), line);
      }
      assert.equal((yield* on(reader.read())).length, 0);
      writer.close();
      yield* on(writer.waitClosed());
    });
    await client();
  });
}

test("a loop without a network says so", async () => {
  const loop = new BaseEventLoop(new VirtualClock());
  await assert.rejects(loop.runUntilComplete(openConnection("127.0.0.1", 1)), NotImplementedError);
  await assert.rejects(loop.runUntilComplete(startServer(() => {}, null, 0)), NotImplementedError);
  loop.close();
});

inEachBackend("nobody listens: ConnectionRefusedError", async () => {
  const server = await startServer(() => {}, "127.0.0.1", 0);
  const port = portOf(server.sockets[0]!);
  server.close();
  await server.waitClosed();
  await failure(openConnection("127.0.0.1", port), ConnectionRefusedError);
});

inEachBackend("no address, or a limit of 0, is a ValueError", async () => {
  await failure(openConnection(), ValueError);
  await failure(openConnection("127.0.0.1", 1, { limit: 0 }), ValueError);
  await failure(
    startServer(() => {}),
    ValueError,
  );
  assert.throws(() => startServer(null as unknown as () => void, null, 0), TypeError);
});

inEachBackend(
  "a connection can be made of a socket",
  async ({ defer }) => {
    const [left, right] = socketpair();
    defer(() => right.close());
    const [reader, writer] = await openConnection(null, null, { sock: left });
    right.send(Buffer.from("hello\n"));
    assert.equal((await reader.readline()).toString(), "hello\n");
    writer.close();
    await writer.waitClosed();
  },
  { skip: nativeSkip },
);

inEachBackend("a server that does not serve yet accepts when told", async ({ defer }) => {
  const greet = (_reader: StreamReader, writer: StreamWriter) => {
    writer.write("hello");
    writer.close();
  };
  const server = await startServer(greet, "127.0.0.1", 0, { startServing: false });
  defer(() => server.close());
  assert.equal(server.isServing(), false);
  await server.startServing();
  const [reader, writer] = await openConnection("127.0.0.1", portOf(server.sockets[0]!));
  assert.equal((await reader.read()).toString(), "hello");
  writer.close();
  await writer.waitClosed();
});

inEachBackend("the limit of startServer() is that of its readers", async (bench) => {
  const { serverReader, writer } = await pair(bench, { limit: 10 });
  writer.write("this line is too long\n");
  await failure(serverReader.readline(), ValueError);
});

inEachBackend("both sides know each other's address", async (bench) => {
  const { writer, serverWriter } = await pair(bench);
  assert.deepEqual(writer.getExtraInfo("peername"), serverWriter.getExtraInfo("sockname"));
  assert.deepEqual(writer.getExtraInfo("sockname"), serverWriter.getExtraInfo("peername"));
});

inEachBackend("each side can end alone: the other one still answers", async (bench) => {
  const { reader, writer, serverReader, serverWriter } = await pair(bench);
  writer.write("question");
  writer.writeEof();
  assert.equal((await serverReader.read()).toString(), "question");
  serverWriter.write("answer");
  serverWriter.writeEof();
  assert.equal((await reader.read()).toString(), "answer");
  assert.ok(reader.atEof());
});

inEachBackend("`await using` closes the writer, and sends what is buffered", async (bench) => {
  const { reader, serverReader, serverWriter } = await pair(bench);
  const size = await fill(serverWriter);
  const reading = createTask(reader.read());
  {
    await using _writer = serverWriter;
  }
  assert.ok(serverWriter.isClosing());
  assert.equal((await reading).length, size);
  assert.ok(serverReader.atEof());
});

inEachBackend("after close() the other side reads to the end, and a read here ends", async (bench) => {
  const { reader, writer, serverReader, serverWriter } = await pair(bench);
  const waiting = createTask(serverReader.read());
  serverWriter.write("bye");
  serverWriter.close();
  await serverWriter.waitClosed();
  assert.equal((await waiting).length, 0);
  assert.equal((await reader.read()).toString(), "bye");
  await failure(serverWriter.drain(), ConnectionResetError);
  writer.close();
  await writer.waitClosed();
});

inEachBackend("an error of the client's task is reported, and closes its connection", async (bench) => {
  const broken = new Error("broken");
  const port = await serve(bench, async (reader) => {
    await reader.readline();
    throw broken;
  });
  const [reader, writer] = await connect(bench, port);
  writer.write("go\n");
  assert.equal((await reader.read()).length, 0);
  const [report] = bench.reports.splice(0);
  assert.equal(report?.message, "Unhandled exception in clientConnectedCb");
  assert.equal(report?.exception, broken);
});

inEachBackend(
  "drain() waits while the other side does not read, and is released when it does",
  async (bench) => {
    const { reader, serverWriter } = await pair(bench);
    const size = await fill(serverWriter);
    const [low, high] = serverWriter.transport.getWriteBufferLimits();
    const drains = [createTask(serverWriter.drain()), createTask(serverWriter.drain())];
    await idle();
    assert.ok(serverWriter.transport.getWriteBufferSize() > high);
    assert.deepEqual(
      drains.map((drain) => drain.done()),
      [false, false],
    );
    const reading = createTask(reader.readexactly(size));
    await Promise.all(drains);
    assert.ok(serverWriter.transport.getWriteBufferSize() <= low);
    assert.equal((await reading).length, size);
  },
);

inEachBackend("a reset fails a drain() that waits, and waitClosed()", async (bench) => {
  const { client, writer } = await withNodeClient(bench);
  await fill(writer);
  const drain = createTask(writer.drain());
  await idle();
  assert.equal(drain.done(), false);
  client.resetAndDestroy();
  const error = await failure(drain, ConnectionError);
  assert.equal(await failure(writer.waitClosed(), ConnectionError), error);
  assert.equal(await failure(writer.drain(), ConnectionError), error);
  assert.ok(writer.isClosing());
  await writer[Symbol.asyncDispose]();
});

inEachBackend("a reset fails a read that waits, and every later one", async (bench) => {
  const { client, reader, writer } = await withNodeClient(bench);
  const line = createTask(reader.readline());
  await idle();
  client.resetAndDestroy();
  const error = await failure(line, ConnectionResetError);
  assert.equal(await failure(reader.read(), ConnectionResetError), error);
  assert.equal(reader.exception(), error);
  await failure(writer.waitClosed(), ConnectionResetError);
});

inEachBackend("who only writes and drains notices that the other side is gone", async (bench) => {
  const { client, writer } = await withNodeClient(bench);
  client.destroy();
  const endless = async () => {
    for (;;) {
      writer.write(pattern(KiB));
      await writer.drain();
      await sleep(0);
    }
  };
  await failure(createTask(endless), ConnectionError);
});

inEachBackend("cancelling reads loses no byte", async (bench) => {
  const { reader, serverWriter } = await pair(bench);
  const data = Buffer.from(pattern(MiB / 2).toString("hex"));
  const lines = data
    .toString()
    .match(/.{1,997}/g)!
    .map((line) => `${line}\n`);
  const random = new Random(1);
  const send = createTask(async () => {
    for (const line of lines) {
      serverWriter.write(line);
      await serverWriter.drain();
      if (random.int(0, 9) === 0) await sleep(0);
    }
    serverWriter.close();
  });
  const reads = [() => reader.readline(), () => reader.read(5000), () => reader.readexactly(3000)];
  const received: Buffer[] = [];
  let cancelled = 0;
  for (let turn = 0; !reader.atEof(); turn++) {
    const task = createTask(reads[turn % 3]!());
    for (let i = turn % 4; i > 0; i--) await sleep(0);
    task.cancel();
    try {
      received.push(await task);
    } catch (error) {
      if (error instanceof IncompleteReadError) received.push(error.partial);
      else if (error instanceof CancelledError) cancelled++;
      else throw error;
    }
  }
  await send;
  assert.equal(Buffer.concat(received).toString(), lines.join(""));
  assert.ok(cancelled > 0);
});
