import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import { connect, createServer as createNetServer } from "node:net";
import { Duplex, duplexPair, PassThrough, Readable, Writable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { test } from "node:test";
import { createGunzip, createGzip, gunzipSync, gzipSync } from "node:zlib";
import {
  ConnectionAbortedError,
  ConnectionResetError,
  createTask,
  ensureFuture,
  fromDuplex,
  fromReadable,
  fromWritable,
  Protocol,
  RuntimeError,
  type StreamReader,
  type StreamWriter,
  timeout,
  ValueError,
} from "../../src/index.ts";
import { collectGarbage } from "../helpers.ts";
import { type Bench, backends, failure, idle, inEachBackend } from "./backends.ts";
import { pattern } from "./recorder.ts";
import { opensslSkip } from "./tls/certificates.ts";
import { clientContext, serverContext } from "./tls/support.ts";

const MEBIBYTE = pattern(1024 * 1024);

/** A promise of Node's, whose wait a test's time limit can end. */
const waiting = <T>(promise: Promise<T>) => ensureFuture(promise);

/** Both ends of one: ours, and one of Node's. */
function adopted({
  defer,
}: Bench): [reader: StreamReader, writer: StreamWriter, other: Duplex, ours: Duplex] {
  const [ours, other] = duplexPair();
  other.on("error", () => {});
  const [reader, writer] = fromDuplex(ours);
  defer(() => writer.transport.abort());
  defer(() => other.destroy());
  return [reader, writer, other, ours];
}

/** A source that has always more, and the count of what was taken out of it, in chunks. */
function endless(chunk: Buffer): { source: Readable; taken: () => number } {
  let count = 0;
  const read = () => {
    count++;
    source.push(chunk);
  };
  const source = new Readable({ read: () => void setImmediate(read) });
  return { source, taken: () => count };
}

/** A sink that takes nothing until it is let, and what it took. */
function stuck(): { sink: Writable; let: () => void; taken: Buffer[] } {
  const taken: Buffer[] = [];
  let open = false;
  let held: (() => void) | null = null;
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      taken.push(chunk);
      if (open) done();
      else held = done;
    },
  });
  const letIt = () => {
    open = true;
    held?.();
  };
  return { sink, let: letIt, taken };
}

/** Feed it for as long as it wants more. */
async function writeFor(writer: StreamWriter, chunk: Buffer, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    writer.write(chunk);
    await writer.drain();
  }
}

inEachBackend("bytes go both ways through a stream of Node's, and both ends end", async (bench) => {
  const [reader, writer, other, ours] = adopted(bench);
  other.write("hello\nto us");
  assert.equal(String(await reader.readline()), "hello\n");
  writer.write("and back");
  assert.equal(String((await waiting(once(other, "data")))[0]), "and back");
  other.end(" all");
  assert.equal(String(await reader.read()), "to us all");
  writer.write("still open");
  writer.close();
  const rest = waiting(text(other));
  await writer.waitClosed();
  assert.equal(await rest, "still open");
  assert.equal(ours.destroyed, true);
});

inEachBackend("a socket of Node's becomes a reader and a writer", async (bench) => {
  const server = createNetServer((socket) => void socket.pipe(socket)).listen(0, "127.0.0.1");
  await waiting(once(server, "listening"));
  bench.defer(() => server.close());
  const socket = connect((server.address() as { port: number }).port, "127.0.0.1");
  const [reader, writer] = fromDuplex(socket);
  const sent = createTask(async () => {
    await writeFor(writer, MEBIBYTE, 8);
    writer.writeEof();
  });
  const received = await reader.read();
  await sent;
  assert.equal(received.length, 8 * MEBIBYTE.length);
  assert.ok(received.subarray(-MEBIBYTE.length).equals(MEBIBYTE));
  writer.close();
  await writer.waitClosed();
  assert.equal(socket.destroyed, true);
});

