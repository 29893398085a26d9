import assert from "node:assert/strict";
import type { Socket as NodeSocket } from "node:net";
import { describe } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ConnectionError, ConnectionResetError, type Transport } from "../../src/index.ts";
import { idle, inEachBackend } from "./backends.ts";
import { BufferedRecorder, fill, pattern, Recorder, withNodeClient } from "./recorder.ts";

const pauses = { onMade: (transport: Transport) => transport.pauseReading() };
const keepsOpen = { onEof: () => true };

describe("a connection that breaks", () => {
  inEachBackend("a reset is a ConnectionResetError, given to connectionLost alone", async (bench) => {
    const recorder = new Recorder(bench.loop);
    const client = await withNodeClient(bench, recorder);
    client.resetAndDestroy();
    await recorder.called("connectionLost");
    const { lostWith } = recorder;
    assert.ok(lostWith instanceof ConnectionResetError);
    assert.deepEqual([lostWith.code, lostWith.errno], ["ECONNRESET", 104]);
    assert.match(lostWith.syscall!, /^(read|recv)$/);
    assert.match(lostWith.message, /ECONNRESET/);
    recorder.transport.write("x");
    recorder.transport.close();
    recorder.transport.abort();
    await idle();
    assert.deepEqual(recorder.calls, ["connectionMade", "connectionLost"]);
  });

  inEachBackend(
    "what came in before a reset is delivered before it, in however many parts",
    async (bench) => {
      const recorder = new BufferedRecorder(bench.loop, 1000);
      const client = await withNodeClient(bench, recorder);
      recorder.transport.pauseReading();
      const last = pattern(20_000);
      await sendAndReset(client, last);
      recorder.transport.resumeReading();
      await recorder.called("connectionLost");
      assert.ok(recorder.received.equals(last));
      assert.equal(recorder.calls.includes("eofReceived"), false);
      assert.ok(recorder.lostWith instanceof ConnectionResetError);
    },
  );

  inEachBackend("a reset waits as long as what came in before it", async (bench) => {
    const recorder = new Recorder(bench.loop, pausesAlways());
    const client = await withNodeClient(bench, recorder);
    await sendAndReset(client, pattern(10));
    recorder.transport.resumeReading();
    await recorder.receives(10);
    await idle();
    assert.deepEqual(recorder.calls, ["connectionMade", "dataReceived"]);
    recorder.transport.resumeReading();
    await recorder.called("connectionLost");
    assert.ok(recorder.lostWith instanceof ConnectionResetError);
  });

  inEachBackend("a reset that waits is found by the next write", async (bench) => {
    const recorder = new Recorder(bench.loop, pausesAlways());
    const client = await withNodeClient(bench, recorder);
    await sendAndReset(client, pattern(10));
    recorder.transport.resumeReading();
    await recorder.receives(10);
    await idle();
    while (!recorder.calls.includes("connectionLost")) {
      recorder.transport.write("anybody there?");
      await turn();
    }
    assert.ok(recorder.lostWith instanceof ConnectionError);
  });

  inEachBackend(
    "a reset in the middle of writing ends the connection, and what is buffered",
    async (bench) => {
      const recorder = new Recorder(bench.loop);
      const client = await withNodeClient(bench, recorder);
      fill(recorder);
      client.resetAndDestroy();
      await recorder.called("connectionLost");
      assert.ok(recorder.lostWith instanceof ConnectionError);
      assert.equal(recorder.transport.getWriteBufferSize(), 0);
      recorder.transport.write("x");
      assert.deepEqual(recorder.calls, ["connectionMade", "pauseWriting", "connectionLost"]);
    },
  );

  inEachBackend("a reset ends a close that waits for its buffer", async (bench) => {
    const recorder = new Recorder(bench.loop);
    const client = await withNodeClient(bench, recorder);
    fill(recorder);
    recorder.transport.close();
    client.resetAndDestroy();
    await recorder.called("connectionLost");
    assert.ok(recorder.lostWith instanceof ConnectionError);
    assert.deepEqual(recorder.calls, ["connectionMade", "pauseWriting", "connectionLost"]);
  });

  inEachBackend("a reset reaches a writer that has just stopped reading", async (bench) => {
    const recorder = new BufferedRecorder(bench.loop, 10);
    const client = await withNodeClient(bench, recorder);
    recorder.transport.write(Buffer.alloc(16 * 1024 * 1024));
    recorder.onUpdate = () => recorder.transport.pauseReading();
    client.write(pattern(20));
    client.resetAndDestroy();
    await recorder.called("connectionLost");
    assert.ok(recorder.lostWith instanceof ConnectionError);
  });

  inEachBackend("a writer that does not read learns of a reset too", async (bench) => {
    const recorder = new Recorder(bench.loop, pauses);
    const client = await withNodeClient(bench, recorder);
    client.resetAndDestroy();
    await idle();
    while (!recorder.calls.includes("connectionLost")) {
      recorder.transport.write("anybody there?");
      await turn();
    }
    assert.ok(recorder.lostWith instanceof ConnectionError);
  });

  inEachBackend("writing to a peer that has closed ends in a ConnectionError", async (bench) => {
    const recorder = new Recorder(bench.loop, keepsOpen);
    const client = await withNodeClient(bench, recorder);
    client.destroy();
    await recorder.called("eofReceived");
    while (!recorder.calls.includes("connectionLost")) {
      recorder.transport.write("anybody there?");
      await turn();
    }
    assert.ok(recorder.lostWith instanceof ConnectionError);
    assert.deepEqual(recorder.calls, ["connectionMade", "eofReceived", "connectionLost"]);
  });

  inEachBackend("writeEof to a peer that has reset the connection does no harm", async (bench) => {
    const recorder = new Recorder(bench.loop, pauses);
    const client = await withNodeClient(bench, recorder);
    client.resetAndDestroy();
    await idle();
    recorder.transport.writeEof();
    await idle();
    recorder.transport.abort();
    await recorder.called("connectionLost");
    assert.equal(count(recorder.calls, "connectionLost"), 1);
  });
});

/** Reads one piece at a time: only what is resumed for. */
function pausesAlways(): Partial<Recorder> {
  let transport: Transport;
  return {
    onMade(made) {
      transport = made;
      transport.pauseReading();
    },
    onData: () => transport.pauseReading(),
  };
}

/** When it returns, the bytes have arrived, and the reset behind them. */
async function sendAndReset(client: NodeSocket, bytes: Buffer): Promise<void> {
  client.write(bytes);
  await idle();
  client.resetAndDestroy();
  await idle();
}

function count(calls: readonly string[], method: string): number {
  return calls.filter((call) => call === method).length;
}
