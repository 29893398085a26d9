import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket as NodeSocket } from "node:net";
import { describe } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { RuntimeError, type Transport } from "../../src/index.ts";
import { idle, inEachBackend } from "./backends.ts";
import { BufferedRecorder, connected, pattern, Recorder, recorders, withNodeClient } from "./recorder.ts";

const KiB = 1024;
const MiB = 1024 * 1024;
const pauses = { onMade: (transport: Transport) => transport.pauseReading() };

describe("reading", () => {
  inEachBackend("one-byte segments arrive in order", async (bench) => {
    const recorder = new Recorder(bench.loop);
    const client = await withNodeClient(bench, recorder);
    const text = "every byte by itself";
    for (const byte of text) {
      client.write(byte);
      await turn();
    }
    assert.equal((await recorder.receives(text.length)).toString(), text);
    assert.ok(recorder.chunks.length > 1);
  });

  inEachBackend("received data stays as it is while more comes in", async (bench) => {
    const [left, right] = await recorders(bench);
    const all = pattern(MiB);
    const copies: Buffer[] = [];
    right.onData = (data) => copies.push(Buffer.from(data));
    left.transport.write(all);
    await right.receives(all.length);
    assert.deepEqual(right.chunks, copies);
  });

  inEachBackend("nothing is delivered while reading is paused", async (bench) => {
    const recorder = new Recorder(bench.loop);
    const client = await withNodeClient(bench, recorder);
    const { transport } = recorder;
    assert.equal(transport.isReading(), true);
    transport.pauseReading();
    transport.pauseReading();
    assert.equal(transport.isReading(), false);
    client.end("too early");
    await idle();
    assert.deepEqual(recorder.calls, ["connectionMade"], "neither the data nor the end");
    transport.resumeReading();
    transport.resumeReading();
    assert.deepEqual(recorder.calls, ["connectionMade"], "never inline");
    await recorder.called("connectionLost");
    assert.deepEqual(recorder.calls, ["connectionMade", "dataReceived", "eofReceived", "connectionLost"]);
    assert.equal(recorder.received.toString(), "too early");
  });

  inEachBackend("pausing in connectionMade holds back everything", async (bench) => {
    const recorder = new Recorder(bench.loop, pauses);
    const client = await withNodeClient(bench, recorder);
    client.end("too early");
    await idle();
    assert.deepEqual(recorder.calls, ["connectionMade"]);
    recorder.transport.resumeReading();
    await recorder.called("connectionLost");
    assert.equal(recorder.received.toString(), "too early");
  });

  inEachBackend("pausing in dataReceived holds back what was read along with it", async (bench) => {
    const recorder = new Recorder(bench.loop, { onData: () => recorder.transport.pauseReading() });
    const client = await withNodeClient(bench, recorder);
    const all = pattern(MiB);
    client.end(all);
    for (let count = 1; recorder.size < all.length; count++) {
      await recorder.receives(recorder.size + 1);
      await idle();
      assert.equal(recorder.chunks.length, count);
      recorder.transport.resumeReading();
    }
    await recorder.called("connectionLost");
    assert.ok(recorder.received.equals(all));
  });

  inEachBackend("resuming and pausing again at once delivers nothing", async (bench) => {
    const recorder = new Recorder(bench.loop, pauses);
    const client = await withNodeClient(bench, recorder);
    client.write("held");
    await idle();
    recorder.transport.resumeReading();
    recorder.transport.pauseReading();
    await idle();
    assert.deepEqual(recorder.calls, ["connectionMade"]);
    recorder.transport.resumeReading();
    await recorder.receives(4);
  });

  inEachBackend("the peer feels it when nobody reads", async (bench) => {
    const recorder = new Recorder(bench.loop, pauses);
    const client = await withNodeClient(bench, recorder);
    const total = 32 * MiB;
    let flushed = false;
    client.write(Buffer.alloc(total), () => {
      flushed = true;
    });
    await idle();
    assert.equal(flushed, false);
    recorder.onData = () => recorder.chunks.splice(0);
    recorder.transport.resumeReading();
    await recorder.receives(total);
  });

  inEachBackend("the end is told once, also if reading is resumed after it", async (bench) => {
    const [left, right] = await recorders(bench, {}, { onEof: () => true });
    left.transport.writeEof();
    await right.called("eofReceived");
    right.transport.pauseReading();
    right.transport.resumeReading();
    await idle();
    assert.deepEqual(right.calls, ["connectionMade", "eofReceived"]);
  });

  inEachBackend("a closing transport neither reads nor pauses nor resumes", async (bench) => {
    const [left] = await recorders(bench, pauses);
    left.transport.close();
    left.transport.resumeReading();
    left.transport.pauseReading();
    assert.equal(left.transport.isReading(), false);
    await left.called("connectionLost");
    left.transport.resumeReading();
    left.transport.pauseReading();
    assert.equal(left.transport.isReading(), false);
  });
});

