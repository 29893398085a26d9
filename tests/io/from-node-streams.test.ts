/** Any stream of Node's, and of the web, as a reader and a writer; how it ends is in portable/duplex-transport.test.ts. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import { connect, createServer as createNetServer } from "node:net";
import { duplexPair, PassThrough, Readable, Writable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { test } from "node:test";
import { createGunzip, createGzip, gunzipSync, gzipSync } from "node:zlib";
import {
  ConnectionAbortedError,
  ConnectionResetError,
  createTask,
  fromDuplex,
  fromReadable,
  fromWritable,
  Protocol,
  RuntimeError,
  ValueError,
} from "../../src/index.ts";
import { collectGarbage } from "../helpers.ts";
import { backends, failure, inEachBackend } from "./backends.ts";
import { adopted, MEBIBYTE, waiting, writeFor } from "./from-node-streams-support.ts";
import { opensslSkip } from "./tls/certificates.ts";
import { clientContext, serverContext } from "./tls/support.ts";

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
