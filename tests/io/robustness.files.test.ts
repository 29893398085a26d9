/** A process that may open no more files: what needs one fails with the system's error, loses nothing, and works later. */

import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { AF_INET, AF_UNIX, OSError, Socket } from "../../src/index.ts";
import { type Bench, failure, idle, inEachBackend, nativeSkip } from "./backends.ts";
import { leavingNoFile } from "./carriers.ts";
import { foreign } from "./pipes-support.ts";
import { Echo, Recorder, serve } from "./recorder.ts";
import { opensslSkip } from "./tls/certificates.ts";
import { clientContext, serverContext } from "./tls/support.ts";
import { serveUnix } from "./unix-support.ts";

const RLIMIT_NOFILE = 7;

/** Have nobody open a file, until the function that it gives is called. */
function noMoreFiles({ defer }: Bench): () => void {
  const limits = new BigUint64Array(2);
  foreign("int getrlimit(int, void *)")(RLIMIT_NOFILE, limits);
  const setLimits = foreign("int setrlimit(int, void *)");
  const restore = () => assert.equal(setLimits(RLIMIT_NOFILE, limits), 0);
  defer(restore);
  assert.equal(setLimits(RLIMIT_NOFILE, BigUint64Array.of(0n, limits[1]!)), 0);
  return restore;
}

function leakFree(name: string, body: (bench: Bench) => Promise<void>, skip: string | false = false): void {
  inEachBackend(name, (bench) => leavingNoFile(bench, body), { skip: nativeSkip || skip, timeout: 30_000 });
}

async function assertAnswers({ loop }: Bench, connect: (recorder: Recorder) => PromiseLike<unknown>) {
  const recorder = new Recorder(loop);
  await connect(recorder);
  recorder.transport.write("hello");
  assert.equal(String(await recorder.receives(5)), "hello");
  recorder.transport.close();
  await recorder.called("connectionLost");
}

leakFree("connecting is an OSError, and works again later", async (bench) => {
  const { loop } = bench;
  const { port } = await serve(bench, () => new Echo());
  const { path } = await serveUnix(bench, () => new Echo());
  const waysToConnect = [
    (recorder: Recorder) => loop.createConnection(() => recorder, "127.0.0.1", port),
    (recorder: Recorder) => loop.createUnixConnection(() => recorder, path),
  ];
  const restore = noMoreFiles(bench);
  for (const connect of waysToConnect) {
    for (let i = 0; i < 3; i++) {
      const recorder = new Recorder(loop);
      assert.equal((await failure(connect(recorder), OSError)).code, "EMFILE");
      assert.deepEqual(recorder.calls, []);
    }
  }
  restore();
  for (const connect of waysToConnect) await assertAnswers(bench, connect);
});

leakFree(
  "connecting with TLS is an OSError, and works again later",
  async (bench) => {
    const { port } = await serve(bench, () => new Echo(), { ssl: serverContext() });
    const ssl = clientContext();
    const connect = (recorder: Recorder) =>
      bench.loop.createConnection(() => recorder, "127.0.0.1", port, { ssl });
    const restore = noMoreFiles(bench);
    assert.equal((await failure(connect(new Recorder(bench.loop)), OSError)).code, "EMFILE");
    restore();
    await assertAnswers(bench, connect);
  },
  opensslSkip,
);

leakFree("making a server is an OSError, and works again later", async (bench) => {
  const restore = noMoreFiles(bench);
  const making = bench.loop.createServer(() => new Echo(), "127.0.0.1", 0);
  assert.equal((await failure(making, OSError)).code, "EMFILE");
  restore();
  const { port } = await serve(bench, () => new Echo());
  await assertAnswers(bench, (recorder) => bench.loop.createConnection(() => recorder, "127.0.0.1", port));
});

for (const family of [AF_INET, AF_UNIX]) {
  const name = family === AF_INET ? "TCP" : "unix";

  leakFree(
    `a connection that waits for a ${name} server keeps what it has sent, or is told`,
    async (bench) => {
      const { loop, backend, reports } = bench;
      const address =
        family === AF_INET ? await tcpServer(bench) : (await serveUnix(bench, () => new Echo())).path;
      using client = new Socket(family);
      client.connectEx(address);
      const restore = noMoreFiles(bench);
      while (!trySend(client)) await turn();
      await idle();
      if (backend === "native") {
        const [report] = reports.splice(0);
        assert.equal(report?.message, "socket.accept() out of system resource");
        await idle();
        // It does not try again and again.
        assert.deepEqual(reports, []);
        restore();
        assert.equal(await received(client), "hello");
      } else {
        // Node hangs up on whoever waits, if it has a file in reserve.
        restore();
        assert.match(await received(client), /^(hello)?$/);
      }
      await assertAnswers(bench, (recorder) =>
        typeof address === "string"
          ? loop.createUnixConnection(() => recorder, address)
          : loop.createConnection(() => recorder, ...address),
      );
    },
  );
}

async function tcpServer(bench: Bench): Promise<[string, number]> {
  const { port } = await serve(bench, () => new Echo());
  return ["127.0.0.1", port];
}

function trySend(client: Socket): boolean {
  try {
    return client.send("hello") === 5;
  } catch {
    return false;
  }
}

/** What the client gets first; nothing, if it is hung up on. */
async function received(client: Socket): Promise<string> {
  for (;;) {
    await turn();
    try {
      return String(client.recv(100));
    } catch (error) {
      if ((error as { code?: string }).code === "ECONNRESET") return "";
    }
  }
}
