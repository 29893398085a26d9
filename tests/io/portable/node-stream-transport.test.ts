/** Flow control over streams of Node's. */

import assert from "node:assert/strict";
import { Duplex, Writable } from "node:stream";
import {
  ConnectionResetError,
  createTask,
  fromDuplex,
  fromReadable,
  fromWritable,
  type Transport,
  timeout,
} from "../../../src/index.ts";
import { failure, idle, inEachBackend } from "../backends.ts";
import { adopted, endless, MEBIBYTE, stuck, waiting } from "../from-node-streams-support.ts";

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

inEachBackend("while reading is paused, nothing is taken out of the stream", async ({ defer }) => {
  let pulled = 0;
  const pull = () => {
    pulled++;
    stream.push(Buffer.alloc(1000));
  };
  const stream = new Duplex({ readableHighWaterMark: 1000, read: () => void setImmediate(pull) });
  stream.on("error", () => {});
  const [reader, writer] = fromDuplex(stream);
  defer(() => writer.transport.abort());
  await reader.readexactly(1);
  const transport = writer.transport as Transport;
  transport.pauseReading();
  const before = pulled;
  await waiting(idle());
  // What Node reads ahead, and what was on its way.
  assert.ok(pulled - before <= 2, `${pulled - before} chunks were taken`);
  transport.resumeReading();
  await reader.readexactly(10_000);
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

inEachBackend("a read that is cancelled loses nothing", async (bench) => {
  const [reader, , other] = adopted(bench);
  const read = createTask(() => timeout(0.01, () => reader.readexactly(10)));
  other.write("01234");
  await failure(read, Error);
  other.write("56789");
  assert.equal(String(await reader.readexactly(10)), "0123456789");
});
