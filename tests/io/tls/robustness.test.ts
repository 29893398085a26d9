/** A TLS peer that stops in the middle of the handshake, at each of its steps: it costs a timeout, and nothing else. */

import assert from "node:assert/strict";
import { createServer, type Socket as NodeSocket } from "node:net";
import { Duplex } from "node:stream";
import { describe } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type ConnectionOptions, connect, createServer as createTlsServer, type TlsOptions } from "node:tls";
import {
  CancelledError,
  ConnectionAbortedError,
  createTask,
  OSError,
  openConnection,
  type StreamReader,
  type StreamWriter,
  startServer,
  TimeoutError,
  timeout,
} from "../../../src/index.ts";
import { type Bench, failure, idle, inEachBackend } from "../backends.ts";
import { leavingNoFile } from "../carriers.ts";
import { Echo, nodeClient, pattern, portOf, Recorder, serve } from "../recorder.ts";
import { authority, localhost, opensslSkip } from "./certificates.ts";
import { clientContext, connectTls, serverContext } from "./support.ts";

/** Long enough for a handshake to get as far as it is let. */
const HANDSHAKE_TIMEOUT = 0.1;

/** Long enough for a handshake that is not stopped, on a busy machine. */
const PATIENT_TIMEOUT = 0.5;

/** Registers a test per backend, which must leave no file open. */
function leakFree(name: string, body: (bench: Bench) => Promise<void>): void {
  inEachBackend(name, (bench) => leavingNoFile(bench, body), { timeout: 20_000 });
}

/** How much goes out. A write is a flight: all that one side says before it waits for the other. */
type Limit = { readonly bytes?: number | undefined; readonly writes?: number | undefined };

const EMPTY = Buffer.alloc(0);

/**
 * What Node's TLS sends goes out, up to `limit`: then this side is silent for ever, in the middle of whatever it
 * was saying, but goes on to receive.
 */
class Stopping extends Duplex {
  readonly #raw: NodeSocket;
  #left: number;
  #writes: number;

  constructor(raw: NodeSocket, limit: Limit) {
    super();
    this.#raw = raw;
    this.#left = limit.bytes ?? Number.POSITIVE_INFINITY;
    this.#writes = limit.writes ?? Number.POSITIVE_INFINITY;
    raw.on("data", (data) => this.push(data));
    raw.on("end", () => this.push(null));
    raw.on("error", () => {});
    raw.resume();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const part = this.#writes-- > 0 ? chunk.subarray(0, this.#left) : EMPTY;
    this.#left -= part.length;
    if (part.length > 0 && !this.#raw.destroyed) this.#raw.write(part);
    done();
  }
}

/** What Node's TLS sends goes out, but for one bit. */
class Corrupting extends Duplex {
  readonly #raw: NodeSocket;
  #left: number;

