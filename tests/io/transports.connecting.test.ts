import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  CancelledError,
  ConnectionRefusedError,
  createTask,
  type EventLoop,
  gaierror,
  OSError,
  Socket,
  sleep,
} from "../../src/index.ts";
import { failure, idle, inEachBackend, ipv6Skip, nativeSkip } from "./backends.ts";
import { Echo, portOf, Recorder, serve } from "./recorder.ts";

describe("connecting", () => {
  inEachBackend("a closed port is a ConnectionRefusedError that names the address", async (bench) => {
    const { port, server } = await serve(bench, () => new Echo());
    server.close();
    const connecting = bench.loop.createConnection(() => new Echo(), "127.0.0.1", port);
    const error = await failure(connecting, ConnectionRefusedError);
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1.*${port}`));
    assert.deepEqual([error.code, error.errno, error.syscall], ["ECONNREFUSED", 111, "connect"]);
  });

  inEachBackend("a name that does not resolve is a gaierror that names it", async (bench) => {
    const error = await failure(
      bench.loop.createConnection(() => new Echo(), "nosuch.invalid", 80),
      gaierror,
    );
    assert.match(error.message, /nosuch\.invalid/);
  });

  inEachBackend("an empty name does not resolve", async ({ loop }) => {
    const attempts = [
      loop.createConnection(() => new Echo(), "", 9),
      loop.createConnection(() => new Echo(), "127.0.0.1", 9, { localAddr: ["", 0] }),
    ];
    for (const attempt of attempts) assert.equal((await failure(attempt, gaierror)).code, "EAI_NONAME");
  });

  inEachBackend(
    "without a host it is this machine, by either family",
    async (bench) => {
      for (const host of ["127.0.0.1", "::1"]) {
        const server = await bench.loop.createServer(() => new Echo(), host, 0);
        bench.defer(() => server.close());
        const left = new Recorder(bench.loop);
        const localAddr = [null, 0] as const;
        await bench.loop.createConnection(() => left, null, portOf(server.sockets[0]!), { localAddr });
        assert.equal(left.transport.getExtraInfo("sockname")![0], host);
        left.transport.close();
        await left.called("connectionLost");
      }
    },
    { skip: ipv6Skip },
  );

  inEachBackend("an address of another family than asked for does not resolve", async ({ loop }) => {
    await failure(
      loop.createConnection(() => new Echo(), "::1", 80, { family: 2 }),
      gaierror,
    );
  });

  inEachBackend("names are resolved", async (bench) => {
    const { port } = await serve(bench, () => new Echo());
    const recorder = new Recorder(bench.loop);
    const [transport] = await bench.loop.createConnection(() => recorder, "localhost", port, { family: 2 });
    assert.deepEqual(transport.getExtraInfo("peername"), ["127.0.0.1", port]);
    transport.abort();
  });

  inEachBackend("the local address can be chosen", async (bench) => {
    const right = new Recorder(bench.loop);
    const { port } = await serve(bench, () => right);
    const localAddr = ["127.0.0.1", await freePort(bench.loop)] as const;
    const left = new Recorder(bench.loop);
    await bench.loop.createConnection(() => left, "127.0.0.1", port, { localAddr });
    await right.called("connectionMade");
    assert.deepEqual(left.transport.getExtraInfo("sockname"), localAddr);
    assert.deepEqual(right.transport.getExtraInfo("peername"), localAddr);
    // The side that closes first keeps the port in TIME_WAIT.
    right.transport.close();
    await left.called("connectionLost");
  });

  inEachBackend("a local address that this machine does not have is an OSError", async (bench) => {
    const { port } = await serve(bench, () => new Echo());
    const error = await failure(
      bench.loop.createConnection(() => new Echo(), "127.0.0.1", port, { localAddr: ["192.0.2.1", 0] }),
      OSError,
    );
    assert.equal(error.code, "EADDRNOTAVAIL");
    assert.match(error.message, /192\.0\.2\.1/);
  });

  inEachBackend("a local address of another family is an OSError", async (bench) => {
    const { port } = await serve(bench, () => new Echo());
    const error = await failure(
      bench.loop.createConnection(() => new Echo(), "127.0.0.1", port, { localAddr: ["::1", 0] }),
      OSError,
    );
    assert.match(error.message, /no matching local address/);
  });

  inEachBackend("cancelling gives the attempt up", async (bench) => {
    const right = new Recorder(bench.loop);
    const { port } = await serve(bench, () => right);
    let made = 0;
    const factory = () => {
      made++;
      return new Echo();
    };
    const connecting = createTask(bench.loop.createConnection(factory, "127.0.0.1", port));
    await sleep(0);
    connecting.cancel();
    await failure(connecting, CancelledError);
    await right.called("connectionLost");
    assert.equal(made, 0);
  });

  inEachBackend(
    "a factory that throws ends the attempt with its error, and the connection",
    async (bench) => {
      const right = new Recorder(bench.loop);
      const { port } = await serve(bench, () => right);
      const error = new Error("no protocol today");
      const factory = (): Echo => {
        throw error;
      };
      await assert.rejects(bench.loop.createConnection(factory, "127.0.0.1", port), error);
      await right.called("connectionLost");
    },
  );

  inEachBackend(
    "a connected socket can be adopted",
    async (bench) => {
      const { port } = await serve(bench, () => new Echo());
      const sock = new Socket();
      assert.ok([0, 115].includes(sock.connectEx(["127.0.0.1", port])));
      await idle();
      const recorder = new Recorder(bench.loop);
      const [transport] = await bench.loop.createConnection(() => recorder, null, null, { sock });
      assert.deepEqual(transport.getExtraInfo("peername"), ["127.0.0.1", port]);
      transport.write("adopted");
      assert.equal((await recorder.receives(7)).toString(), "adopted");
      transport.close();
      await recorder.called("connectionLost");
    },
    { skip: nativeSkip },
  );
});

/** A port at which nobody listens. */
async function freePort(loop: EventLoop): Promise<number> {
  const server = await loop.createServer(() => new Echo(), "127.0.0.1", 0, { startServing: false });
  const port = portOf(server.sockets[0]!);
  server.close();
  await server.waitClosed();
  return port;
}
