import assert from "node:assert/strict";
import { describe } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { RuntimeError, sleep, type Transport, ValueError } from "../../src/index.ts";
import { idle, inEachBackend } from "./backends.ts";
import { fill, pattern, type Recorder, recorders } from "./recorder.ts";

const KiB = 1024;
const MiB = 1024 * 1024;
const pauses = { onMade: (transport: Transport) => transport.pauseReading() };
const keepsOpen = { onEof: () => true };

describe("writing", () => {
  inEachBackend("bytes, strings and array buffers arrive as bytes, in order", async (bench) => {
    const [left, right] = await recorders(bench);
    left.transport.write(Buffer.from("a"));
    left.transport.write(new Uint8Array([98]));
    left.transport.write("c€");
    left.transport.write(new Uint8Array([100]).buffer);
    left.transport.write(new Uint8Array([0, 101, 0]).subarray(1, 2));
    assert.equal((await right.receives(8)).toString(), "abc€de");
  });

  inEachBackend("every view and buffer is sent as the bytes that it has in memory", async (bench) => {
    const [left, right] = await recorders(bench);
    const memory = () => Uint8Array.from("..abcdefgh......", (letter) => letter.charCodeAt(0)).buffer;
    const shared = new SharedArrayBuffer(8);
    new Uint8Array(shared).set(new Uint8Array(memory(), 2, 8));
    const kinds = [
      new DataView(memory(), 2, 8),
      new Int8Array(memory(), 2, 8),
      new Uint8ClampedArray(memory(), 2, 8),
      new Int16Array(memory(), 2, 4),
      new Uint32Array(memory().slice(2), 0, 2),
      new Float64Array(memory().slice(2), 0, 1),
      new BigInt64Array(memory().slice(2), 0, 1),
      memory().slice(2, 10),
      shared,
      new Uint8Array(shared),
      new Int32Array(shared),
    ];
    for (const bytes of kinds) left.transport.write(bytes);
    left.transport.writelines(kinds);
    assert.equal(String(await right.receives(16 * kinds.length)), "abcdefgh".repeat(2 * kinds.length));
  });

  inEachBackend("writing nothing sends nothing", async (bench) => {
    const [left, right] = await recorders(bench);
    left.transport.write("");
    left.transport.write(new Uint8Array());
    left.transport.writelines([]);
    left.transport.writelines(["", ""]);
    left.transport.close();
    await right.called("connectionLost");
    assert.deepEqual(right.calls, ["connectionMade", "eofReceived", "connectionLost"]);
  });

  inEachBackend("writelines adds nothing between the chunks, and takes any iterable", async (bench) => {
    const [left, right] = await recorders(bench);
    left.transport.writelines(["one", Buffer.from("two"), new Uint8Array([51])]);
    left.transport.writelines(
      (function* () {
        for (let i = 0; i < 2000; i++) yield "x";
      })(),
    );
    assert.equal((await right.receives(2007)).toString(), `onetwo3${"x".repeat(2000)}`);
  });

  inEachBackend("writelines keeps to what is buffered before it", async (bench) => {
    const [left, right] = await recorders(bench, {}, pauses);
    const before = fill(left);
    left.transport.writelines(["that", "was", "all"]);
    left.transport.close();
    right.transport.resumeReading();
    await right.called("connectionLost");
    assert.ok(right.received.equals(Buffer.concat([before, Buffer.from("thatwasall")])));
  });

  inEachBackend("what is no bytes is a TypeError that shows it", async (bench) => {
    const [left] = await recorders(bench);
    for (const nonsense of [42, null, undefined, { length: 1 }, [1]]) {
      assert.throws(() => left.transport.write(nonsense as never), TypeError);
    }
    assert.throws(() => left.transport.write(42 as never), { name: "TypeError", message: /42/ });
    assert.throws(() => left.transport.writelines(["a", 42 as never]), { name: "TypeError", message: /42/ });
  });

  inEachBackend("writing never calls another callback of the protocol than pauseWriting", async (bench) => {
    const [left, right] = await recorders(bench);
    for (let i = 0; i < 10; i++) left.transport.write("x");
    assert.deepEqual(right.calls, ["connectionMade"]);
    await right.receives(10);
  });

  inEachBackend("small writes come out unchanged, whatever their sizes", async (bench) => {
    const [left, right] = await recorders(bench);
    const all = pattern(300_000);
    for (let start = 0, size = 1; start < all.length; start += size, size = (size * 7) % 4999) {
      left.transport.write(all.subarray(start, start + size));
      if (size % 5 === 0) await sleep(0);
    }
    assert.ok((await right.receives(all.length)).equals(all));
  });
});

