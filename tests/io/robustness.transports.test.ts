/** What a transport's other side can do to it: none of it costs a byte, a file descriptor, or memory beyond the marks. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { ConnectionError } from "../../src/index.ts";
import { type Bench, idle, inEachBackend } from "./backends.ts";
import {
  type Carrier,
  CHUNK,
  carriers,
  chunks,
  digest,
  digestOf,
  HUGE,
  HUGE_DIGEST,
  halfOpenCarriers,
  KiB,
  leavingNoFile,
  MiB,
  Peak,
  type Peer,
  Sender,
} from "./carriers.ts";
import { pattern, Recorder } from "./recorder.ts";

/** What both sides' kernels, and on the portable backend Node, may hold of a connection that nobody reads. */
const MOST_ON_THE_WAY = 16 * MiB;

/** Register a test per carrier and backend, on a connection whose server's side is a recorder, and whose client is Node's. */
function overEach(
  name: string,
  body: (recorder: Recorder, peer: Peer, bench: Bench) => Promise<void>,
  over: readonly Carrier[] = carriers,
): void {
  for (const carrier of over) {
    inEachBackend(
      `${name}, over ${carrier.name}`,
      (bench) => leavingNoFile(bench, (inner) => withPeer(inner, carrier, body)),
      { skip: carrier.skip, timeout: 60_000 },
    );
  }
}

async function withPeer(
  bench: Bench,
  carrier: Carrier,
  body: (recorder: Recorder, peer: Peer, bench: Bench) => Promise<void>,
): Promise<void> {
  const recorder = new Recorder(bench.loop);
  const { connect } = await carrier.createServer(bench, () => recorder);
  const peer = await connect();
  await recorder.called("connectionMade");
  await body(recorder, peer, bench);
}

/** The transport as a sink that wants to be written to now and then. */
class Flow {
  #wanted: PromiseWithResolvers<void> | null = null;
  readonly peak = new Peak();
  readonly #recorder: Recorder;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
    recorder.onPause = () => {
      this.#wanted = Promise.withResolvers();
    };
    recorder.onResume = () => {
      this.#wanted?.resolve();
      this.#wanted = null;
    };
  }

  get paused(): boolean {
    return this.#wanted !== null;
  }

  /** Write as a well-behaved protocol: no more while it is paused. */
  async write(data: Uint8Array): Promise<void> {
    await this.#wanted?.promise;
    this.#recorder.transport.write(data);
    this.peak.look(this.#recorder.transport.getWriteBufferSize());
  }

  assertBounded(): void {
    const [, high] = this.#recorder.transport.getWriteBufferLimits();
    assert.ok(this.peak.buffered <= high + CHUNK, `${this.peak.buffered} bytes were buffered`);
    assert.ok(this.peak.memory < 8 * MiB, `${this.peak.memory} bytes more memory`);
  }
}

overEach(
  "a reader that is slow gets 64 MiB, of which never more than the high mark waits",
  async (recorder, { socket }) => {
    const flow = new Flow(recorder);
    const received = digestOf(socket, turn);
    for (const chunk of chunks()) await flow.write(chunk);
    recorder.transport.close();
    assert.equal(await received, HUGE_DIGEST);
    socket.end();
    flow.assertBounded();
    await recorder.called("connectionLost");
    assert.equal(recorder.lostWith, null);
  },
);

overEach(
  "a reader that does not read yet stops its writer, and gets every byte when it does",
  async (recorder, { socket }) => {
    const flow = new Flow(recorder);
    let written = 0;
    const writing = (async () => {
      for (const chunk of chunks()) {
        await flow.write(chunk);
        written += chunk.length;
      }
      recorder.transport.close();
    })();
    for (let before = -1; before < written; ) {
      before = written;
      for (let i = 0; i < 10; i++) await idle();
    }
    assert.ok(flow.paused);
    assert.ok(written < MOST_ON_THE_WAY, `${written} bytes were written`);
    assert.equal(await digestOf(socket), HUGE_DIGEST);
    await writing;
    flow.assertBounded();
  },
);

overEach(
  "a writer that is faster than we read has to wait, and all that it sends comes",
  async (recorder, { socket }, { loop }) => {
    const { transport } = recorder;
    const hash = createHash("sha256");
    const peak = new Peak();
    let size = 0;
    transport.pauseReading();
    const sender = new Sender(socket);
    const sending = sender.sendHuge();
    const ahead = await sender.stalled();
    assert.ok(ahead < MOST_ON_THE_WAY, `${ahead} bytes were taken`);
    assert.equal(recorder.size, 0);
    recorder.onData = (data) => {
      recorder.chunks.pop();
      hash.update(data);
      size += data.length;
      peak.look();
      transport.pauseReading();
      loop.callSoon(() => transport.resumeReading());
    };
    transport.resumeReading();
    await sending;
    await recorder.called("eofReceived");
    assert.deepEqual([size, hash.digest("hex")], [HUGE.length, HUGE_DIGEST]);
    assert.ok(peak.memory < 8 * MiB, `${peak.memory} bytes more memory`);
  },
);

