import assert from "node:assert/strict";
import { describe } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  CancelledError,
  type ClientConnectedCallback,
  ConnectionAbortedError,
  ConnectionResetError,
  createTask,
  openConnection,
  Protocol,
  SSLCertVerificationError,
  type StreamReader,
  type StreamWriter,
  startServer,
  type Transport,
  ValueError,
} from "../../../src/index.ts";
import { drive, type Flavour, flavours, type Steps } from "../../flavours.ts";
import { type Bench, failure, inEachBackend } from "../backends.ts";
import { Echo, pattern, portOf, Recorder, recorders, serve } from "../recorder.ts";
import { FakeTransport } from "../streams-support.ts";
import { elsewhere, opensslSkip } from "./certificates.ts";
import { asTls, clientContext, serverContext } from "./support.ts";

/** A server of streams at 127.0.0.1, closed after the test with its connections. */
async function serveStreams({ defer }: Bench, callback: ClientConnectedCallback): Promise<number> {
  const server = await startServer(callback, "127.0.0.1", 0);
  defer(async () => {
    server.close();
    server.abortClients();
    await server.waitClosed();
  });
  return portOf(server.sockets[0]!);
}

/** Says that it is ready for TLS when it is asked, and from then on sends back each line. */
async function starttlsServer(reader: StreamReader, writer: StreamWriter): Promise<void> {
  assert.equal(`${await reader.readline()}`, "STARTTLS\n");
  writer.write("ready\n");
  await writer.startTls(serverContext());
  for await (const line of reader) {
    writer.write(line);
    await writer.drain();
  }
  writer.close();
}

/** Register a test per backend and flavour. */
function inEachWorld(name: string, body: (bench: Bench, flavour: Flavour) => Steps<void>): void {
  for (const flavour of flavours) {
    inEachBackend(`${name}, in ${flavour.name} coroutines`, async (bench) => {
      if (flavour.name === "async") await drive(body(bench, flavour));
      else await createTask(flavour.coroutine(body)(bench, flavour));
    });
  }
}

