import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import type { Socket as NodeSocket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import {
  type Awaitable,
  ConnectionError,
  ConnectionResetError,
  createTask,
  Event,
  SO_LINGER,
  SOL_SOCKET,
  Socket,
  type StreamReader,
  type StreamWriter,
  sleep,
  startServer,
  TimeoutError,
  timeout,
} from "../../src/index.ts";
import { type Flavour, flavours, type Steps } from "../flavours.ts";
import { rejects } from "../helpers.ts";
import { type Bench, inEachBackend, nativeSkip } from "./backends.ts";
import { nodeClient, pattern, portOf } from "./recorder.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

/** What a server's handler is given, and the way to wait. */
interface Served {
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
  readonly on: Flavour["on"];
  readonly body: Flavour["body"];
}

/** Talks to the server at this port, and ends. */
type Peer = (bench: Bench, port: number) => Promise<unknown>;

/** A server whose handler is `handle`, in both flavours, on both backends, with one client: `peer`. Both must end well. */
function inEachWorld(
  name: string,
  handle: (served: Served) => Steps<void>,
  peer: Peer,
  options: { skip?: string | false } = {},
): void {
  for (const { name: flavour, on, body, coroutine } of flavours) {
    inEachBackend(
      `${name} (${flavour})`,
      async (bench) => {
        const handled = new Event();
        const handler = coroutine(function* (reader: StreamReader, writer: StreamWriter): Steps<void> {
          try {
            yield* handle({ reader, writer, on, body });
          } finally {
            writer.transport.abort();
            handled.set();
          }
        });
        const server = await startServer(handler, "127.0.0.1", 0);
        bench.defer(() => server.close());
        await peer(bench, portOf(server.sockets[0]!));
        await handled.wait();
        await server.close({ drain: 20 });
      },
      options,
    );
  }
}

/** All that comes from the other side, until it ends; `pause` comes before each piece. */
async function readAll(socket: NodeSocket, pause: () => Promise<unknown> = async () => {}): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of socket) {
    pieces.push(piece as Buffer);
    await pause();
  }
  return Buffer.concat(pieces);
}

/** Again and again, until it throws. */
function* forever(on: Flavour["on"], what: () => Awaitable<unknown>): Steps<never> {
  for (;;) yield* on(what());
}