overEach("a writer that is slow is waited for, and its message is whole", async (recorder, { socket }) => {
  const message = HUGE.subarray(0, 300 * KiB);
  for (let start = 0; start < message.length; start += 1000) {
    socket.write(message.subarray(start, start + 1000));
    await turn();
  }
  socket.end();
  await recorder.called("eofReceived");
  assert.equal(digest(recorder.received), digest(message));
});

overEach("64 MiB in one write go out, while 64 MiB come in", async (recorder, { socket }) => {
  const hash = createHash("sha256");
  let size = 0;
  const done = Promise.withResolvers<void>();
  recorder.onData = (data) => {
    recorder.chunks.pop();
    hash.update(data);
    size += data.length;
    if (size === HUGE.length) done.resolve();
  };
  recorder.transport.write(HUGE);
  const received = digestOf(socket);
  socket.write(HUGE);
  await done.promise;
  assert.equal(hash.digest("hex"), HUGE_DIGEST);
  recorder.transport.close();
  assert.equal(await received, HUGE_DIGEST);
});

overEach("segments of one byte arrive in order, both ways", async (recorder, { socket }) => {
  const bytes = pattern(2000);
  const received = digestOf(socket);
  for (const byte of bytes) {
    recorder.transport.write(Buffer.of(byte));
    socket.write(Buffer.of(byte));
    await turn();
  }
  assert.ok((await recorder.receives(bytes.length)).equals(bytes));
  recorder.transport.close();
  assert.equal(await received, digest(bytes));
});

overEach(
  "a peer that has closed its side gets the whole answer",
  async (recorder, { socket }) => {
    recorder.onEof = () => true;
    const flow = new Flow(recorder);
    socket.end("that is all");
    await recorder.called("eofReceived");
    assert.equal(recorder.received.toString(), "that is all");
    const received = digestOf(socket, turn);
    for (const chunk of chunks().slice(0, 128)) await flow.write(chunk);
    recorder.transport.close();
    assert.equal(await received, digest(HUGE.subarray(0, 128 * CHUNK)));
    flow.assertBounded();
  },
  halfOpenCarriers,
);

overEach(
  "we have closed our side, and still get the whole answer",
  async (recorder, { socket }) => {
    recorder.transport.write(HUGE.subarray(0, 8 * MiB));
    recorder.transport.writeEof();
    const received = digestOf(socket, turn);
    assert.equal(await received, digest(HUGE.subarray(0, 8 * MiB)));
    socket.end(HUGE.subarray(0, 8 * MiB));
    await recorder.called("connectionLost");
    assert.equal(digest(recorder.received), digest(HUGE.subarray(0, 8 * MiB)));
    assert.equal(recorder.lostWith, null);
  },
  halfOpenCarriers,
);

overEach(
  "a peer that breaks the connection in the middle of a write ends it once, with a ConnectionError",
  async (recorder, peer) => {
    recorder.transport.write(HUGE);
    peer.reset();
    await recorder.called("connectionLost");
    assert.ok(recorder.lostWith instanceof ConnectionError, String(recorder.lostWith));
    assert.equal(recorder.transport.getWriteBufferSize(), 0);
    recorder.transport.write("x");
    recorder.transport.abort();
    await idle();
    assert.deepEqual(recorder.calls, ["connectionMade", "pauseWriting", "connectionLost"]);
  },
);

overEach("what came before the connection broke is delivered first", async (recorder, peer) => {
  const last = pattern(20 * KiB);
  peer.socket.write(last);
  await recorder.receives(last.length);
  recorder.transport.write("something that is not read");
  await idle();
  peer.reset();
  await recorder.called("connectionLost");
  assert.ok(recorder.received.equals(last));
});

overEach(
  "a peer that has gone silent holds up the end of the connection, until it is given up",
  async (recorder) => {
    const { transport } = recorder;
    recorder.transport.write(HUGE);
    transport.close();
    for (let i = 0; i < 10; i++) await idle();
    assert.equal(recorder.calls.includes("connectionLost"), false);
    assert.ok(transport.getWriteBufferSize() > 0);
    transport.abort();
    await recorder.called("connectionLost");
    assert.deepEqual([recorder.lostWith, transport.getWriteBufferSize()], [null, 0]);
  },
);