describe("startTls", { skip: opensslSkip }, () => {
  inEachWorld("streams go on encrypted, at both ends", function* (bench, { on }) {
    const port = yield* on(createTask(() => serveStreams(bench, starttlsServer)));
    const [reader, writer] = yield* on(openConnection("127.0.0.1", port));
    const plain = writer.transport;
    writer.write("STARTTLS\n");
    assert.equal(`${yield* on(reader.readline())}`, "ready\n");
    yield* on(writer.startTls(clientContext(), { serverHostname: "localhost" }));
    assert.notEqual(writer.transport, plain);
    assert.equal(asTls(writer.transport).getExtraInfo("peercert")?.subject.CN, "localhost");
    for (let i = 0; i < 10; i++) {
      writer.write(`line ${i}\n`);
      assert.equal(`${yield* on(reader.readline())}`, `line ${i}\n`);
    }
    writer.close();
    yield* on(writer.waitClosed());
    assert.equal(reader.atEof(), true);
  });

  inEachWorld("openConnection and startServer speak it from the start", function* (bench, { on }) {
    const served = bench.loop.createFuture<void>();
    const echo = async (reader: StreamReader, writer: StreamWriter) => {
      const data = await reader.readexactly(1_000_000);
      writer.write(data);
      assert.equal((await reader.read()).length, 0);
      writer.close();
      await writer.waitClosed();
      served.setResult(undefined);
    };
    const server = yield* on(startServer(echo, "127.0.0.1", 0, { ssl: serverContext() }));
    bench.defer(() => server.close());
    const [reader, writer] = yield* on(
      openConnection("127.0.0.1", portOf(server.sockets[0]!), { ssl: clientContext() }),
    );
    const data = pattern(1_000_000);
    writer.write(data);
    yield* on(writer.drain());
    assert.ok((yield* on(reader.readexactly(data.length))).equals(data));
    writer.close();
    yield* on(writer.waitClosed());
    yield* on(served);
  });

  inEachBackend("what a client has sent too early belongs to TLS", async (bench) => {
    const [left] = await earlyClient(bench);
    left.transport.write("hello");
    assert.equal((await left.receives(5)).toString(), "hello");
  });

  inEachBackend("a reader that is full holds the TLS transport up, and lets it go on", async (bench) => {
    const connected = bench.loop.createFuture<[StreamReader, StreamWriter]>();
    const port = await serveStreams(bench, async (reader, writer) => {
      await writer.startTls(serverContext());
      connected.setResult([reader, writer]);
    });
    const [, writer] = await openConnection("127.0.0.1", port);
    await writer.startTls(clientContext(), { serverHostname: "localhost" });
    const data = pattern(8_000_000);
    writer.write(data);
    const [reader, serverWriter] = await connected;
    while (asTls(serverWriter.transport).isReading()) await turn();
    assert.ok((await reader.readexactly(data.length)).equals(data));
    writer.close();
    serverWriter.close();
    await Promise.all([writer.waitClosed(), serverWriter.waitClosed()]);
  });

  inEachBackend("a protocol of a loop's is not told of the connection again", async (bench) => {
    const [left, right] = await recorders(bench);
    const [own, other] = await Promise.all([
      bench.loop.startTls(left.transport, left, clientContext(), { serverHostname: "127.0.0.1" }),
      bench.loop.startTls(right.transport, right, serverContext(), { serverSide: true }),
    ]);
    own.write("secret");
    assert.equal((await right.receives(6)).toString(), "secret");
    other.write("answer");
    assert.equal((await left.receives(6)).toString(), "answer");
    assert.equal(left.calls.filter((call) => call === "connectionMade").length, 1);
    own.close();
    await Promise.all([left.called("connectionLost"), right.called("connectionLost")]);
    assert.deepEqual([left.lostWith, right.lostWith], [null, null]);
  });

  inEachBackend("TLS goes through TLS", async (bench) => {
    const [left, right] = await recorders(bench);
    const upgrade = (l: Transport, r: Transport) =>
      Promise.all([
        bench.loop.startTls(l, left, clientContext(), { serverHostname: "localhost" }),
        bench.loop.startTls(r, right, serverContext(), { serverSide: true }),
      ]);
    const [own, other] = await upgrade(...(await upgrade(left.transport, right.transport)));
    const data = pattern(3_000_000);
    own.write(data);
    other.write("back");
    assert.ok((await right.receives(data.length)).equals(data));
    assert.equal((await left.receives(4)).toString(), "back");
    own.close();
    await Promise.all([left.called("connectionLost"), right.called("connectionLost")]);
    assert.deepEqual([left.lostWith, right.lostWith], [null, null]);
  });

  inEachBackend("a certificate that is not trusted ends the connection", async (bench) => {
    const [left, right] = await recorders(bench);
    const serving = createTask(
      bench.loop.startTls(right.transport, right, serverContext(elsewhere()), { serverSide: true }),
    );
    await failure(
      bench.loop.startTls(left.transport, left, clientContext(), { serverHostname: "localhost" }),
      SSLCertVerificationError,
    );
    await serving.then(
      () => right.called("connectionLost"),
      (error) => assert.ok(error instanceof ConnectionResetError),
    );
    await left.called("connectionLost");
    assert.ok(left.lostWith instanceof SSLCertVerificationError);
  });

  inEachBackend("a handshake that takes too long is a ConnectionAbortedError", async (bench) => {
    const { port } = await serve(bench, () => new Recorder(bench.loop));
    const [, writer] = await openConnection("127.0.0.1", port);
    await failure(
      writer.startTls(clientContext(), { serverHostname: "localhost", sslHandshakeTimeout: 0.05 }),
      ConnectionAbortedError,
    );
    await failure(writer.waitClosed(), ConnectionAbortedError);
  });

  inEachBackend("cancelling it ends the connection", async (bench) => {
    const right = new Recorder(bench.loop);
    const { port } = await serve(bench, () => right);
    const [, writer] = await openConnection("127.0.0.1", port);
    const task = createTask(writer.startTls(clientContext(), { serverHostname: "localhost" }));
    await right.receives(1);
    task.cancel();
    await failure(task, CancelledError);
    await right.called("connectionLost");
    await writer.waitClosed();
  });

  inEachBackend("a connection that is gone is a ConnectionResetError", async (bench) => {
    const [left] = await recorders(bench);
    left.transport.close();
    await failure(
      bench.loop.startTls(left.transport, left, clientContext(), { serverHostname: "localhost" }),
      ConnectionResetError,
    );
  });

  inEachBackend("what makes no sense is an error at the call", async (bench) => {
    const [{ transport }] = await recorders(bench);
    const { loop } = bench;
    const protocol = new Echo();
    const ssl = clientContext();
    assert.throws(
      () => loop.startTls(new FakeTransport(), protocol, ssl, { serverHostname: "x" }),
      TypeError,
    );
    assert.throws(
      () => loop.startTls(transport, protocol, "ssl" as never, { serverHostname: "x" }),
      TypeError,
    );
    assert.throws(() => loop.startTls(transport, protocol, ssl), ValueError);
    assert.throws(() => loop.startTls(transport, protocol, ssl, { serverSide: true }), ValueError);
    assert.throws(
      () => loop.startTls(transport, protocol, ssl, { serverHostname: "x", sslHandshakeTimeout: 0 }),
      ValueError,
    );
    const [, writer] = await openConnection("127.0.0.1", (await serve(bench, () => new Echo())).port);
    assert.throws(() => writer.startTls(ssl), ValueError);
    writer.close();
    await writer.waitClosed();
  });
});

/** A client that begins with TLS in the same breath, before the server has read what comes first. */
async function earlyClient(bench: Bench): Promise<[Recorder]> {
  const port = await serveStreams(bench, async (reader, writer) => {
    // By now there is more: the line and the beginning of TLS came in together.
    assert.equal(`${await reader.readline()}`, "PROXY\n");
    await writer.startTls(serverContext());
    writer.write(await reader.readexactly(5));
  });
  const left = new Recorder(bench.loop);
  const [transport] = await bench.loop.createConnection(() => new Prefixed(), "127.0.0.1", port);
  const [, secure] = [
    transport,
    await bench.loop.startTls(transport, left, clientContext(), { serverHostname: "localhost" }),
  ];
  left.connectionMade(secure);
  bench.defer(async () => {
    secure.abort();
    await left.called("connectionLost");
  });
  return [left];
}

class Prefixed extends Protocol {
  override connectionMade(transport: Transport): void {
    transport.write("PROXY\n");
  }
}