inEachBackend(
  "a socket that could not be connected gives the system's error, in Python's class",
  async () => {
    const [reader, writer] = fromDuplex(connect({ path: "/nowhere/at/all" }));
    const error = await failure(reader.read(), Error);
    assert.equal(error.name, "FileNotFoundError");
    assert.equal(await failure(writer.waitClosed(), Error), error);
  },
);

inEachBackend("a source is paused while nobody reads, and goes on when somebody does", async () => {
  const { source, taken } = endless(MEBIBYTE.subarray(0, 64 * 1024));
  const reader = fromReadable(source, { limit: 64 * 1024 });
  await reader.readexactly(1);
  await waiting(idle());
  const before = taken();
  await waiting(idle());
  assert.equal(taken(), before);
  // Our buffer, what Node reads ahead, and one chunk over each.
  assert.ok(before < 16, `${before} chunks of 64 KiB were taken`);
  await reader.readexactly(8 * MEBIBYTE.length);
  assert.ok(taken() > 128);
  source.destroy();
  await failure(reader.read(), ConnectionResetError);
});

inEachBackend("drain() waits for a slow sink", async () => {
  const slow = stuck();
  const writer = fromWritable(slow.sink);
  writer.write(MEBIBYTE);
  const drained = createTask(() => writer.drain());
  await waiting(idle());
  assert.equal(drained.done(), false);
  assert.equal((writer.transport as { getWriteBufferSize(): number }).getWriteBufferSize(), MEBIBYTE.length);
  slow.let();
  await drained;
  writer.write("the end");
  writer.close();
  await writer.waitClosed();
  assert.ok(Buffer.concat(slow.taken).equals(Buffer.concat([MEBIBYTE, Buffer.from("the end")])));
});

inEachBackend("closing waits for what a sink does at its end", async () => {
  let finished = false;
  const sink = new Writable({
    write: (_chunk, _encoding, done) => done(),
    final: (done) =>
      void setImmediate(() => {
        finished = true;
        done();
      }),
  });
  const writer = fromWritable(sink);
  writer.write("bytes");
  writer.close();
  writer.write("too late");
  await writer.waitClosed();
  assert.equal(finished, true);
});

inEachBackend("one direction is taken of a stream that has two", async () => {
  const gzip = createGzip();
  const packed = waiting(buffer(gzip));
  const writer = fromWritable(gzip);
  await writeFor(writer, MEBIBYTE, 3);
  writer.close();
  await writer.waitClosed();
  assert.ok(gunzipSync(await packed).equals(Buffer.concat([MEBIBYTE, MEBIBYTE, MEBIBYTE])));

  const gunzip = Readable.from([gzipSync("some\nlines\n")]).pipe(createGunzip());
  const lines: string[] = [];
  for await (const line of fromReadable(gunzip)) lines.push(String(line));
  assert.deepEqual(lines, ["some\n", "lines\n"]);
});

inEachBackend("web streams are read from and written to", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const [reader, writer] = fromDuplex({ readable, writable });
  const sent = createTask(async () => {
    await writeFor(writer, MEBIBYTE, 4);
    writer.writeEof();
  });
  const received = await reader.read();
  await sent;
  assert.ok(received.equals(Buffer.concat([MEBIBYTE, MEBIBYTE, MEBIBYTE, MEBIBYTE])));
  await writer.waitClosed();
});

inEachBackend("a web source is pulled only as it is read, and cancelled when it is given up", async () => {
  let pulled = 0;
  const cancelled = Promise.withResolvers<unknown>();
  const web = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++;
      controller.enqueue(MEBIBYTE.subarray(0, 64 * 1024));
    },
    cancel: (reason) => cancelled.resolve(reason),
  });
  const source = Readable.fromWeb(web as Parameters<typeof Readable.fromWeb>[0]);
  const reader = fromReadable(source);
  await reader.readexactly(64 * 1024);
  await waiting(idle());
  assert.ok(pulled < 20, `${pulled} chunks were pulled`);
  source.destroy();
  await waiting(cancelled.promise);
  await failure(reader.read(), ConnectionResetError);
});