describe("flow control", () => {
  inEachBackend(
    "pauseWriting comes inside of write, once the buffer is above the high mark",
    async (bench) => {
      const [left, right] = await recorders(bench, {}, pauses);
      const { transport } = left;
      const [low, high] = transport.getWriteBufferLimits();
      assert.deepEqual([low, high], [16 * KiB, 64 * KiB]);
      let before = 0;
      while (!left.calls.includes("pauseWriting")) {
        before = transport.getWriteBufferSize();
        transport.write(pattern(16 * KiB));
      }
      assert.ok(before <= high);
      assert.ok(transport.getWriteBufferSize() > high);
      transport.write("more");
      right.transport.resumeReading();
      let atResume = Number.POSITIVE_INFINITY;
      left.onResume = () => {
        atResume = transport.getWriteBufferSize();
      };
      await left.called("resumeWriting");
      assert.ok(atResume <= low);
      assert.deepEqual(left.calls, ["connectionMade", "pauseWriting", "resumeWriting"]);
    },
  );

  inEachBackend("the buffer may be as large as the high mark, but not larger", async (bench) => {
    const [left] = await recorders(bench, {}, pauses);
    const { transport } = left;
    transport.setWriteBufferLimits({ high: 10 * MiB });
    while (transport.getWriteBufferSize() === 0) transport.write(pattern(64 * KiB));
    await idle();
    const size = transport.getWriteBufferSize();
    transport.setWriteBufferLimits({ high: size });
    assert.deepEqual(left.calls, ["connectionMade"]);
    transport.setWriteBufferLimits({ high: size - 1 });
    assert.deepEqual(left.calls, ["connectionMade", "pauseWriting"]);
  });

  inEachBackend("writelines minds the high mark too", async (bench) => {
    const [left] = await recorders(bench, {}, pauses);
    const chunks = Array.from({ length: 512 }, () => pattern(32 * KiB));
    left.transport.writelines(chunks);
    assert.deepEqual(left.calls, ["connectionMade", "pauseWriting"]);
  });

  inEachBackend("pauseWriting and resumeWriting strictly alternate", async (bench) => {
    const [left, right] = await recorders(bench);
    const rounds = 20;
    const chunk = pattern(128 * KiB);
    let round = 0;
    let written = 0;
    const writeUntilPaused = () => {
      const pausesBefore = count(left.calls, "pauseWriting");
      if (round++ === rounds) return;
      while (count(left.calls, "pauseWriting") === pausesBefore) {
        left.transport.write(chunk);
        written += chunk.length;
      }
    };
    left.onResume = writeUntilPaused;
    writeUntilPaused();
    while (round <= rounds) await turn();
    await right.receives(written);
    await idle();
    const flow = left.calls.filter((call) => call.endsWith("Writing"));
    assert.equal(flow.length, 2 * rounds);
    assert.ok(flow.every((call, i) => call === (i % 2 === 0 ? "pauseWriting" : "resumeWriting")));
  });

  inEachBackend("with both marks at 0, anything that stays buffered pauses", async (bench) => {
    const [left, right] = await recorders(bench, {}, pauses);
    left.transport.setWriteBufferLimits({ high: 0 });
    assert.deepEqual(left.transport.getWriteBufferLimits(), [0, 0]);
    fill(left);
    let atResume = -1;
    left.onResume = () => {
      atResume = left.transport.getWriteBufferSize();
    };
    right.transport.resumeReading();
    await left.called("resumeWriting");
    assert.equal(atResume, 0);
  });

  inEachBackend("one mark gives the other, and marks that make no sense are a ValueError", async (bench) => {
    const [left] = await recorders(bench);
    const { transport } = left;
    transport.setWriteBufferLimits({ high: 1000 });
    assert.deepEqual(transport.getWriteBufferLimits(), [250, 1000]);
    transport.setWriteBufferLimits({ low: 1000 });
    assert.deepEqual(transport.getWriteBufferLimits(), [1000, 4000]);
    for (const limits of [{ high: 1, low: 2 }, { low: -1 }, { high: -1 }, { high: Number.NaN }]) {
      assert.throws(() => transport.setWriteBufferLimits(limits), ValueError);
    }
    for (const limits of [{ high: "5" }, { low: true }]) {
      assert.throws(() => transport.setWriteBufferLimits(limits as never), TypeError);
    }
    assert.deepEqual(transport.getWriteBufferLimits(), [1000, 4000]);
    transport.setWriteBufferLimits();
    assert.deepEqual(transport.getWriteBufferLimits(), [16 * KiB, 64 * KiB]);
  });

  inEachBackend("an error of pauseWriting is reported, and the connection goes on", async (bench) => {
    const error = new Error("no pause");
    const onPause = () => {
      throw error;
    };
    const [left, right] = await recorders(bench, { onPause }, pauses);
    const sent = fill(left);
    const [report] = bench.reports.splice(0);
    assert.equal(report?.exception, error);
    assert.match(report!.message, /protocol\.pauseWriting\(\) failed/);
    assert.equal(report!.transport, left.transport);
    assert.equal(report!.protocol, left);
    right.transport.resumeReading();
    assert.ok((await right.receives(sent.length)).equals(sent));
  });

  inEachBackend("1 MiB goes both ways at once, past slow readers", async (bench) => {
    const all = pattern(MiB);
    const slowly = (recorder: Recorder) => () => {
      recorder.transport.pauseReading();
      bench.loop.callSoon(() => recorder.transport.resumeReading());
    };
    const [left, right] = await recorders(bench);
    left.onData = slowly(left);
    right.onData = slowly(right);
    await Promise.all([writeAll(left, all), writeAll(right, all)]);
    assert.ok((await left.receives(all.length)).equals(all));
    assert.ok((await right.receives(all.length)).equals(all));
  });
});

