import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { AF_UNIX, SendfileNotAvailableError, SOCK_STREAM, Socket, socketpair } from "../../../src/index.ts";
import { failure, idle, inEachBackend, nativeSkip } from "../backends.ts";
import { Echo, pattern, Recorder, serve } from "../recorder.ts";
import { opensslSkip } from "./certificates.ts";
import { clientContext, connectTls, serverContext, serveTls, tlsRecorders } from "./support.ts";

describe("TLS on every kind of connection", { skip: opensslSkip }, () => {
  inEachBackend("unix sockets", async (bench) => {
    const directory = mkdtempSync(join(tmpdir(), "asyncio-"));
    bench.defer(() => rmSync(directory, { recursive: true }));
    const path = join(directory, "socket");
    const server = await bench.loop.createUnixServer(() => new Echo(), path, { ssl: serverContext() });
    const recorder = new Recorder(bench.loop);
    const [transport] = await bench.loop.createUnixConnection(() => recorder, path, {
      ssl: clientContext(),
      serverHostname: "localhost",
    });
    const data = pattern(1_000_000);
    transport.write(data);
    assert.ok((await recorder.receives(data.length)).equals(data));
    assert.equal(transport.getExtraInfo("peername"), path);
    transport.close();
    await recorder.called("connectionLost");
    server.close();
    await server.waitClosed();
  });

  inEachBackend(
    "sockets that were connected or accepted elsewhere",
    async (bench) => {
      const [mine, yours] = socketpair(AF_UNIX, SOCK_STREAM);
      const [left, right] = [new Recorder(bench.loop), new Recorder(bench.loop)];
      const accepting = bench.loop.connectAcceptedSocket(() => right, yours, { ssl: serverContext() });
      const connecting = bench.loop.createConnection(() => left, null, null, {
        sock: mine,
        ssl: clientContext(),
        serverHostname: "localhost",
      });
      const [[own], [other]] = await Promise.all([connecting, accepting]);
      own.write("over a socket pair");
      assert.equal((await right.receives(18)).toString(), "over a socket pair");
      other.close();
      await Promise.all([left.called("connectionLost"), right.called("connectionLost")]);
    },
    { skip: nativeSkip },
  );

  inEachBackend(
    "a listening socket that was bound elsewhere",
    async (bench) => {
      const sock = new Socket();
      sock.bind(["127.0.0.1", 0]);
      const [, port] = sock.getsockname() as [string, number];
      const server = await bench.loop.createServer(() => new Echo(), null, null, {
        sock,
        ssl: serverContext(),
      });
      bench.defer(() => server.close());
      const recorder = new Recorder(bench.loop);
      (await connectTls(bench, recorder, port)).write("x");
      await recorder.receives(1);
    },
    { skip: nativeSkip },
  );

  inEachBackend("a file is sent through TLS, but not by the kernel alone", async (bench) => {
    const directory = mkdtempSync(join(tmpdir(), "asyncio-"));
    bench.defer(() => rmSync(directory, { recursive: true }));
    const data = pattern(3_000_000);
    writeFileSync(join(directory, "file"), data);
    const file = openSync(join(directory, "file"), "r");
    const [left, right] = await tlsRecorders(bench);
    await failure(bench.loop.sendfile(left.transport, file, { fallback: false }), SendfileNotAvailableError);
    assert.equal(await bench.loop.sendfile(left.transport, file), data.length);
    assert.ok((await right.receives(data.length)).equals(data));
    closeSync(file);
  });
});

describe("many TLS connections", { skip: opensslSkip }, () => {
  inEachBackend("50 clients at once each get every byte back", async (bench) => {
    const port = await serveTls(bench, () => new Echo());
    const ssl = clientContext();
    const client = async (seed: number) => {
      const recorder = new Recorder(bench.loop);
      const transport = await connectTls(bench, recorder, port, { ssl });
      const data = pattern(seed * 1001, seed);
      transport.write(data);
      assert.ok((await recorder.receives(data.length)).equals(data));
      transport.close();
      await recorder.called("connectionLost");
      assert.equal(recorder.lostWith, null);
    };
    await Promise.all(Array.from({ length: 50 }, (_, seed) => client(seed + 1)));
  });

  inEachBackend("connections that come and go leave nothing behind", async (bench) => {
    const { port } = await serve(bench, () => new Echo(), { ssl: serverContext() });
    const ssl = clientContext();
    const client = async () => {
      const recorder = new Recorder(bench.loop);
      const [transport] = await bench.loop.createConnection(() => recorder, "127.0.0.1", port, { ssl });
      transport.write("x");
      await recorder.receives(1);
      transport.abort();
      await recorder.called("connectionLost");
    };
    const batch = async () => {
      await Promise.all(Array.from({ length: 25 }, client));
    };
    for (let i = 0; i < 4; i++) await batch();
    const before = await usage();
    for (let i = 0; i < 8; i++) await batch();
    const after = await usage();
    assert.ok(
      after.descriptors <= before.descriptors,
      `${before.descriptors}, then ${after.descriptors} fds`,
    );
    const growth = (after.heap - before.heap) / 200;
    // One connection that stays holds far more than that.
    assert.ok(growth < 5000, `${growth} bytes of heap for each connection`);
  });
});

async function usage(): Promise<{ descriptors: number; heap: number }> {
  assert.ok(globalThis.gc, "run the tests with --expose-gc");
  for (let i = 0; i < 5; i++) {
    await idle();
    globalThis.gc();
  }
  const descriptors = process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0;
  return { descriptors, heap: process.memoryUsage().heapUsed };
}