inEachBackend("what a web sink throws is thrown by drain", async () => {
  const full = new RangeError("the disk is full");
  const web = new WritableStream<Uint8Array>({
    write() {
      throw full;
    },
  });
  const writer = fromWritable(web);
  writer.write("bytes");
  assert.equal(await failure(writer.waitClosed(), RangeError), full);
  assert.equal(await failure(writer.drain(), RangeError), full);
});

inEachBackend("an aborted web sink is aborted, and not closed as if that were all", async () => {
  const aborted = Promise.withResolvers<unknown>();
  const web = new WritableStream<Uint8Array>({
    write: (_chunk, { signal }) => once(signal, "abort").then(() => {}),
    close: () => aborted.reject(new Error("closed")),
    abort: (reason) => aborted.resolve(reason),
  });
  const writer = fromWritable(web);
  writer.write("bytes");
  await waiting(idle());
  writer.transport.abort();
  assert.ok((await waiting(aborted.promise)) instanceof ConnectionAbortedError);
});

inEachBackend("what came in before an error is there to be read first", async (bench) => {
  const [, , , ours] = adopted(bench);
  ours.destroy();
  const boom = new Error("boom");
  for (const kind of ["source", "duplex"]) {
    const stream = new PassThrough();
    stream.write("three lines\n");
    const reader = kind === "source" ? fromReadable(stream) : fromDuplex(stream)[0];
    assert.equal(String(await reader.readline()), "three lines\n");
    stream.write("and a half");
    const read = createTask(() => reader.readexactly(1000));
    await waiting(idle());
    stream.destroy(boom);
    assert.equal(await failure(read, Error), boom);
    assert.equal(reader.exception(), boom);
  }
});

inEachBackend("an error waits behind what was not read yet", async () => {
  const chunk = Buffer.alloc(64 * 1024, 1);
  let sent = 0;
  const source = new Readable({
    read() {
      if (sent === 16) this.destroy(new Error("boom"));
      else {
        sent++;
        this.push(chunk);
      }
    },
  });
  const reader = fromReadable(source, { limit: 1000 });
  let size = 0;
  const error = await failure(
    (async () => {
      for (;;) size += (await reader.readexactly(chunk.length)).length;
    })(),
    Error,
  );
  assert.equal(error.message, "boom");
  assert.equal(size, 16 * chunk.length);
});

inEachBackend("a stream that is closed before its end is no end", async (bench) => {
  const [reader, writer, , ours] = adopted(bench);
  const read = createTask(() => reader.read());
  await waiting(idle());
  ours.destroy();
  const error = await failure(read, ConnectionResetError);
  assert.equal(error.message, "the stream was closed before its end");
  assert.equal(await failure(writer.drain(), ConnectionResetError), error);
  const late = new PassThrough();
  late.destroy();
  await failure(fromReadable(late).read(), ConnectionResetError);
  await failure(fromDuplex(late)[0].read(), ConnectionResetError);
  await failure(fromWritable(late).waitClosed(), ConnectionResetError);
});

inEachBackend("who waits in drain() is told when the stream breaks, though nobody reads", async (bench) => {
  const boom = new Error("boom");
  const stream = new Duplex({ read() {}, write() {} });
  const [reader, writer] = fromDuplex(stream, { limit: 10 });
  stream.push(Buffer.alloc(100));
  await waiting(idle());
  writer.write(MEBIBYTE);
  const drained = createTask(() => writer.drain());
  await waiting(idle());
  stream.destroy(boom);
  assert.equal(await failure(drained, Error), boom);
  assert.equal(reader.exception(), boom);
  assert.deepEqual(bench.reports, []);
});

inEachBackend("a stream that breaks after its end tells the writer", async () => {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(new Error("boom")) });
  const [reader, writer] = fromDuplex(stream);
  stream.push(null);
  assert.equal((await reader.read()).length, 0);
  writer.write("x");
  assert.equal((await failure(writer.waitClosed(), Error)).message, "boom");
});

