/** Web streams as readers and writers. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { Readable } from "node:stream";
import {
  ConnectionAbortedError,
  ConnectionResetError,
  createTask,
  fromDuplex,
  fromReadable,
  fromWritable,
} from "../../src/index.ts";
import { failure, idle, inEachBackend } from "./backends.ts";
import { MEBIBYTE, waiting, writeFor } from "./from-node-streams-support.ts";

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

inEachBackend("strings of a web stream are UTF-8, and other objects a TypeError", async () => {
  const readerOf = (chunks: unknown[]) =>
    fromReadable(ReadableStream.from(chunks) as ReadableStream<Uint8Array>);
  assert.equal(String(await readerOf(["grüß", " dich"]).read()), "grüß dich");
  const reader = readerOf(["good", { an: "object" }]);
  await failure(reader.read(), TypeError);
});
