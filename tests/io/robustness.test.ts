/**
 * What the other side of a stream can do to it: none of it costs a byte, a file descriptor, or memory beyond the marks.
 * That of transports is in robustness.transports.test.ts, resets in detail in robustness.reset.test.ts, peers that are
 * silent in robustness.silent.test.ts, full disks in sendfile.full.test.ts, handshakes that stop in tls/robustness.test.ts,
 * and processes without file descriptors in server.exhausted.test.ts.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import {
  type Awaitable,
  ConnectionError,
  createTask,
  Event,
  type StreamReader,
  type StreamWriter,
  sleep,
  TimeoutError,
  timeout,
} from "../../src/index.ts";
import { type Flavour, flavours, type Steps } from "../flavours.ts";
import { rejects } from "../helpers.ts";
import { type Bench, inEachBackend } from "./backends.ts";
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
  leavingNoFile,
  MiB,
  Peak,
  type Peer,
  Sender,
} from "./carriers.ts";

/** What a server's handler is given, and the way to wait. */
interface Served {
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
  readonly on: Flavour["on"];
  readonly body: Flavour["body"];
  readonly carrier: Carrier;
  /** Set by the client, if it likes. */
  readonly go: Event;
}

/** Talks to the server that `connect` connects to, and ends. */
type Client = (connect: () => Promise<Peer>, go: Event) => Promise<unknown>;

/** A client that reads the 64 MiB to their end, then ends too. */
const takesAllOfIt: Client = async (connect) => {
  const { socket } = await connect();
  assert.equal(await digestOf(socket, turn), HUGE_DIGEST);
  socket.end();
};

/** A server whose handler is `handle`, in both flavours and over each carrier, on both backends, with one client. Both must end well. */
function inEachWorld(
  name: string,
  handle: (served: Served) => Steps<void>,
  client: Client,
  over: readonly Carrier[] = carriers,
): void {
  for (const flavour of flavours) {
    for (const carrier of over) {
      // How a coroutine is written and what it writes to have nothing to do with each other, and this takes long.
      if (carrier.name === (flavour.name === "async" ? "unix" : "TLS")) continue;
      inEachBackend(
        `${name}, over ${carrier.name} (${flavour.name})`,
        (bench) => leavingNoFile(bench, (inner) => inOneWorld(inner, carrier, flavour, handle, client)),
        { skip: carrier.skip, timeout: 60_000 },
      );
    }
  }
}

async function inOneWorld(
  bench: Bench,
  carrier: Carrier,
  { on, body, coroutine }: Flavour,
  handle: (served: Served) => Steps<void>,
  client: Client,
): Promise<void> {
  const [handled, go] = [new Event(), new Event()];
  const handler = coroutine(function* (reader: StreamReader, writer: StreamWriter): Steps<void> {
    try {
      yield* handle({ reader, writer, on, body, carrier, go });
    } finally {
      writer.transport.abort();
      handled.set();
    }
  });
  const { server, connect } = await carrier.startServer(bench, handler);
  await client(connect, go);
  await handled.wait();
  await server.close({ drain: 20 });
}

/** Again and again, until it throws. */
function* forever(on: Flavour["on"], what: () => Awaitable<unknown>): Steps<never> {
  for (;;) yield* on(what());
}

/** Take from a reader until its end; gives the digest of all, and how much more memory was in use meanwhile. */
function* takeAll(
  { reader, on }: Pick<Served, "reader" | "on">,
  pause: () => Steps<unknown>,
): Steps<{ digest: string; memory: number }> {
  const hash = createHash("sha256");
  const peak = new Peak();
  for (;;) {
    const data = yield* on(reader.read(CHUNK));
    if (data.length === 0) return { digest: hash.digest("hex"), memory: peak.memory };
    hash.update(data);
    peak.look();
    yield* pause();
  }
}

inEachWorld(
  "a slow reader gets 64 MiB, of which drain() never lets more than the high mark and a chunk wait",
  function* ({ writer, on }) {
    const [, high] = writer.transport.getWriteBufferLimits();
    const peak = new Peak();
    for (const chunk of chunks()) {
      writer.write(chunk);
      peak.look(writer.transport.getWriteBufferSize());
      yield* on(writer.drain());
    }
    assert.ok(peak.buffered <= high + CHUNK, `${peak.buffered} bytes were buffered`);
    assert.ok(peak.memory < 8 * MiB, `${peak.memory} bytes more memory`);
    writer.close();
    yield* on(writer.waitClosed());
  },
  takesAllOfIt,
);

inEachWorld(
  "64 MiB in one write come out unchanged, and drain() waits until most are sent",
  function* ({ writer, on }) {
    const [low] = writer.transport.getWriteBufferLimits();
    writer.write(HUGE);
    yield* on(writer.drain());
    assert.ok(writer.transport.getWriteBufferSize() <= low);
    writer.close();
    yield* on(writer.waitClosed());
  },
  takesAllOfIt,
);

inEachWorld(
  "64 MiB are read in one piece",
  function* ({ reader, on }) {
    assert.equal(digest(yield* on(reader.readexactly(HUGE.length))), HUGE_DIGEST);
  },
  async (connect) => {
    const { socket } = await connect();
    socket.end(HUGE);
    await digestOf(socket);
  },
);