/** What buffers of this process take that somebody still has. */
function memoryInUse(): number {
  assert.ok(globalThis.gc, "run the tests with --expose-gc");
  globalThis.gc();
  return process.memoryUsage().arrayBuffers;
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const HUGE = pattern(64 * MiB);
const HUGE_DIGEST = digest(HUGE);

inEachWorld(
  "64 MiB in one write come out unchanged at a slow reader, and drain() waits until most are sent",
  function* ({ writer, on }) {
    writer.write(HUGE);
    yield* on(writer.drain());
    assert.ok(writer.transport.getWriteBufferSize() <= 16 * KiB);
    writer.close();
    yield* on(writer.waitClosed());
  },
  async (bench, port) => {
    assert.equal(digest(await readAll(await nodeClient(bench, port), turn)), HUGE_DIGEST);
  },
);

inEachWorld(
  "64 MiB are read in one piece",
  function* ({ reader, on }) {
    assert.equal(digest(yield* on(reader.readexactly(HUGE.length))), HUGE_DIGEST);
  },
  async (bench, port) => {
    const client = await nodeClient(bench, port);
    client.end(HUGE);
    await readAll(client.resume());
  },
);

inEachWorld(
  "a sender that is faster than its reader is held back: the memory does not grow",
  function* ({ reader, on }) {
    yield* on(reader.readexactly(MiB));
    const before = memoryInUse();
    let most = 0;
    for (let round = 1; round <= 7; round++) {
      for (let received = 0; received < 8 * MiB; ) {
        received += (yield* on(reader.read(64 * KiB))).length;
        yield* on(sleep(0));
      }
      most = Math.max(most, memoryInUse() - before);
    }
    assert.ok(most < 24 * MiB, `${most} bytes more`);
  },
  async (bench, port) => {
    const send = `head -c ${64 * MiB} /dev/zero > /dev/tcp/127.0.0.1/${port}`;
    const child = spawn("bash", ["-c", send], { stdio: "ignore" });
    bench.defer(() => child.kill());
  },
  { skip: process.platform === "win32" && "needs bash" },
);

inEachWorld(
  "messages that come in segments of one byte are put together",
  function* ({ reader, writer, on }) {
    for (let i = 0; i < 20; i++) {
      assert.equal((yield* on(reader.readline())).toString(), `line ${i}\n`);
      assert.deepEqual(yield* on(reader.readexactly(3)), Buffer.from([i, i, i]));
    }
    writer.write("thank you");
    writer.close();
  },
  async (bench, port) => {
    const client = await nodeClient(bench, port);
    for (let i = 0; i < 20; i++) {
      for (const byte of Buffer.concat([Buffer.from(`line ${i}\n`), Buffer.from([i, i, i])])) {
        client.write(Buffer.of(byte));
        await turn();
      }
    }
    assert.equal((await readAll(client)).toString(), "thank you");
  },
);

inEachWorld(
  "a peer that has closed its side gets the whole answer",
  function* ({ reader, writer, on }) {
    assert.equal((yield* on(reader.read())).toString(), "that is all");
    for (let i = 0; i < 64; i++) {
      writer.write(HUGE.subarray(i * 64 * KiB, (i + 1) * 64 * KiB));
      yield* on(writer.drain());
    }
    writer.close();
    yield* on(writer.waitClosed());
  },
  async (bench, port) => {
    const client = await nodeClient(bench, port);
    client.end("that is all");
    assert.equal(digest(await readAll(client, turn)), digest(HUGE.subarray(0, 4 * MiB)));
  },
);

inEachWorld(
  "a reset in the middle of a write ends drain(), waitClosed() and reading",
  function* ({ reader, writer, on }) {
    writer.write(HUGE);
    yield* rejects(on(writer.drain()), ConnectionError);
    yield* rejects(on(writer.waitClosed()), ConnectionError);
    yield* rejects(on(reader.read()), ConnectionError);
    assert.equal(writer.transport.getWriteBufferSize(), 0);
  },
  async (bench, port) => {
    const client = await nodeClient(bench, port);
    client.once("data", () => client.resetAndDestroy());
    client.resume();
  },
);

inEachWorld(
  "SO_LINGER of 0 is a reset, too, which a reader learns of as a ConnectionResetError",
  function* ({ reader, on }) {
    assert.equal((yield* on(reader.readexactly(5))).toString(), "hello");
    yield* rejects(on(reader.read()), ConnectionResetError);
  },
  async (_bench, port) => {
    const sock = new Socket();
    sock.connectEx(["127.0.0.1", port]);
    for (;;) {
      await turn();
      try {
        sock.send("hello");
        break;
      } catch {}
    }
    // Until the reader has it: a reset drops what the other side has not received.
    for (let i = 0; i < 20; i++) await turn();
    sock.setsockopt(SOL_SOCKET, SO_LINGER, new Uint8Array(Int32Array.of(1, 0).buffer));
    sock.close();
  },
  { skip: nativeSkip },
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
  async (bench, port) => {
    const client = await nodeClient(bench, port);
    client.write("at ");
    client.once("data", () => client.write("last\n"));
    client.resume();
  },
);

inEachWorld(
  "a peer that does not read any more holds the writer at its high mark, until it gives up",
  function* ({ writer, on, body }) {
    const chunk = HUGE.subarray(0, 64 * KiB);
    const write = body(function* (): Steps<void> {
      writer.write(chunk);
      yield* on(writer.drain());
    });
    yield* rejects(
      forever(on, () => timeout(0.05, write)),
      TimeoutError,
    );
    const [low, high] = writer.transport.getWriteBufferLimits();
    const held = writer.transport.getWriteBufferSize();
    assert.ok(held > low && held <= high + chunk.length, `${held} bytes are held`);
    writer.transport.abort();
    yield* on(writer.waitClosed());
  },
  async (bench, port) => {
    await nodeClient(bench, port);
  },
);

inEachWorld(
  "one that reads slowly does not hold up the others",
  function* ({ reader, writer, on }) {
    if ((yield* on(reader.readexactly(4))).toString() !== "slow") return;
    const endless = createTask(function* () {
      for (;;) {
        writer.write(HUGE.subarray(0, 64 * KiB));
        yield* writer.drain();
      }
    });
    yield* on(reader.read());
    endless.cancel();
  },
  async (bench, port) => {
    const slow = await nodeClient(bench, port);
    slow.write("slow");
    for (let i = 0; i < 20; i++) {
      const fast = await nodeClient(bench, port);
      fast.write("fast");
      await readAll(fast);
    }
    slow.end();
  },
);