describe("a protocol with memory of its own", () => {
  inEachBackend("gets the bytes in its memory, and how many they are", async (bench) => {
    const left = new Recorder(bench.loop);
    const right = new BufferedRecorder(bench.loop, 64 * KiB);
    await connected(bench, left, right);
    left.transport.write("into memory");
    assert.equal((await right.receives(11)).toString(), "into memory");
    assert.deepEqual(right.calls, ["connectionMade", "getBuffer", "bufferUpdated"]);
    left.transport.close();
    await right.called("connectionLost");
    assert.equal(right.calls.at(-2), "eofReceived");
  });

  inEachBackend("gets more than fits in parts, in order", async (bench) => {
    const left = new Recorder(bench.loop);
    const right = new BufferedRecorder(bench.loop, 1000);
    await connected(bench, left, right);
    const all = pattern(100_500);
    left.transport.write(all);
    left.transport.writeEof();
    await right.called("connectionLost");
    assert.ok(right.received.equals(all));
  });

  inEachBackend("can pause between two parts", async (bench) => {
    const right = new BufferedRecorder(bench.loop, 10);
    right.onUpdate = () => right.transport.pauseReading();
    const client = await withNodeClient(bench, right);
    client.end("0123456789abcdefghij");
    await right.receives(10);
    await idle();
    assert.equal(right.received.toString(), "0123456789");
    right.transport.resumeReading();
    await right.receives(20);
    right.transport.resumeReading();
    await right.called("connectionLost");
  });

  inEachBackend("is asked for memory with no wish for its size", async (bench) => {
    const hints: number[] = [];
    const right = new BufferedRecorder(bench.loop, 10);
    right.onBuffer = (sizeHint) => {
      hints.push(sizeHint);
      return right.memory;
    };
    const client = await withNodeClient(bench, right);
    client.write("x");
    await right.receives(1);
    assert.deepEqual(hints, [-1]);
  });

  inEachBackend("may keep the connection open at the end", async (bench) => {
    const right = new BufferedRecorder(bench.loop, 10);
    right.onEof = () => true;
    const client = await withNodeClient(bench, right);
    client.end();
    await right.called("eofReceived");
    right.transport.write("later");
    right.transport.close();
    const [data] = await readingFrom(client);
    assert.equal(String(data), "later");
  });

  inEachBackend("may give no memory of size 0", async (bench) => {
    const right = new BufferedRecorder(bench.loop, 0);
    const client = await withNodeClient(bench, right);
    client.write("x");
    await right.called("connectionLost");
    assert.ok(right.lostWith instanceof RuntimeError);
    assert.match(right.lostWith.message, /empty buffer/);
    const [report] = bench.reports.splice(0);
    assert.equal(report?.message, "Fatal error: protocol.getBuffer() call failed.");
  });

  for (const [method, does] of [
    ["getBuffer", "onBuffer"],
    ["bufferUpdated", "onUpdate"],
  ] as const) {
    inEachBackend(`ends the connection with an error in ${method}`, async (bench) => {
      const error = new Error("out of memory");
      const right = new BufferedRecorder(bench.loop, 10);
      right[does] = () => {
        throw error;
      };
      const client = await withNodeClient(bench, right);
      client.write("x");
      await right.called("connectionLost");
      assert.equal(right.lostWith, error);
      const [report, ...others] = bench.reports.splice(0);
      assert.equal(report?.message, `Fatal error: protocol.${method}() call failed.`);
      assert.deepEqual(others, []);
    });
  }
});

/** The first data that a socket of Node's gets. */
function readingFrom(socket: NodeSocket): Promise<unknown[]> {
  socket.resume();
  return once(socket, "data");
}
