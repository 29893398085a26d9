import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { Duplex, Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import * as tls from "node:tls";
import {
  createTask,
  type EventLoop,
  ensureFuture,
  openConnection,
  type StreamReader,
  type StreamWriter,
  sleep,
  startServer,
  type Transport,
  toDuplex,
  wait,
} from "../../src/index.ts";
import { type Bench, failure, idle, inEachBackend } from "./backends.ts";
import { localhost, opensslSkip } from "./tls/certificates.ts";
import { clientContext } from "./tls/support.ts";

const MEBIBYTE = Buffer.alloc(1024 * 1024, "0123456789abcdef");

/** Serve with `handler`, and give the port. */
async function serve({ defer }: Bench, handler: (reader: StreamReader, writer: StreamWriter) => unknown) {
  const server = await startServer(handler, "127.0.0.1", 0);
  defer(() => server.close());
  return (server.sockets[0]!.getsockname() as [string, number])[1];
}

/** Both ends of a connection: one of them as a stream of Node's. */
async function connected(bench: Bench): Promise<[Duplex, StreamReader, StreamWriter]> {
  const accepted = bench.loop.createFuture<[StreamReader, StreamWriter]>();
  const port = await serve(bench, (reader, writer) => accepted.setResult([reader, writer]));
  const [reader, writer] = await openConnection("127.0.0.1", port);
  const [theirReader, theirWriter] = await accepted;
  const duplex = toDuplex(theirReader, theirWriter);
  bench.defer(() => duplex.destroy());
  bench.defer(() => writer.transport.abort());
  return [duplex, reader, writer];
}

/** A promise of Node's, whose wait a test's time limit can end. */
const waiting = <T>(promise: Promise<T>) => ensureFuture(promise);

inEachBackend("Node's HTTP server serves over a connection of ours", async (bench) => {
  const http = createServer(async (incoming, response) => {
    response.setHeader("x-method", incoming.method!);
    response.end(await buffer(incoming));
  });
  const closings: Promise<unknown>[] = [];
  const port = await serve(bench, (reader, writer) => {
    const duplex = toDuplex(reader, writer);
    closings.push(once(duplex, "close"));
    http.emit("connection", duplex);
  });
  for (const body of ["hello", MEBIBYTE]) {
    const response = await waiting(
      fetch(`http://127.0.0.1:${port}/`, { method: "POST", body, headers: { connection: "close" } }),
    );
    assert.equal(response.headers.get("x-method"), "POST");
    assert.ok(Buffer.from(await waiting(response.arrayBuffer())).equals(Buffer.from(body)));
  }
  await waiting(Promise.all(closings));
  await sleep(0);
});

inEachBackend("Node's HTTP client asks over a connection of ours", async (bench) => {
  const http = createServer((incoming, response) => void response.end(`you asked for ${incoming.url}`));
  http.listen(0, "127.0.0.1");
  await waiting(once(http, "listening"));
  bench.defer(() => http.close());
  const { port } = http.address() as { port: number };
  const [reader, writer] = await openConnection("127.0.0.1", port);
  const asked = request({ createConnection: () => toDuplex(reader, writer), path: "/page" }).end();
  const [response] = await waiting(once(asked, "response"));
  assert.equal(await waiting(text(response)), "you asked for /page");
});

inEachBackend("what is piped through comes out whole, and both ends end", async (bench) => {
  const [duplex, reader, writer] = await connected(bench);
  const sent = pipeline(Readable.from([MEBIBYTE, MEBIBYTE, "the end"]), duplex, { end: true });
  const received = await reader.read();
  assert.equal(received.length, 2 * MEBIBYTE.length + 7);
  assert.ok(received.subarray(0, MEBIBYTE.length).equals(MEBIBYTE));
  writer.write("answer");
  writer.writeEof();
  assert.equal(await waiting(text(duplex)), "answer");
  await waiting(sent);
  writer.close();
  await writer.waitClosed();
});

inEachBackend("web streams are made of it, and pass bytes on in both directions", async (bench) => {
  const [duplex, reader, writer] = await connected(bench);
  const { readable, writable } = Duplex.toWeb(duplex);
  const web = writable.getWriter();
  await waiting(web.write("to the other side"));
  assert.equal(String(await reader.read(100)), "to the other side");
  writer.write("and back");
  const { value } = await waiting(readable.getReader().read());
  assert.equal(Buffer.from(value).toString(), "and back");
});

inEachBackend("who writes faster than the other side reads must wait", async (bench) => {
  const [duplex, reader] = await connected(bench);
  let written = 0;
  const write = () => {
    do written++;
    while (duplex.write(MEBIBYTE));
  };
  duplex.on("drain", write);
  write();
  await reader.readexactly(8 * MEBIBYTE.length);
  await waiting(idle());
  assert.ok(written >= 8 && written < 64, `${written} MiB were written, of which 8 were read`);
  assert.ok(duplex.writableLength <= MEBIBYTE.length);
});

inEachBackend("destroying it drops the connection, and what waits on it", async (bench) => {
  const [duplex, reader] = await connected(bench);
  const closed = once(duplex, "close");
  duplex.resume();
  duplex.destroy();
  assert.equal((await reader.read()).length, 0);
  await waiting(closed);
});

inEachBackend("the error that a connection breaks with is the stream's", async (bench) => {
  const [duplex, , writer] = await connected(bench);
  duplex.resume();
  duplex.write(MEBIBYTE);
  const broken = failure(once(duplex, "close"), Error);
  (writer.transport as Transport).pauseReading();
  writer.write("unread");
  await waiting(idle());
  writer.transport.abort();
  const error = await waiting(broken);
  assert.match((error as NodeJS.ErrnoException).code ?? "", /ECONNRESET|EPIPE/);
});

inEachBackend("it outlives the task that used it first", async (bench) => {
  const [duplex, , writer] = await connected(bench);
  const first = createTask(async () => {
    duplex.on("data", () => {});
    await (bench.loop as EventLoop).createFuture();
  });
  await waiting(idle());
  first.cancel();
  await wait([first]);
  const arrived = once(duplex, "data");
  writer.write("still there");
  assert.equal(String((await waiting(arrived))[0]), "still there");
});

inEachBackend(
  "over TLS, too, it ends its side first, and receives the answer to that",
  async (bench) => {
    const { cert, key } = localhost();
    const server = tls.createServer({ cert, key, allowHalfOpen: true }, (socket) => {
      const chunks: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      socket.on("end", () => socket.end(`the answer to ${Buffer.concat(chunks)}`));
    });
    server.listen(0, "127.0.0.1");
    await waiting(once(server, "listening"));
    bench.defer(() => server.close());
    const { port } = server.address() as { port: number };
    const [reader, writer] = await openConnection("127.0.0.1", port, { ssl: clientContext() });
    const duplex = toDuplex(reader, writer);
    bench.defer(() => duplex.destroy());
    const closed = once(duplex, "close");
    duplex.end("a question");
    assert.equal(await waiting(text(duplex)), "the answer to a question");
    await waiting(closed);
  },
  { skip: opensslSkip },
);
