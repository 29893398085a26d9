/** How a stream of Node's ends, or breaks. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { Duplex, PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import {
  ConnectionAbortedError,
  ConnectionResetError,
  createTask,
  fromDuplex,
  fromReadable,
  fromWritable,
  SendfileNotAvailableError,
} from "../../../src/index.ts";
import { failure, idle, inEachBackend } from "../backends.ts";
import { adopted, MEBIBYTE, waiting } from "../from-node-streams-support.ts";

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

inEachBackend("a file is sent by reading and writing it", async (bench) => {
  const [, writer, other] = adopted(bench);
  const fd = openSync(import.meta.filename, "r");
  bench.defer(() => closeSync(fd));
  const bytes = readFileSync(import.meta.filename).subarray(100);
  const { transport } = writer;
  const refused = bench.loop.sendfile(transport, fd, { fallback: false });
  await failure(refused, SendfileNotAvailableError);
  const sending = bench.loop.sendfile(transport, fd, { offset: 100 });
  const received = waiting(buffer(other));
  assert.equal(await sending, bytes.length);
  writer.close();
  assert.ok((await received).equals(bytes));
});
