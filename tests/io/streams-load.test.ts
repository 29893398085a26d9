import assert from "node:assert/strict";
import { createTask, gather, sleep } from "../../src/index.ts";
import { StreamReader } from "../../src/io/stream-reader.ts";
import type { StreamWriter } from "../../src/io/stream-writer.ts";
import { openConnection, startServer } from "../../src/io/streams.ts";
import { flavours, inEachFlavour } from "../flavours.ts";
import { inEachBackend } from "./backends.ts";
import { pattern, portOf } from "./recorder.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

/** What a transport receives at once, at most. */
const ONE_READ = 256 * KiB;

inEachFlavour("64 MiB are read in lines of 1 KiB, and in one piece, in linear time", function* ({ on }) {
  const reader = new StreamReader({ limit: 64 * MiB });
  const chunk = Buffer.from(`${"x".repeat(1023)}\n`.repeat(64));
  for (let i = 0; i < 1024; i++) reader.feedData(chunk);
  for (let i = 0; i < 8 * 1024; i++) assert.equal((yield* on(reader.readline())).length, KiB);
  const rest = createTask(reader.readexactly(64 * MiB));
  yield* on(sleep(0));
  for (let i = 0; i < 8 * 16; i++) {
    reader.feedData(chunk);
    yield* on(sleep(0));
  }
  assert.equal((yield* on(rest)).length, 64 * MiB);
});

/** How many bytes a reader holds. */
function buffered(reader: StreamReader): number {
  return Number(/(\d+) bytes/.exec(`${reader}`)?.[1] ?? 0);
}

inEachBackend(
  "a slow reader holds the sender: neither side buffers more than its limits",
  async ({ defer }) => {
    const limit = 32 * KiB;
    const chunk = pattern(16 * KiB);
    const total = 16 * MiB;
    let longestBuffer = 0;
    const send = async (_reader: StreamReader, writer: StreamWriter) => {
      for (let sent = 0; sent < total; sent += chunk.length) {
        writer.write(chunk);
        longestBuffer = Math.max(longestBuffer, writer.transport.getWriteBufferSize());
        await writer.drain();
      }
      writer.close();
    };
    const server = await startServer(send, "127.0.0.1", 0);
    defer(() => server.close());
    const [reader, writer] = await openConnection("127.0.0.1", portOf(server.sockets[0]!), { limit });
    let received = 0;
    let mostHeld = 0;
    while (!reader.atEof()) {
      const piece = await reader.read(10_000);
      received += piece.length;
      mostHeld = Math.max(mostHeld, buffered(reader));
      await sleep(0);
    }
    assert.equal(received, total);
    assert.ok(mostHeld <= 2 * limit + ONE_READ, `the reader held ${mostHeld} bytes`);
    const [, high] = writer.transport.getWriteBufferLimits();
    assert.ok(longestBuffer <= high + chunk.length, `the writer held ${longestBuffer} bytes`);
    writer.close();
    await writer.waitClosed();
  },
);

for (const { name, on, coroutine } of flavours) {
  inEachBackend(`1,000 clients at once are served by ${name} functions`, async ({ defer }) => {
    let together = 0;
    const everybody = Promise.withResolvers<void>();
    const echo = coroutine(function* (reader: StreamReader, writer: StreamWriter) {
      if (++together === 1000) everybody.resolve();
      for (;;) {
        const line = yield* on(reader.readline());
        if (line.length === 0) break;
        writer.write(line);
        yield* on(writer.drain());
      }
      writer.close();
    });
    const server = await startServer(echo, "127.0.0.1", 0, { backlog: 1000 });
    const port = portOf(server.sockets[0]!);
    defer(() => server.waitClosed());
    defer(() => server.close());
    const client = coroutine(function* (number: number) {
      const [reader, writer] = yield* on(openConnection("127.0.0.1", port));
      for (let i = 0; i < 3; i++) {
        const line = `client ${number}, line ${i}\n`;
        writer.write(line);
        assert.equal((yield* on(reader.readline())).toString(), line);
        yield* on(createTask(async () => everybody.promise));
      }
      writer.close();
      yield* on(writer.waitClosed());
    });
    await gather(...Array.from({ length: 1000 }, (_, number) => client(number)));
    assert.equal(together, 1000);
  });
}