inEachWorld(
  "who reads nothing holds up the other side, and who reads slowly gets 64 MiB in little memory",
  function* ({ reader, on, go }) {
    yield* on(go.wait());
    const { digest: received, memory } = yield* takeAll({ reader, on }, () => on(sleep(0)));
    assert.equal(received, HUGE_DIGEST);
    assert.ok(memory < 8 * MiB, `${memory} bytes more memory`);
  },
  async (connect, go) => {
    const sender = new Sender((await connect()).socket);
    const sending = sender.sendHuge();
    const ahead = await sender.stalled();
    assert.ok(ahead < 16 * MiB, `${ahead} bytes were taken`);
    go.set();
    await sending;
  },
);

inEachWorld(
  "messages that come slowly, in segments of one byte, are put together",
  function* ({ reader, writer, on }) {
    for (let i = 0; i < 20; i++) {
      assert.equal((yield* on(reader.readline())).toString(), `line ${i}\n`);
      assert.deepEqual(yield* on(reader.readexactly(3)), Buffer.from([i, i, i]));
    }
    for (const byte of Buffer.from("thank you")) {
      writer.write(Buffer.of(byte));
      yield* on(sleep(0));
    }
    writer.close();
    yield* on(writer.waitClosed());
  },
  async (connect) => {
    const { socket } = await connect();
    for (let i = 0; i < 20; i++) {
      for (const byte of Buffer.concat([Buffer.from(`line ${i}\n`), Buffer.from([i, i, i])])) {
        socket.write(Buffer.of(byte));
        await turn();
      }
    }
    assert.equal(await digestOf(socket), digest(Buffer.from("thank you")));
    socket.end();
  },
);

inEachWorld(
  "a peer that has closed its side gets the whole answer",
  function* ({ reader, writer, on }) {
    assert.equal((yield* on(reader.read())).toString(), "that is all");
    for (const chunk of chunks().slice(0, 64)) {
      writer.write(chunk);
      yield* on(writer.drain());
    }
    writer.close();
    yield* on(writer.waitClosed());
  },
  async (connect) => {
    const { socket } = await connect();
    socket.end("that is all");
    assert.equal(await digestOf(socket, turn), digest(HUGE.subarray(0, 64 * CHUNK)));
  },
  halfOpenCarriers,
);

inEachWorld(
  "who has closed this side gets the whole answer, too",
  function* ({ reader, writer, on }) {
    writer.write("that is all");
    writer.writeEof();
    const { digest: received } = yield* takeAll({ reader, on }, () => on(sleep(0)));
    assert.equal(received, HUGE_DIGEST);
  },
  async (connect) => {
    const { socket } = await connect();
    assert.equal(await digestOf(socket), digest(Buffer.from("that is all")));
    await new Sender(socket).sendHuge();
  },
  halfOpenCarriers,
);

inEachWorld(
  "a connection that breaks in the middle of a write ends drain(), waitClosed() and reading",
  function* ({ reader, writer, on }) {
    writer.write(HUGE);
    yield* rejects(on(writer.drain()), ConnectionError);
    yield* rejects(on(writer.waitClosed()), ConnectionError);
    yield* rejects(on(reader.read()), ConnectionError);
    assert.equal(writer.transport.getWriteBufferSize(), 0);
  },
  async (connect) => {
    const { socket, reset } = await connect();
    socket.resume();
    await once(socket, "data");
    reset();
  },
);

inEachWorld(
  "a peer that says nothing costs a timeout, and nothing of what it says later",
  function* ({ reader, writer, on, body }) {
    const read = body(function* (): Steps<Buffer> {
      return yield* on(reader.readline());
    });
    for (let i = 0; i < 3; i++) yield* rejects(on(timeout(0.01, read)), TimeoutError);
    writer.write("well?");
    assert.equal((yield* on(reader.readline())).toString(), "at last\n");
  },
  async (connect) => {
    const { socket } = await connect();
    socket.write("at ");
    socket.once("data", () => socket.write("last\n"));
    socket.resume();
  },
);

inEachWorld(
  "a peer that does not read any more holds the writer at its high mark, until it gives up",
  function* ({ writer, on, body }) {
    const write = body(function* (): Steps<void> {
      writer.write(HUGE.subarray(0, CHUNK));
      yield* on(writer.drain());
    });
    yield* rejects(
      forever(on, () => timeout(0.05, write)),
      TimeoutError,
    );
    const [low, high] = writer.transport.getWriteBufferLimits();
    const held = writer.transport.getWriteBufferSize();
    assert.ok(held > low && held <= high + CHUNK, `${held} bytes are held`);
    writer.transport.abort();
    yield* on(writer.waitClosed());
  },
  async (connect) => {
    await connect();
  },
);

inEachWorld(
  "one that reads slowly does not hold up the others",
  function* ({ reader, writer, on }) {
    if ((yield* on(reader.readexactly(4))).toString() !== "slow") return;
    const endless = createTask(function* () {
      for (;;) {
        writer.write(HUGE.subarray(0, CHUNK));
        yield* writer.drain();
      }
    });
    yield* on(reader.read());
    endless.cancel();
  },
  async (connect) => {
    const slow = await connect();
    slow.socket.write("slow");
    for (let i = 0; i < 20; i++) {
      const { socket } = await connect();
      socket.write("fast");
      await digestOf(socket);
      socket.destroy();
    }
    slow.socket.end();
  },
);
