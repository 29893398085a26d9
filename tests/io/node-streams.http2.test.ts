import assert from "node:assert/strict";
import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import {
  ConnectionResetError,
  createTask,
  Event,
  ensureFuture,
  fromDuplex,
  gather,
  openConnection,
  type SSLContext,
  type StreamReader,
  type StreamWriter,
  startServer,
  timeout,
  toDuplex,
} from "../../src/index.ts";
import { type Bench, inEachBackend } from "./backends.ts";
import { converse, missing } from "./programs.ts";
import { pattern } from "./recorder.ts";
import { authority, opensslSkip } from "./tls/certificates.ts";
import { clientContext, serverContext } from "./tls/support.ts";

/** More than a window of HTTP/2, and together less than the memory that Node grants a session. */
const BODY = pattern(200 * 1024);
const curlSkip = missing("curl", ["--version"], /HTTP2/);

/** A promise of Node's, whose wait a test's time limit can end. */
const waiting = <T>(promise: Promise<T>) => ensureFuture(promise);

/** Sends back what it gets, and the path. */
function echo(): Http2Server {
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    stream.respond({ ":status": 200, "x-path": headers[":path"] });
    stream.pipe(stream);
  });
  return server;
}

/** Serve `http` over connections of ours, and give the port. */
async function serve(bench: Bench, http: Http2Server, ssl?: SSLContext): Promise<number> {
  const closings: Promise<unknown>[] = [];
  const adopt = (reader: StreamReader, writer: StreamWriter) => {
    const duplex = toDuplex(reader, writer);
    closings.push(once(duplex, "close"));
    http.emit("connection", duplex);
  };
  const server = await startServer(adopt, "127.0.0.1", 0, ssl === undefined ? {} : { ssl });
  bench.defer(async () => {
    server.close();
    await timeout(5, () => waiting(Promise.all(closings)));
  });
  return (server.sockets[0]!.getsockname() as [string, number])[1];
}

/** A client of Node's over a connection of ours. */
async function session(
  bench: Bench,
  port: number,
  options: { ssl?: SSLContext } = {},
): Promise<ClientHttp2Session> {
  const [reader, writer] = await openConnection("127.0.0.1", port, options);
  const duplex = toDuplex(reader, writer);
  const client = connect("http://localhost", { createConnection: () => duplex });
  bench.defer(async () => {
    const closed = once(duplex, "close");
    client.close();
    await timeout(5, () => waiting(closed));
  });
  return client;
}

async function ask(
  client: ClientHttp2Session,
  path: string,
  body: Buffer,
): Promise<[IncomingHttpHeaders, Buffer]> {
  const stream = client.request({ ":method": "POST", ":path": path });
  stream.end(body);
  const [[headers], received] = await Promise.all([once(stream, "response"), buffer(stream)]);
  return [headers, received];
}

async function assertEchoes(client: ClientHttp2Session): Promise<void> {
  const answers = gather(
    ...Array.from({ length: 10 }, (_, i) => createTask(() => ask(client, `/${i}`, BODY.subarray(i)))),
  );
  for (const [i, [headers, body]] of (await answers).entries()) {
    assert.equal(headers["x-path"], `/${i}`);
    assert.ok(body.equals(BODY.subarray(i)));
  }
}

inEachBackend(
  "Node's HTTP/2 speaks over connections of ours, server and client, ten streams at once",
  async (bench) => {
    await assertEchoes(await session(bench, await serve(bench, echo())));
  },
);

inEachBackend(
  "HTTP/2 is agreed upon by ALPN, over our TLS",
  async (bench) => {
    const context = serverContext();
    context.setAlpnProtocols(["h2", "http/1.1"]);
    const trusting = clientContext();
    trusting.setAlpnProtocols(["h2"]);
    const port = await serve(bench, echo(), context);
    await assertEchoes(await session(bench, port, { ssl: trusting }));
  },
  { skip: opensslSkip },
);