inEachBackend("a stream that is destroyed after its end tells who still writes", async () => {
  const stream = new Duplex({ read() {}, write() {} });
  const [reader, writer] = fromDuplex(stream);
  stream.push(null);
  assert.equal((await reader.read()).length, 0);
  stream.destroy();
  await failure(writer.waitClosed(), ConnectionResetError);
});

inEachBackend("a stream that somebody else has ended breaks the writer's pipe", async () => {
  const stream = new PassThrough();
  const [, writer] = fromDuplex(stream);
  stream.end();
  writer.write("x");
  assert.equal((await failure(writer.waitClosed(), Error)).name, "BrokenPipeError");
});

inEachBackend("a stream that cannot be half-open is closed at its end", async () => {
  const final = (done: () => void) => void setImmediate(done);
  const stream = new Duplex({ allowHalfOpen: false, read() {}, write: (_c, _e, done) => done(), final });
  const [reader, writer] = fromDuplex(stream);
  stream.push("all");
  stream.push(null);
  assert.equal(String(await reader.read()), "all");
  await writer.waitClosed();
  assert.equal(stream.destroyed, true);
});

inEachBackend("aborting destroys the stream with a ConnectionAbortedError", async (bench) => {
  const [reader, writer, , ours] = adopted(bench);
  const broken = once(ours, "error");
  writer.transport.abort();
  assert.ok((await waiting(broken))[0] instanceof ConnectionAbortedError);
  assert.equal((await reader.read()).length, 0);
  await writer.waitClosed();
});

inEachBackend("a read that is cancelled loses nothing", async (bench) => {
  const [reader, , other] = adopted(bench);
  const read = createTask(() => timeout(0.01, () => reader.readexactly(10)));
  other.write("01234");
  await failure(read, Error);
  other.write("56789");
  assert.equal(String(await reader.readexactly(10)), "0123456789");
});

inEachBackend("text that a stream decodes is bytes again", async () => {
  const bytes = Buffer.from("äöü €\n".repeat(50_000));
  for (const encoding of ["utf8", "hex", "latin1"] as const) {
    for (const direct of [true, false]) {
      const stream = new PassThrough().setEncoding(encoding);
      const reader = direct ? fromDuplex(stream)[0] : fromReadable(stream);
      stream.end(bytes);
      assert.ok((await reader.read()).equals(bytes), encoding);
    }
  }
});

inEachBackend("strings of a web stream are UTF-8, and other objects a TypeError", async () => {
  const readerOf = (chunks: unknown[]) =>
    fromReadable(ReadableStream.from(chunks) as ReadableStream<Uint8Array>);
  assert.equal(String(await readerOf(["grüß", " dich"]).read()), "grüß dich");
  const reader = readerOf(["good", { an: "object" }]);
  await failure(reader.read(), TypeError);
});

inEachBackend("what is no stream of bytes is refused at the call", async () => {
  const objects = Readable.from([1, 2]);
  for (const call of [
    () => fromReadable(objects),
    () => fromWritable(new Writable({ objectMode: true })),
    () => fromDuplex(new PassThrough({ objectMode: true })),
    () => fromDuplex(new PassThrough({ readableObjectMode: true })),
    () => fromReadable("text" as never),
    () => fromWritable(new Readable() as never),
    () => fromDuplex({ readable: new Readable() } as never),
    () => fromDuplex(null as never),
    () => fromDuplex(new Readable() as never),
  ]) {
    assert.throws(call, TypeError);
  }
  assert.equal(objects.listenerCount("data"), 0);
  assert.throws(() => fromReadable(new PassThrough(), { limit: 0 }), ValueError);
  const locked = new ReadableStream();
  locked.getReader();
  assert.throws(() => fromReadable(locked), TypeError);
});

inEachBackend("a stream belongs to one transport only", async (bench) => {
  const [, writer, , ours] = adopted(bench);
  assert.throws(() => fromDuplex(ours), RuntimeError);
  const piped = new PassThrough();
  const [transport] = await bench.loop.connectWritePipe(() => new (class extends Protocol {})(), piped);
  assert.throws(() => fromDuplex(piped), RuntimeError);
  assert.equal(piped.listenerCount("data"), 0);
  transport.close();
  writer.transport.abort();
  await writer.waitClosed();
  await failure(fromDuplex(ours)[0].read(), ConnectionAbortedError);
});

