import assert from "node:assert/strict";
import { describe } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ConnectionError, ConnectionResetError, type Transport } from "../../src/index.ts";
import { idle, inEachBackend } from "./backends.ts";
import { fill, Recorder, withNodeClient } from "./recorder.ts";

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

  inEachBackend("what came in before a reset is delivered before it", async (bench) => {
    const recorder = new Recorder(bench.loop, pauses);
    const client = await withNodeClient(bench, recorder);
    client.write("last words");
    await idle();
    client.resetAndDestroy();
    await idle();
    recorder.transport.resumeReading();
    await recorder.called("connectionLost");
    assert.deepEqual(recorder.calls, ["connectionMade", "dataReceived", "connectionLost"]);
    assert.ok(recorder.lostWith instanceof ConnectionResetError);
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

  inEachBackend("a reset reaches a writer that stops reading just then", async (bench) => {
    const recorder = new Recorder(bench.loop);
    const client = await withNodeClient(bench, recorder);
    fill(recorder);
    client.resetAndDestroy();
    await turn();
    recorder.transport.pauseReading();
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

function count(calls: readonly string[], method: string): number {
  return calls.filter((call) => call === method).length;
}
