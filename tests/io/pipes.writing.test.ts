import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { PassThrough, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe } from "node:test";
import {
  BrokenPipeError,
  FlowControlMixin,
  ReadTransport,
  StreamWriter,
  socketpair,
  ValueError,
  WriteTransport,
} from "../../src/index.ts";
import { type Bench, failure, idle, inEachBackend } from "./backends.ts";
import { drainFd, isClosed, makePipe, makePty, pipesSkip, readFd } from "./pipes-support.ts";
import { pattern, Recorder } from "./recorder.ts";

const options = { skip: pipesSkip };
const MEBIBYTE = 1024 * 1024;

/** A recorder that writes to a pipe, and the fd to read from. */
async function writingRecorder(
  bench: Bench,
): Promise<{ recorder: Recorder; transport: WriteTransport; reader: number; writer: number }> {
  const ends = makePipe(bench);
  const recorder = new Recorder(bench.loop);
  const [transport] = await bench.loop.connectWritePipe(() => recorder, ends.writer);
  bench.defer(async () => {
    transport.abort();
    while (!isClosed(ends.writer)) await idle();
  });
  return { recorder, transport, ...ends };
}

describe("the writing end of a pipe", options, () => {
  inEachBackend("sends what is written, and is closed", async (bench) => {
    const { recorder, transport, reader, writer } = await writingRecorder(bench);
    assert.deepEqual(recorder.calls, ["connectionMade"]);
    transport.write("");
    transport.write("one ");
    transport.writelines(["two ", new Uint8Array(0), Buffer.from("three")]);
    assert.equal(transport.getWriteBufferSize(), 0);
    assert.equal(String(await readFd(reader)), "one two three");
    transport.close();
    transport.close();
    await recorder.called("connectionLost");
    assert.deepEqual([recorder.calls, recorder.lostWith], [["connectionMade", "connectionLost"], null]);
    while (!isClosed(writer)) await idle();
    assert.equal((await readFd(reader)).length, 0);
  });

  inEachBackend("is a WriteTransport and no ReadTransport", async (bench) => {
    const { transport, writer } = await writingRecorder(bench);
    assert.ok(transport instanceof WriteTransport);
    assert.ok(!((transport as unknown) instanceof ReadTransport));
    assert.equal(transport.getExtraInfo("pipe"), writer);
    assert.match(String(transport), /^<WritePipeTransport open.* buffered=0>$/);
  });

  inEachBackend("pauses its protocol when the reader is slow, and loses nothing", async (bench) => {
    const { recorder, transport, reader } = await writingRecorder(bench);
    const sent = pattern(MEBIBYTE);
    transport.write(sent.subarray(0, 300_000));
    transport.writelines([sent.subarray(300_000, 300_001), sent.subarray(300_001)]);
    assert.ok(transport.getWriteBufferSize() > 64 * 1024);
    assert.deepEqual(recorder.calls, ["connectionMade", "pauseWriting"]);
    const received = drainFd(reader);
    await recorder.called("resumeWriting");
    transport.writeEof();
    assert.equal(transport.canWriteEof(), true);
    assert.equal(transport.isClosing(), true);
    assert.ok((await received).equals(sent));
    await recorder.called("connectionLost");
    assert.equal(recorder.lostWith, null);
  });

  inEachBackend("sends what is buffered before it is closed", async (bench) => {
    const { recorder, transport, reader } = await writingRecorder(bench);
    const sent = pattern(MEBIBYTE);
    transport.write(sent);
    transport.close();
    await idle();
    assert.equal(recorder.calls.includes("connectionLost"), false);
    assert.ok((await drainFd(reader)).equals(sent));
    await recorder.called("connectionLost");
    assert.equal(recorder.lostWith, null);
  });

  inEachBackend("drops what is buffered when it is aborted", async (bench) => {
    const { recorder, transport, reader, writer } = await writingRecorder(bench);
    transport.write(pattern(MEBIBYTE));
    transport.abort();
    transport.abort();
    assert.equal(transport.getWriteBufferSize(), 0);
    await recorder.called("connectionLost");
    assert.equal(recorder.lostWith, null);
    while (!isClosed(writer)) await idle();
    assert.ok((await drainFd(reader)).length < MEBIBYTE);
  });

  inEachBackend("is broken when the reader goes before all is sent", async (bench) => {
    const { recorder, transport, reader } = await writingRecorder(bench);
    transport.write(pattern(MEBIBYTE));
    closeSync(reader);
    await recorder.called("connectionLost");
    assert.ok(recorder.lostWith instanceof BrokenPipeError);
    assert.equal(transport.getWriteBufferSize(), 0);
  });

  inEachBackend("is broken by a write that nobody can read", async (bench) => {
    const { recorder, transport, reader } = await writingRecorder(bench);
    closeSync(reader);
    transport.write("anybody there?");
    await recorder.called("connectionLost");
    assert.ok(recorder.lostWith instanceof BrokenPipeError);
    assert.equal(recorder.lostWith.code, "EPIPE");
  });

  inEachBackend("notices by itself that the reader has gone, on the native backend", async (bench) => {
    const { recorder, reader } = await writingRecorder(bench);
    closeSync(reader);
    if (bench.backend === "portable") {
      await idle();
      assert.deepEqual(recorder.calls, ["connectionMade"]);
      return;
    }
    await recorder.called("connectionLost");
    assert.equal(recorder.lostWith, null);
  });

  inEachBackend("drops what is written when it is closed", async (bench) => {
    const { recorder, transport, reader } = await writingRecorder(bench);
    transport.close();
    transport.write("too late");
    await recorder.called("connectionLost");
    for (let i = 0; i < 4; i++) transport.write("much too late");
    assert.equal((await readFd(reader)).length, 0);
    assert.deepEqual(recorder.calls, ["connectionMade", "connectionLost"]);
  });

  inEachBackend("has marks like any transport, and takes bytes only", async (bench) => {
    const { recorder, transport } = await writingRecorder(bench);
    assert.deepEqual(transport.getWriteBufferLimits(), [16 * 1024, 64 * 1024]);
    transport.setWriteBufferLimits({ high: 2 * MEBIBYTE });
    transport.write(pattern(MEBIBYTE));
    assert.deepEqual(recorder.calls, ["connectionMade"]);
    assert.throws(() => transport.setWriteBufferLimits({ high: 1, low: 2 }), ValueError);
    transport.setWriteBufferLimits({ high: 1000 });
    assert.deepEqual(recorder.calls, ["connectionMade", "pauseWriting"]);
    assert.throws(() => transport.write(7 as never), TypeError);
    assert.throws(() => transport.writelines(["x", null as never]), TypeError);
  });

  inEachBackend("reports what the protocol's flow control throws, and goes on", async (bench) => {
    const { recorder, transport, reader } = await writingRecorder(bench);
    recorder.onPause = () => {
      throw new Error("no pause");
    };
    transport.write(pattern(MEBIBYTE));
    assert.match(bench.reports.splice(0)[0]!.message, /pauseWriting\(\) failed/);
    transport.close();
    assert.equal((await drainFd(reader)).length, MEBIBYTE);
  });

  inEachBackend("serves a StreamWriter, with a protocol that controls the flow", async (bench) => {
    const { reader, writer: fd } = makePipe(bench);
    const [transport, protocol] = await bench.loop.connectWritePipe(() => new FlowControlMixin(), fd);
    const writer = new StreamWriter(transport, protocol, null, bench.loop);
    const received = drainFd(reader);
    for (let i = 0; i < 8; i++) {
      writer.write(pattern(MEBIBYTE, i));
      await writer.drain();
      assert.ok(transport.getWriteBufferSize() <= 64 * 1024);
    }
    writer.close();
    const sent = Buffer.concat(Array.from({ length: 8 }, (_, i) => pattern(MEBIBYTE, i)));
    assert.ok((await received).equals(sent));
  });
});

