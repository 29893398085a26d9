/** TLS that breaks, or ends without a close_notify, while the protocol reads or does not. */

import assert from "node:assert/strict";
import { describe } from "node:test";
import { ConnectionResetError, type OSError, SSLError, sleep } from "../../../src/index.ts";
import { type Bench, idle, inEachBackend } from "../backends.ts";
import { leavingNoFile } from "../carriers.ts";
import { BufferedRecorder, pattern, Recorder } from "../recorder.ts";
import { breakingPeer, COUNT, type How, peerSkip, sentBy, withBreakingPeers } from "./breaking-peer.ts";
import { asTls } from "./support.ts";

const pauses = { onMade: (transport: { pauseReading(): void }) => transport.pauseReading() };
/** More than TLS takes at once. */
const MANY = 384 * 1024;

withBreakingPeers();

/** Wait until the transport below knows that it is over, or that of TLS, or as long as anything needs that is to come. */
async function noticed({ transport }: Recorder, how: How): Promise<void> {
  if (how !== "garbage") while (!/over <SocketTransport closed/.test(String(transport))) await sleep(0);
  else while (!asTls(transport).isBroken()) await sleep(0);
  await idle();
}

function inNoFile(name: string, body: (bench: Bench) => Promise<void>): void {
  inEachBackend(name, (bench) => leavingNoFile(bench, body), { skip: peerSkip });
}

describe("TLS that breaks", () => {
  for (const [how, Class] of [
    ["reset", ConnectionResetError],
    ["garbage", SSLError],
  ] as [How, typeof OSError][]) {
    inNoFile(`while reading is paused, a ${how} waits behind what came in before it`, async (bench) => {
      const recorder = new Recorder(bench.loop, pauses);
      const { go } = await breakingPeer(bench, recorder, how);
      go();
      await noticed(recorder, how);
      assert.deepEqual(recorder.calls, ["connectionMade"]);
      assert.equal(recorder.transport.isClosing(), false);
      recorder.transport.resumeReading();
      await recorder.called("connectionLost");
      assert.ok(recorder.received.equals(sentBy(COUNT)), `${recorder.size} bytes`);
      assert.ok(recorder.lostWith instanceof Class, String(recorder.lostWith));
      assert.equal(recorder.calls.includes("eofReceived"), false);
    });

    inNoFile(`a ${how} behind many bytes comes after them when reading goes on`, async (bench) => {
      const recorder = new Recorder(bench.loop, pauses);
      const { go } = await breakingPeer(bench, recorder, how, MANY);
      go();
      await idle();
      assert.deepEqual(recorder.calls, ["connectionMade"]);
      recorder.transport.resumeReading();
      await recorder.called("connectionLost");
      assert.ok(recorder.received.equals(sentBy(MANY)), `${recorder.size} bytes`);
      assert.ok(recorder.lostWith instanceof Class, String(recorder.lostWith));
    });

    inNoFile(`who waits to write is not left waiting by a ${how}, also where nobody reads`, async (bench) => {
      const recorder = new Recorder(bench.loop, pauses);
      const { go } = await breakingPeer(bench, recorder, how);
      recorder.transport.write(Buffer.alloc(16 * 1024 * 1024));
      go();
      // Node may drop what it holds a moment before it says why: then the writer goes on, and the next write tells.
      await Promise.race([recorder.called("connectionLost"), recorder.called("resumeWriting")]);
      while (!recorder.calls.includes("connectionLost")) {
        recorder.transport.write("x");
        await sleep(0);
      }
      assert.ok(recorder.lostWith instanceof Class, String(recorder.lostWith));
    });

    inNoFile(`after a ${how}, who writes is told, also where nobody reads`, async (bench) => {
      for (const write of ["write", "writelines"] as const) {
        const recorder = new Recorder(bench.loop, pauses);
        const { go } = await breakingPeer(bench, recorder, how);
        go();
        await noticed(recorder, how);
        if (write === "write") recorder.transport.write("x");
        else recorder.transport.writelines(["x", "y"]);
        await recorder.called("connectionLost");
        assert.ok(recorder.lostWith instanceof Class, String(recorder.lostWith));
      }
    });

    inNoFile(`after a ${how} that nobody has read, close and abort end the connection`, async (bench) => {
      for (const end of ["close", "abort"] as const) {
        const recorder = new Recorder(bench.loop, pauses);
        const { go } = await breakingPeer(bench, recorder, how);
        go();
        await noticed(recorder, how);
        recorder.transport[end]();
        await recorder.called("connectionLost");
        if (end === "abort") assert.equal(recorder.lostWith, null);
        else assert.ok(recorder.lostWith instanceof Class, String(recorder.lostWith));
        assert.equal(recorder.size, 0);
      }
    });

    inNoFile(`after a ${how} a protocol with memory of its own gets all that came before`, async (bench) => {
      const recorder = new BufferedRecorder(bench.loop, 1000);
      const { go } = await breakingPeer(bench, recorder, how);
      recorder.transport.pauseReading();
      go();
      await idle();
      recorder.transport.resumeReading();
      await recorder.called("connectionLost");
      assert.ok(recorder.received.equals(sentBy(COUNT)), `${recorder.received.length} bytes`);
    });
  }
});

describe("TLS that ends without a close_notify", () => {
  for (const how of ["close", "shutdown"] as const) {
    for (const answer of ["nothing", "something"] as const) {
      inNoFile(`by a ${how} is an end, also if ${answer} is written then`, async (bench) => {
        for (let round = 0; round < 2; round++) {
          const recorder = new Recorder(bench.loop);
          if (answer === "something") {
            recorder.onEof = () => {
              recorder.transport.write("a last word");
              recorder.transport.writelines(["and", "another"]);
              return false;
            };
          }
          const { go, outcome } = await breakingPeer(bench, recorder, how);
          go();
          await recorder.called("connectionLost");
          assert.equal(recorder.lostWith, null);
          assert.ok(recorder.received.equals(sentBy(COUNT)));
          assert.equal(recorder.calls.at(-2), "eofReceived");
          assert.equal(await outcome, how === "shutdown" ? "truncated\n" : "");
        }
      });
    }
  }

  inNoFile("gets what was written before its end was known", async (bench) => {
    const data = pattern(1.5 * 1024 * 1024).toString("hex");
    const recorder = new Recorder(bench.loop, {
      onData: () => {
        if (recorder.calls.filter((call) => call === "dataReceived").length > 1) return;
        recorder.transport.write("first ");
        recorder.transport.write("second");
        recorder.transport.write(data);
      },
    });
    const { go, outcome } = await breakingPeer(bench, recorder, "shutdown", 1);
    go();
    await recorder.called("connectionLost");
    assert.equal(recorder.lostWith, null);
    assert.ok((await outcome).replaceAll("\n", "") === `first second${data}truncated`);
  });

  inNoFile("while reading is paused is an end after that, and close is enough", async (bench) => {
    for (const then of ["resumeReading", "close"] as const) {
      const recorder = new Recorder(bench.loop, pauses);
      const { go, outcome } = await breakingPeer(bench, recorder, "shutdown");
      go();
      await idle();
      assert.deepEqual(recorder.calls, ["connectionMade"]);
      recorder.transport[then]();
      await recorder.called("connectionLost");
      assert.equal(recorder.lostWith, null);
      if (then === "resumeReading") assert.equal(await outcome, "truncated\n");
    }
  });
});