inEachBackend("a request of Node's HTTP is read, and its response written", async (bench) => {
  const served: Promise<void>[] = [];
  const http = createServer((incoming, response) => {
    const handled = createTask(async () => {
      const reader = fromReadable(incoming);
      const writer = fromWritable(response);
      for await (const line of reader) {
        writer.write(String(line).toUpperCase());
        await writer.drain();
      }
      writer.close();
      await writer.waitClosed();
    });
    served.push(Promise.resolve(handled));
  }).listen(0, "127.0.0.1");
  await waiting(once(http, "listening"));
  bench.defer(() => http.close());
  const { port } = http.address() as { port: number };
  const body = "some line\n".repeat(10_000);
  const response = await waiting(fetch(`http://127.0.0.1:${port}/`, { method: "POST", body }));
  assert.equal(String(await fromReadable(response.body!).read()), body.toUpperCase());
  await waiting(Promise.all(served));
});

inEachBackend(
  "a request whose client goes away is a ConnectionResetError, with what came before",
  async (bench) => {
    const arrived = bench.loop.createFuture<IncomingMessage>();
    const http = createServer((incoming) => arrived.setResult(incoming)).listen(0, "127.0.0.1");
    await waiting(once(http, "listening"));
    bench.defer(() => http.close());
    const { port } = http.address() as { port: number };
    const client = request({ port, host: "127.0.0.1", method: "POST", headers: { "content-length": 1000 } });
    client.on("error", () => {});
    client.write("the beginning\nand");
    const reader = fromReadable(await arrived);
    assert.equal(String(await reader.readline()), "the beginning\n");
    client.destroy();
    await failure(reader.readline(), ConnectionResetError);
  },
);

inEachBackend(
  "TLS is spoken over a stream of Node's",
  async (bench) => {
    const [ours, theirs] = duplexPair();
    const [reader, writer] = fromDuplex(ours);
    const [serverReader, serverWriter] = fromDuplex(theirs);
    const upgraded = createTask(() =>
      bench.loop.startTls(
        serverWriter.transport,
        (serverWriter.transport as unknown as { getProtocol(): never }).getProtocol(),
        serverContext(),
        { serverSide: true },
      ),
    );
    await writer.startTls(clientContext(), { serverHostname: "localhost" });
    const secure = await upgraded;
    writer.write("secret");
    assert.equal(String(await serverReader.readexactly(6)), "secret");
    secure.write("answer");
    assert.equal(String(await reader.readexactly(6)), "answer");
    writer.close();
    await writer.waitClosed();
  },
  { skip: opensslSkip },
);

inEachBackend("a reader that is dropped before the end lets go of the source", async ({ defer }) => {
  const warnings: string[] = [];
  const note = (warning: Error) => void warnings.push(warning.name);
  process.on("warning", note);
  defer(() => process.off("warning", note));
  const { source } = endless(Buffer.alloc(1000));
  const drop = async () => void (await fromReadable(source).read(10));
  await drop();
  for (let i = 0; i < 20 && !source.destroyed; i++) await waiting(collectGarbage());
  assert.equal(source.destroyed, true);
  assert.deepEqual(warnings, ["ResourceWarning"]);
});

for (const { name, makeLoop, skip } of backends) {
  test(`closing the loop destroys the streams that are left (${name})`, { skip }, async () => {
    const loop = makeLoop();
    const [duplex, source, sink] = [new PassThrough(), new PassThrough(), new PassThrough()];
    sink.on("error", () => {});
    await loop.runUntilComplete(async () => [fromDuplex(duplex), fromReadable(source), fromWritable(sink)]);
    loop.close();
    for (const stream of [duplex, source, sink]) assert.equal(stream.destroyed, true);
    assert.ok(sink.errored instanceof ConnectionAbortedError);
    await collectGarbage();
  });
}