describe("the end of what is written", () => {
  inEachBackend("close sends what is buffered first", async (bench) => {
    const [left, right] = await recorders(bench, {}, pauses);
    const sent = fill(left);
    left.transport.close();
    assert.equal(left.transport.isClosing(), true);
    await idle();
    assert.equal(left.calls.includes("connectionLost"), false);
    right.transport.resumeReading();
    await left.called("connectionLost");
    await right.called("connectionLost");
    assert.ok(right.received.equals(sent));
    assert.deepEqual([left.lostWith, right.lostWith], [null, null]);
    assert.equal(count(left.calls, "connectionLost"), 1);
  });

  inEachBackend("abort drops what is buffered", async (bench) => {
    const [left, right] = await recorders(bench, {}, pauses);
    const sent = fill(left, 8 * MiB);
    left.transport.abort();
    assert.equal(left.transport.getWriteBufferSize(), 0);
    await left.called("connectionLost");
    assert.equal(left.lostWith, null);
    right.transport.resumeReading();
    await right.called("connectionLost");
    assert.ok(right.size < sent.length);
  });

  inEachBackend("abort ends a close that waits for its buffer", async (bench) => {
    const [left] = await recorders(bench, {}, pauses);
    fill(left);
    left.transport.close();
    left.transport.abort();
    await left.called("connectionLost");
    await idle();
    assert.equal(count(left.calls, "connectionLost"), 1);
  });

  inEachBackend("writeEof lets the other side read to the end, and answer", async (bench) => {
    const answer = pattern(200 * KiB);
    const onEof = () => {
      bench.loop.callSoon(() => {
        right.transport.write(answer);
        right.transport.close();
      });
      return true;
    };
    const [left, right] = await recorders(bench, {}, { onEof });
    assert.equal(left.transport.canWriteEof(), true);
    left.transport.write("question");
    left.transport.writeEof();
    left.transport.writeEof();
    await left.called("connectionLost");
    assert.equal(right.received.toString(), "question");
    assert.ok(left.received.equals(answer));
    assert.deepEqual(right.calls, [
      "connectionMade",
      "dataReceived",
      "eofReceived",
      ...right.calls.filter((call) => call.endsWith("Writing")),
      "connectionLost",
    ]);
    assert.deepEqual([left.lostWith, right.lostWith], [null, null]);
  });

  inEachBackend("writeEof comes behind what is buffered", async (bench) => {
    const [left, right] = await recorders(bench, {}, pauses);
    const sent = fill(left);
    left.transport.writeEof();
    right.transport.resumeReading();
    await right.called("eofReceived");
    assert.ok(right.received.equals(sent));
    await left.called("connectionLost");
  });

  inEachBackend("a connection whose both sides have ended stays until it is closed", async (bench) => {
    const [left, right] = await recorders(bench, keepsOpen, keepsOpen);
    left.transport.writeEof();
    right.transport.writeEof();
    await left.called("eofReceived");
    await right.called("eofReceived");
    await idle();
    assert.deepEqual(left.calls, ["connectionMade", "eofReceived"]);
    assert.equal(left.transport.isClosing(), false);
    left.transport.close();
    right.transport.close();
    await left.called("connectionLost");
    await right.called("connectionLost");
    assert.deepEqual([left.lostWith, right.lostWith], [null, null]);
  });

  inEachBackend("an end that is not kept open closes, behind what is buffered", async (bench) => {
    const [left, right] = await recorders(bench, pauses);
    const sent = fill(right);
    left.transport.writeEof();
    await right.called("eofReceived");
    assert.equal(right.transport.isClosing(), true);
    left.transport.resumeReading();
    await right.called("connectionLost");
    await left.called("connectionLost");
    assert.ok(left.received.equals(sent));
  });

  inEachBackend("writing after writeEof is a RuntimeError", async (bench) => {
    const [left] = await recorders(bench, {}, keepsOpen);
    left.transport.writeEof();
    assert.throws(() => left.transport.write("x"), { name: "RuntimeError", message: /after writeEof/ });
    assert.throws(() => left.transport.writelines(["x"]), RuntimeError);
  });

  inEachBackend("writeEof after close does nothing", async (bench) => {
    const [left, right] = await recorders(bench);
    left.transport.close();
    left.transport.writeEof();
    await left.called("connectionLost");
    left.transport.writeEof();
    await right.called("connectionLost");
  });

  inEachBackend(
    "what is written to a lost connection is dropped, with a warning from the sixth on",
    async (bench) => {
      const [left] = await recorders(bench);
      left.transport.abort();
      const warnings = await capturingWarnings(async (seen) => {
        left.transport.write("dropped");
        await left.called("connectionLost");
        for (let i = 0; i < 3; i++) left.transport.write("dropped");
        assert.deepEqual(seen, []);
        for (let i = 0; i < 3; i++) left.transport.writelines(["dropped", "as well"]);
      });
      assert.equal(warnings.length, 3);
      assert.match(warnings[0]!, /lost connection/);
      assert.equal(left.transport.getWriteBufferSize(), 0);
    },
  );
});

function count(calls: readonly string[], method: string): number {
  return calls.filter((call) => call === method).length;
}

/** Write it in pieces, waiting whenever the protocol is told to pause. */
async function writeAll(recorder: Recorder, bytes: Buffer): Promise<void> {
  for (let start = 0; start < bytes.length; start += 10_000) {
    const isPaused = () => recorder.calls.findLast((call) => call.endsWith("Writing")) === "pauseWriting";
    recorder.transport.write(bytes.subarray(start, start + 10_000));
    while (isPaused()) await turn();
  }
}

async function capturingWarnings(body: (seen: string[]) => Promise<void>): Promise<string[]> {
  const { warn } = console;
  const seen: string[] = [];
  console.warn = (message: string) => seen.push(message);
  try {
    await body(seen);
  } finally {
    console.warn = warn;
  }
  return seen;
}