  /** `at` is how many bytes are right before it. */
  constructor(raw: NodeSocket, at: number) {
    super();
    this.#raw = raw;
    this.#left = at;
    raw.on("data", (data) => this.push(data));
    raw.on("end", () => this.push(null));
    raw.on("error", () => {});
    raw.resume();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const bytes = Buffer.from(chunk);
    if (this.#left >= 0 && this.#left < bytes.length) bytes[this.#left]! ^= 1 << (this.#left % 8);
    this.#left -= bytes.length;
    if (!this.#raw.destroyed) this.#raw.write(bytes);
    done();
  }
}

const CLIENT_STOPS: Readonly<Record<string, Limit & ConnectionOptions>> = {
  "before its first byte": { bytes: 0 },
  "in the header of its first record": { bytes: 3 },
  "in its ClientHello": { bytes: 100 },
  "after its ClientHello": { writes: 1 },
  "after its ClientHello, in TLS 1.2,": { writes: 1, maxVersion: "TLSv1.2" },
};

describe("a TLS client that stops", { skip: opensslSkip }, () => {
  for (const [where, { bytes, writes, ...options }] of Object.entries(CLIENT_STOPS)) {
    leakFree(`${where} is given up after the timeout, and the server goes on`, async (bench) => {
      const { port, server } = await serve(bench, () => new Echo(), {
        ssl: serverContext(),
        sslHandshakeTimeout: PATIENT_TIMEOUT,
      });
      const raw = await nodeClient(bench, port);
      const ended = new Promise<void>((resolve) => raw.once("end", resolve).once("close", () => resolve()));
      const client = connect({
        socket: new Stopping(raw, { bytes, writes }),
        ca: authority().cert,
        ...options,
      });
      bench.defer(() => client.destroy());
      client.on("error", () => {});
      // Others are served meanwhile.
      const other = new Recorder(bench.loop);
      const transport = await connectTls(bench, other, port);
      transport.write("hello");
      assert.equal(String(await other.receives(5)), "hello");
      await ended;
      assert.equal(server.isServing(), true);
    });
  }
});

/** Where a server stops. Its first flight, with the certificate, has some 700 bytes. */
const SERVER_STOPS: Readonly<Record<string, Limit & TlsOptions>> = {
  "before its first byte": { bytes: 0 },
  "in the header of its first record": { bytes: 3 },
  "in its ServerHello": { bytes: 60 },
  "in its certificate": { bytes: 400 },
  "after its first flight, in TLS 1.2,": { writes: 1, maxVersion: "TLSv1.2" },
};

describe("a TLS server that stops", { skip: opensslSkip }, () => {
  for (const [where, { bytes, writes, ...settings }] of Object.entries(SERVER_STOPS)) {
    leakFree(`${where} is a ConnectionAbortedError after the timeout, of both connects`, async (bench) => {
      const port = await stoppingServer(bench, { bytes, writes }, settings);
      const options = { ssl: clientContext(), sslHandshakeTimeout: HANDSHAKE_TIMEOUT };
      const recorder = new Recorder(bench.loop);
      const error = await failure(
        bench.loop.createConnection(() => recorder, "127.0.0.1", port, options),
        ConnectionAbortedError,
      );
      assert.match(error.message, /handshake/);
      assert.deepEqual(recorder.calls, []);
      await failure(openConnection("127.0.0.1", port, options), ConnectionAbortedError);
    });

    leakFree(`${where} costs whoever has a timeout of their own that timeout`, async (bench) => {
      const port = await stoppingServer(bench, { bytes, writes }, settings);
      const ssl = clientContext();
      await failure(
        timeout(0.05, () => openConnection("127.0.0.1", port, { ssl })),
        TimeoutError,
      );
      const connecting = createTask(
        bench.loop.createConnection(() => new Echo(), "127.0.0.1", port, { ssl }),
      );
      await idle();
      connecting.cancel();
      await failure(connecting, CancelledError);
    });

    leakFree(`${where} in startTls ends the connection after the timeout`, async (bench) => {
      const port = await stoppingServer(bench, { bytes, writes }, settings);
      const [, writer] = await openConnection("127.0.0.1", port);
      const upgrading = writer.startTls(clientContext(), {
        serverHostname: "localhost",
        sslHandshakeTimeout: HANDSHAKE_TIMEOUT,
      });
      await failure(upgrading, ConnectionAbortedError);
      assert.equal(writer.isClosing(), true);
      await failure(writer.waitClosed(), ConnectionAbortedError);
    });
  }

  leakFree("a client that stops in a server's startTls is given up, too", async (bench) => {
    const outcome = Promise.withResolvers<Error>();
    const handler = async (_reader: StreamReader, writer: StreamWriter) => {
      const options = { sslHandshakeTimeout: HANDSHAKE_TIMEOUT };
      outcome.resolve(await failure(writer.startTls(serverContext(), options), ConnectionAbortedError));
    };
    const server = await startServer(handler, "127.0.0.1", 0);
    bench.defer(() => server.close());
    const raw = await nodeClient(bench, portOf(server.sockets[0]!));
    raw.write(Buffer.from([22, 3, 1, 2, 0, 1]));
    assert.match((await outcome.promise).message, /handshake/);
  });
});

describe("a bit that is wrong", { skip: opensslSkip }, () => {
  /** Beyond the handshake, in what is sent after it. */
  const END = 1200;

  leakFree("in what a client sends ends its connection, and no other", async (bench) => {
    const { port, server } = await serve(bench, () => new Echo(), {
      ssl: serverContext(),
      sslHandshakeTimeout: PATIENT_TIMEOUT,
    });
    const other = new Recorder(bench.loop);
    const transport = await connectTls(bench, other, port);
    for (let at = 0; at < END; at += 17) {
      const raw = await nodeClient(bench, port);
      const closed = new Promise<void>((resolve) => raw.once("close", () => resolve()));
      const tls = connect({ socket: new Corrupting(raw, at), ca: authority().cert });
      tls.on("error", () => {});
      tls.on("secureConnect", () => tls.write(pattern(1000)));
      // Some are not noticed: where padding is, or a session's name. Then the peer ends it.
      tls.on("data", () => raw.end());
      raw.on("end", () => raw.destroy());
      await closed;
      tls.destroy();
    }
    transport.write("still there?");
    assert.equal(String(await other.receives(12)), "still there?");
    assert.equal(server.isServing(), true);
  });

  leakFree("in what a server sends is an error of the client, or nothing", async (bench) => {
    const { cert, key } = localhost();
    for (let at = 0; at < END; at += 17) {
      const tls = createTlsServer({ cert, key }, (socket) => socket.end(pattern(1000)).on("error", () => {}));
      tls.on("tlsClientError", () => {});
      const listener = createServer((raw) => tls.emit("connection", new Corrupting(raw, at)));
      listener.listen(0, "127.0.0.1");
      while (listener.address() === null) await turn();
      const recorder = new Recorder(bench.loop);
      const options = { ssl: clientContext(), sslHandshakeTimeout: PATIENT_TIMEOUT };
      const { port } = listener.address() as { port: number };
      try {
        await bench.loop.createConnection(() => recorder, "127.0.0.1", port, options);
        await recorder.called("connectionLost");
        if (recorder.lostWith === null) assert.ok(recorder.received.equals(pattern(1000)), `${at}`);
        else assert.ok(recorder.lostWith instanceof OSError, String(recorder.lostWith));
      } catch (error) {
        assert.ok(error instanceof OSError, String(error));
        assert.deepEqual(recorder.calls, []);
      }
      listener.close();
    }
  });
});

/** A server of Node's whose TLS goes silent after so many bytes; gives its port. */
async function stoppingServer({ defer }: Bench, limit: Limit, settings: TlsOptions): Promise<number> {
  const { cert, key } = localhost();
  const tls = createTlsServer({ cert, key, ...settings });
  tls.on("tlsClientError", () => {});
  const open: NodeSocket[] = [];
  const server = createServer((raw) => {
    open.push(raw);
    tls.emit("connection", new Stopping(raw, limit));
  });
  defer(() => {
    for (const raw of open) raw.destroy();
    server.close();
  });
  server.listen(0, "127.0.0.1");
  while (server.address() === null) await turn();
  return (server.address() as { port: number }).port;
}
