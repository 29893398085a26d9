import assert from "node:assert/strict";
import { once } from "node:events";
import { describe } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  ConnectionResetError,
  NotImplementedError,
  SSLError,
  setLogger,
  TimeoutError,
  ValueError,
} from "../../../src/index.ts";
import { idle, inEachBackend } from "../backends.ts";
import { BufferedRecorder, Echo, fill, pattern, Recorder, serve } from "../recorder.ts";
import { opensslSkip } from "./certificates.ts";
import {
  asTls,
  clientContext,
  connectTls,
  nodeTlsClient,
  serverContext,
  serveTls,
  tlsRecorders,
} from "./support.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
const pauses = { onMade: (transport: { pauseReading(): void }) => transport.pauseReading() };

describe("a TLS transport", { skip: opensslSkip }, () => {
  inEachBackend("what is sent arrives, both ways", async (bench) => {
    const [left, right] = await tlsRecorders(bench);
    left.transport.write("to the right");
    right.transport.writelines(["to ", "", Buffer.from("the "), "left"]);
    assert.equal((await right.receives(12)).toString(), "to the right");
    assert.equal((await left.receives(11)).toString(), "to the left");
    left.transport.write("");
    left.transport.writelines([]);
  });

  inEachBackend("on the wire there is none of it", async (bench) => {
    const wire = new Recorder(bench.loop);
    const { port } = await serve(bench, () => wire);
    const connecting = bench.loop.createConnection(() => new Echo(), "127.0.0.1", port, {
      ssl: clientContext(),
    });
    const failed = assert.rejects(connecting);
    const hello = await wire.receives(5);
    assert.equal(hello[0], 22, "a TLS handshake record");
    wire.transport.abort();
    await failed;
  });

  inEachBackend("20 MiB go each way at once, with readers that pause", async (bench) => {
    const slow = (recorder: () => Recorder) => () => {
      recorder().transport.pauseReading();
      bench.loop.callSoon(() => recorder().transport.resumeReading());
    };
    const [left, right]: [Recorder, Recorder] = await tlsRecorders(
      bench,
      { onData: slow(() => left) },
      { onData: slow(() => right) },
    );
    const there = pattern(20 * MiB, 1);
    const back = pattern(20 * MiB, 2);
    left.transport.write(there);
    right.transport.write(back);
    assert.ok((await right.receives(there.length)).equals(there));
    assert.ok((await left.receives(back.length)).equals(back));
  });

  inEachBackend("close sends what is buffered, then ends both sides without an error", async (bench) => {
    const [left, right] = await tlsRecorders(bench);
    const data = pattern(3 * MiB);
    left.transport.write(data);
    left.transport.close();
    assert.equal(left.transport.isClosing(), true);
    await Promise.all([left.called("connectionLost"), right.called("connectionLost")]);
    assert.ok(right.received.equals(data));
    assert.deepEqual([left.lostWith, right.lostWith], [null, null]);
    assert.equal(right.calls.filter((call) => call === "eofReceived").length, 1);
    assert.equal(left.calls.includes("eofReceived"), false);
  });

  inEachBackend("close waits for the other side's end of TLS, as long as the timeout", async (bench) => {
    const recorder = new Recorder(bench.loop);
    const { port } = await serve(bench, () => recorder, { ssl: serverContext(), sslShutdownTimeout: 0.05 });
    const { client } = await nodeTlsClient(bench, port);
    await recorder.called("connectionMade");
    recorder.transport.close();
    client.pause();
    await recorder.called("connectionLost");
    assert.ok(recorder.lostWith instanceof TimeoutError);
  });

  inEachBackend(
    "the other side's end closes the connection, also if eofReceived returns true",
    async (bench) => {
      const warnings: string[] = [];
      setLogger({ ...console, warn: (message) => warnings.push(message) });
      bench.defer(() => setLogger(null));
      const recorder = new Recorder(bench.loop, { onEof: () => true });
      const { client } = await nodeTlsClient(bench, await serveTls(bench, () => recorder));
      client.resume();
      client.end("last words");
      await recorder.called("connectionLost");
      assert.equal(recorder.received.toString(), "last words");
      assert.deepEqual(recorder.calls, ["connectionMade", "dataReceived", "eofReceived", "connectionLost"]);
      assert.equal(recorder.lostWith, null);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]!, /half-open/);
    },
  );

  inEachBackend("close_notify reaches the other side", async (bench) => {
    const recorder = new Recorder(bench.loop);
    const { client } = await nodeTlsClient(bench, await serveTls(bench, () => recorder));
    await recorder.called("connectionMade");
    recorder.transport.write("the end");
    recorder.transport.close();
    client.setEncoding("utf8");
    let got = "";
    client.on("data", (chunk: string) => {
      got += chunk;
    });
    await once(client, "end");
    client.end();
    await recorder.called("connectionLost");
    assert.equal(got, "the end");
    assert.equal(recorder.lostWith, null);
  });

  inEachBackend("abort ends it at once, and drops what is buffered", async (bench) => {
    const [left, right] = await tlsRecorders(bench, {}, pauses);
    fill(left);
    left.transport.abort();
    assert.equal(left.transport.getWriteBufferSize(), 0);
    await left.called("connectionLost");
    assert.equal(left.lostWith, null);
    right.transport.resumeReading();
    await right.called("connectionLost");
  });

  inEachBackend("a reset is a ConnectionResetError, behind what came in before it", async (bench) => {
    const recorder = new Recorder(bench.loop);
    const { client, raw } = await nodeTlsClient(bench, await serveTls(bench, () => recorder));
    await recorder.called("connectionMade");
    const data = pattern(100 * KiB);
    client.write(data);
    await recorder.receives(data.length);
    raw.resetAndDestroy();
    await recorder.called("connectionLost");
    assert.ok(recorder.lostWith instanceof ConnectionResetError);
    assert.equal(recorder.calls.includes("eofReceived"), false);
    assert.ok(recorder.received.equals(data));
    recorder.transport.write("nobody is there");
    recorder.transport.close();
    recorder.transport.abort();
    await idle();
    assert.equal(recorder.calls.filter((call) => call === "connectionLost").length, 1);
  });

  inEachBackend("what is no TLS in the middle of it is an SSLError", async (bench) => {
    const recorder = new Recorder(bench.loop);
    const { raw } = await nodeTlsClient(bench, await serveTls(bench, () => recorder));
    await recorder.called("connectionMade");
    raw.write("plain text is no record of TLS");
    await recorder.called("connectionLost");
    assert.ok(recorder.lostWith instanceof SSLError, String(recorder.lostWith));
  });

  inEachBackend("there is no half-open TLS", async (bench) => {
    const [left] = await tlsRecorders(bench);
    assert.equal(left.transport.canWriteEof(), false);
    assert.throws(() => left.transport.writeEof(), NotImplementedError);
  });

  inEachBackend("a protocol is paused at 512 KiB, and resumed when a quarter is left", async (bench) => {
    const [left, right] = await tlsRecorders(bench, {}, pauses);
    assert.deepEqual(left.transport.getWriteBufferLimits(), [128 * KiB, 512 * KiB]);
    const sent = fill(left);
    assert.ok(left.transport.getWriteBufferSize() >= 512 * KiB);
    assert.ok(left.transport.getWriteBufferSize() < 1.5 * MiB);
    right.transport.resumeReading();
    await left.called("resumeWriting");
    assert.ok(left.transport.getWriteBufferSize() <= 128 * KiB);
    assert.ok((await right.receives(sent.length)).equals(sent));
  });

  inEachBackend("one that writes a little at a time is paused, too, when nobody reads", async (bench) => {
    const [left] = await tlsRecorders(bench, {}, pauses);
    let written = 0;
    while (!left.calls.includes("pauseWriting") && written < 64 * MiB) {
      left.transport.write(pattern(64 * KiB));
      written += 64 * KiB;
      await turn();
    }
    assert.ok(left.calls.includes("pauseWriting"), `${written} bytes were taken`);
  });

  inEachBackend("a protocol is paused exactly at the high mark", async (bench) => {
    const [left, right] = await tlsRecorders(bench, {}, pauses);
    left.transport.setWriteBufferLimits({ high: 64 * MiB });
    // More than the system takes.
    left.transport.write(pattern(32 * MiB));
    const buffered = left.transport.getWriteBufferSize();
    assert.ok(buffered > 0);
    left.transport.setWriteBufferLimits({ high: buffered + 1000, low: 0 });
    left.transport.write(pattern(999));
    assert.equal(left.calls.includes("pauseWriting"), false);
    left.transport.write(pattern(1));
    assert.equal(left.calls.includes("pauseWriting"), true);
    right.transport.resumeReading();
    await left.called("resumeWriting");
    assert.equal(left.transport.getWriteBufferSize(), 0);
    left.transport.setWriteBufferLimits();
    assert.deepEqual(left.transport.getWriteBufferLimits(), [128 * KiB, 512 * KiB]);
  });

  inEachBackend("while nobody reads, the other side is held up, and memory is bounded", async (bench) => {
    const right = new Recorder(bench.loop, pauses);
    const { client } = await nodeTlsClient(bench, await serveTls(bench, () => right));
    await right.called("connectionMade");
    const data = pattern(64 * MiB);
    client.write(data);
    const transport = asTls(right.transport);
    while (transport.getReadBufferSize() < 256 * KiB) await turn();
    await idle();
    assert.ok(transport.getReadBufferSize() <= 768 * KiB, `${transport.getReadBufferSize()}`);
    assert.equal(right.size, 0);
    right.transport.resumeReading();
    assert.ok((await right.receives(data.length)).equals(data));
    assert.equal(transport.getReadBufferSize(), 0);
  });

  inEachBackend("the marks of the read buffer can be set", async (bench) => {
    const [left] = await tlsRecorders(bench);
    const transport = asTls(left.transport);
    assert.deepEqual(transport.getReadBufferLimits(), [64 * KiB, 256 * KiB]);
    transport.setReadBufferLimits({ high: 4000 });
    assert.deepEqual(transport.getReadBufferLimits(), [1000, 4000]);
    transport.setReadBufferLimits({ low: 1000 });
    assert.deepEqual(transport.getReadBufferLimits(), [1000, 4000]);
    transport.setReadBufferLimits();
    assert.deepEqual(transport.getReadBufferLimits(), [64 * KiB, 256 * KiB]);
    assert.throws(() => transport.setReadBufferLimits({ high: 1, low: 2 }), ValueError);
  });

  inEachBackend("pausing holds data back, and resuming gives it", async (bench) => {
    const [left, right] = await tlsRecorders(bench, {}, pauses);
    assert.equal(right.transport.isReading(), false);
    left.transport.write("wait");
    await idle();
    assert.equal(right.size, 0);
    right.transport.resumeReading();
    right.transport.resumeReading();
    assert.equal(right.transport.isReading(), true);
    assert.equal((await right.receives(4)).toString(), "wait");
  });

  inEachBackend("a BufferedProtocol gets everything into memory of its own", async (bench) => {
    const right = new BufferedRecorder(bench.loop, 1000);
    const left = new Recorder(bench.loop);
    await connectTls(bench, left, await serveTls(bench, () => right));
    const data = pattern(50 * KiB);
    left.transport.write(data);
    assert.ok((await right.receives(data.length)).equals(data));
  });

  inEachBackend("a protocol's error is reported, and ends the connection", async (bench) => {
    const error = new Error("cannot take it");
    const [left, right] = await tlsRecorders(
      bench,
      {},
      {
        onData: () => {
          throw error;
        },
      },
    );
    left.transport.write("x");
    await right.called("connectionLost");
    assert.equal(right.lostWith, error);
    assert.deepEqual(
      bench.reports.splice(0).map(({ exception }) => exception),
      [error],
    );
    await left.called("connectionLost");
  });

  inEachBackend("another protocol can be fed", async (bench) => {
    const [left, right] = await tlsRecorders(bench);
    const second = new Recorder(bench.loop);
    right.transport.setProtocol(second);
    assert.equal(right.transport.getProtocol(), second);
    left.transport.write("for the second");
    await second.receives(14);
    assert.equal(right.size, 0);
    left.transport.abort();
    await second.called("connectionLost");
  });

  inEachBackend("it tells what it knows", async (bench) => {
    const context = clientContext();
    const [left, right] = await tlsRecorders(bench, {}, {}, {}, { ssl: context });
    const { transport } = left;
    assert.equal(transport.getExtraInfo("sslcontext"), context);
    assert.equal(transport.getExtraInfo("peercert")?.subject.CN, "localhost");
    assert.equal(right.transport.getExtraInfo("peercert"), null);
    assert.equal(transport.getExtraInfo("cipher")?.version, "TLSv1.3");
    assert.equal(transport.getExtraInfo("compression"), null);
    assert.equal(transport.getExtraInfo("compression", "none"), "none");
    assert.equal(transport.getExtraInfo("ssl_object")?.getProtocol(), "TLSv1.3");
    assert.deepEqual(transport.getExtraInfo("peername"), right.transport.getExtraInfo("sockname"));
    assert.ok(transport.getExtraInfo("socket"));
    assert.match(String(transport), /^<TlsTransport open buffered=\d+ over <SocketTransport open/);
  });

  inEachBackend("closing the clients of a server ends TLS in order", async (bench) => {
    const right = new Recorder(bench.loop);
    const { port, server } = await serve(bench, () => right, { ssl: serverContext() });
    const left = new Recorder(bench.loop);
    await connectTls(bench, left, port);
    await right.called("connectionMade");
    const data = pattern(2 * MiB);
    right.transport.write(data);
    server.close();
    server.closeClients();
    await server.waitClosed();
    assert.deepEqual(right.calls.at(-1), "connectionLost");
    await left.called("connectionLost");
    assert.ok(left.received.equals(data));
    assert.deepEqual([left.lostWith, right.lostWith], [null, null]);
  });
});
