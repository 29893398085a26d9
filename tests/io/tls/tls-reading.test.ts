/** What comes in by TLS, and when the protocol gets it. */

import assert from "node:assert/strict";
import { describe } from "node:test";
import { idle, inEachBackend } from "../backends.ts";
import { BufferedRecorder, pattern, Recorder } from "../recorder.ts";
import { opensslSkip } from "./certificates.ts";
import { asTls, connectTls, nodeTlsClient, serveTls, tlsRecorders } from "./support.ts";

const KiB = 1024;
const pauses = { onMade: (transport: { pauseReading(): void }) => transport.pauseReading() };

describe("reading from a TLS transport", { skip: opensslSkip }, () => {
  inEachBackend("what waits to be decrypted is left alone by other connections", async (bench) => {
    const [left, right] = await tlsRecorders(bench, {}, pauses);
    const [otherLeft, otherRight] = await tlsRecorders(bench);
    const waiting = pattern(300 * KiB, 1);
    const passing = pattern(300 * KiB, 2);
    left.transport.write(waiting);
    while (asTls(right.transport).getReadBufferSize() < 100 * KiB) await idle();
    otherLeft.transport.write(passing);
    assert.ok((await otherRight.receives(passing.length)).equals(passing));
    right.transport.resumeReading();
    assert.ok((await right.receives(waiting.length)).equals(waiting));
  });

  inEachBackend("a protocol that pauses gets nothing more of what came in with it", async (bench) => {
    const right: Recorder = new Recorder(bench.loop, { onData: () => right.transport.pauseReading() });
    const { client } = await nodeTlsClient(bench, await serveTls(bench, () => right));
    await right.called("connectionMade");
    const data = pattern(1024 * KiB);
    client.write(data);
    for (let round = 1; right.size < data.length; round++) {
      await right.receives(right.size + 1);
      await idle();
      assert.equal(right.chunks.length, round);
      right.transport.resumeReading();
    }
    assert.ok(right.received.equals(data));
    assert.ok(right.chunks.length >= 4, "no more of them than one read takes");
  });

  inEachBackend("what came in with it is for the next protocol, if there is one by then", async (bench) => {
    const second = new Recorder(bench.loop);
    const first: Recorder = new Recorder(bench.loop, { onData: () => first.transport.setProtocol(second) });
    const { client } = await nodeTlsClient(bench, await serveTls(bench, () => first));
    await first.called("connectionMade");
    const data = pattern(1024 * KiB);
    client.write(data);
    await second.receives(1);
    assert.ok(first.size <= 256 * KiB, "no more than one read takes");
    await second.receives(data.length - first.size);
    assert.ok(Buffer.concat([first.received, second.received]).equals(data));
    client.destroy();
    await second.called("connectionLost");
  });

  inEachBackend("what is written in answer to several records arrives in its order", async (bench) => {
    const [left, right] = await tlsRecorders(
      bench,
      {},
      { onData: (data: Buffer) => right.transport.write(data) },
    );
    const data = pattern(200 * KiB);
    left.transport.write(data);
    assert.ok((await left.receives(data.length)).equals(data));
    right.transport.write("more");
    left.transport.write("more");
    assert.equal((await left.receives(data.length + 8)).subarray(data.length).toString(), "moremore");
  });

  inEachBackend(
    "a BufferedProtocol that pauses after each piece gets all of it as it was sent",
    async (bench) => {
      const right: BufferedRecorder = new BufferedRecorder(bench.loop, 4000);
      right.onUpdate = () => {
        right.transport.pauseReading();
        bench.loop.callSoon(() => right.transport.resumeReading());
      };
      const left = new Recorder(bench.loop);
      await connectTls(bench, left, await serveTls(bench, () => right));
      const data = pattern(2048 * KiB);
      left.transport.write(data);
      assert.ok((await right.receives(data.length)).equals(data));
    },
  );
});