describe("what can be written to as a pipe", options, () => {
  inEachBackend("is a socket, which is closed with it", async (bench) => {
    const [near, far] = socketpair();
    bench.defer(() => far.close());
    const recorder = new Recorder(bench.loop);
    const [transport] = await bench.loop.connectWritePipe(() => recorder, near);
    transport.write("hello");
    transport.close();
    await recorder.called("connectionLost");
    assert.equal(String(far.recv(10)), "hello");
    assert.equal(near.fileno(), -1);
  });

  inEachBackend("is a terminal", async (bench) => {
    const { master, slave } = makePty(bench);
    const recorder = new Recorder(bench.loop);
    const [transport] = await bench.loop.connectWritePipe(() => recorder, slave);
    transport.write("hello");
    assert.equal(String(await readFd(master)), "hello");
    transport.close();
    await recorder.called("connectionLost");
    assert.equal(recorder.lostWith, null);
    while (!isClosed(slave)) await idle();
  });

  inEachBackend("is a device that never has to wait", async (bench) => {
    const recorder = new Recorder(bench.loop);
    const fd = openSync("/dev/null", "w");
    const [transport] = await bench.loop.connectWritePipe(() => recorder, fd);
    transport.write(pattern(MEBIBYTE));
    transport.close();
    await recorder.called("connectionLost");
    assert.equal(recorder.lostWith, null);
    while (!isClosed(fd)) await idle();
  });

  inEachBackend("is a stream of Node's, which is ended in good order", async (bench) => {
    const stream = new PassThrough();
    const recorder = new Recorder(bench.loop);
    const [transport] = await bench.loop.connectWritePipe(() => recorder, stream);
    transport.write("to ");
    transport.write("Node");
    transport.close();
    assert.equal(await text(stream), "to Node");
    await recorder.called("connectionLost");
  });

  inEachBackend("is a terminal, whose other side is told of the end", async (bench) => {
    const { master, slave } = makePty(bench);
    const [reading, writing] = [new Recorder(bench.loop), new Recorder(bench.loop)];
    await bench.loop.connectReadPipe(() => reading, master);
    const [transport] = await bench.loop.connectWritePipe(() => writing, slave);
    transport.write("last");
    await reading.receives(4);
    transport.close();
    await reading.called("connectionLost");
    assert.equal((reading.lostWith as { code?: unknown } | null)?.code, "EIO");
    while (!isClosed(slave) || !isClosed(master)) await idle();
  });

  inEachBackend("is a stream of Node's, and its error is what the connection is lost with", async (bench) => {
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error("broken")) });
    const recorder = new Recorder(bench.loop);
    const [transport] = await bench.loop.connectWritePipe(() => recorder, stream);
    transport.write("x");
    await recorder.called("connectionLost");
    assert.match(String(recorder.lostWith), /broken/);
    assert.equal(bench.reports.splice(0).length, 1);
    assert.equal(stream.destroyed, true);
  });

  inEachBackend("is a stream of Node's, until somebody destroys it", async (bench) => {
    const stream = new PassThrough();
    const recorder = new Recorder(bench.loop);
    await bench.loop.connectWritePipe(() => recorder, stream);
    stream.destroy();
    await recorder.called("connectionLost");
    assert.equal(recorder.lostWith, null);
  });

  inEachBackend("is no stream of Node's for objects", async ({ loop }) => {
    const stream = new PassThrough({ objectMode: true });
    assert.throws(() => loop.connectWritePipe(() => new Recorder(loop), stream), /not one of objects/);
    const error = await failure(
      loop.connectWritePipe(() => {
        throw new ValueError("no protocol");
      }, new PassThrough()),
      ValueError,
    );
    assert.match(error.message, /no protocol/);
  });

  inEachBackend("is both directions of one stream, by two transports", async (bench) => {
    const stream = new PassThrough();
    const [reading, writing] = [new Recorder(bench.loop), new Recorder(bench.loop)];
    await bench.loop.connectReadPipe(() => reading, stream);
    const [transport] = await bench.loop.connectWritePipe(() => writing, stream);
    transport.write("round");
    await reading.receives(5);
    transport.close();
    await writing.called("connectionLost");
    await reading.called("connectionLost");
    assert.deepEqual(reading.calls, ["connectionMade", "dataReceived", "eofReceived", "connectionLost"]);
  });
});