inEachBackend("performServerHandshake makes a session of a connection of ours", async (bench) => {
  const server = await startServer(
    (reader, writer) => {
      const session = performServerHandshake(toDuplex(reader, writer));
      session.on("stream", (stream) => {
        stream.respond({ ":status": 204 }, { endStream: true });
      });
    },
    "127.0.0.1",
    0,
  );
  bench.defer(() => server.close());
  const client = await session(bench, (server.sockets[0]!.getsockname() as [string, number])[1]);
  const stream = client.request({ ":path": "/" });
  const [headers] = await waiting(once(stream, "response"));
  assert.equal(headers[":status"], 204);
});

/** Answers in capitals, by a reader and a writer of ours; `served` are its answers. */
function shouting(): { http: Http2Server; served: PromiseLike<void>[] } {
  const http = createServer();
  const served: PromiseLike<void>[] = [];
  http.on("stream", (stream: ServerHttp2Stream) => {
    stream.respond({ ":status": 200 });
    const [reader, writer] = fromDuplex(stream);
    served.push(
      createTask(async () => {
        for await (const line of reader) {
          writer.write(String(line).toUpperCase());
          await writer.drain();
        }
        writer.close();
        await writer.waitClosed();
      }),
    );
  });
  return { http, served };
}

async function assertShouts(client: ClientHttp2Session): Promise<void> {
  const lines = Buffer.from("some line\n".repeat(10_000));
  const [, answer] = await waiting(ask(client, "/", lines));
  assert.equal(String(answer), String(lines).toUpperCase());
}

inEachBackend("a stream of Node's HTTP/2 becomes a reader and a writer", async (bench) => {
  const { http, served } = shouting();
  http.listen(0, "127.0.0.1");
  await waiting(once(http, "listening"));
  bench.defer(() => http.close());
  await assertShouts(await session(bench, (http.address() as AddressInfo).port));
  await waiting(Promise.all(served));
});

inEachBackend("so does one over a connection of ours, which ends before it has been sent", async (bench) => {
  const { http, served } = shouting();
  await assertShouts(await session(bench, await serve(bench, http)));
  await waiting(Promise.all(served));
});

/** How one comes to know that what one wrote was sent. */
const ENDINGS: Readonly<Record<string, (writer: StreamWriter) => PromiseLike<void>>> = {
  "close() and waitClosed()"(writer) {
    writer.close();
    return writer.waitClosed();
  },
  "writeEof() and drain()"(writer) {
    writer.writeEof();
    return writer.drain();
  },
};

for (const [ending, wait] of Object.entries(ENDINGS)) {
  inEachBackend(`what a client of HTTP/2 gives up without an error is lost to ${ending}`, async (bench) => {
    const http = createServer();
    const lost = new Event();
    http.on("stream", (stream: ServerHttp2Stream) => {
      const [reader, writer] = fromDuplex(stream);
      createTask(async () => {
        await reader.read();
        for (let i = 0; i < 3; i++) writer.write(BODY);
        await assert.rejects(Promise.resolve(wait(writer)), ConnectionResetError);
        lost.set();
      });
    });
    const client = await session(bench, await serve(bench, http));
    const request = client.request({ ":method": "POST" }).end("all");
    await waiting(once(request, "response"));
    request.close();
    await lost.wait();
    request.resume();
  });
}

inEachBackend(
  "curl speaks HTTP/2 with it, without TLS",
  async (bench) => {
    const port = await serve(bench, echo());
    const args = [
      "--silent",
      "--http2-prior-knowledge",
      "--data-binary",
      "@-",
      "--write-out",
      " %{http_version}",
    ];
    const output = await waiting(converse("curl", [...args, `http://127.0.0.1:${port}/`], "hello from curl"));
    assert.equal(output, "hello from curl 2");
  },
  { skip: curlSkip },
);

inEachBackend(
  "curl agrees with it upon HTTP/2, over our TLS",
  async (bench) => {
    const context = serverContext();
    context.setAlpnProtocols(["h2", "http/1.1"]);
    const port = await serve(bench, echo(), context);
    const args = [
      "--silent",
      "--cacert",
      authority().certfile,
      "--data-binary",
      "@-",
      "--write-out",
      " %{http_version}",
    ];
    const output = await waiting(
      converse("curl", [...args, `https://localhost:${port}/`], "hello from curl"),
    );
    assert.equal(output, "hello from curl 2");
  },
  { skip: opensslSkip || curlSkip },
);
