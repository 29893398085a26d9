import assert from "node:assert/strict";
import { once } from "node:events";
import { describe } from "node:test";
import {
  AF_INET,
  AI_PASSIVE,
  CancelledError,
  ConnectionRefusedError,
  createTask,
  gaierror,
  OSError,
  RuntimeError,
  type Server,
  Socket,
  sleep,
  ValueError,
} from "../../src/index.ts";
import { type Bench, failure, idle, inEachBackend, ipv6Skip, nativeSkip } from "./backends.ts";
import { Echo, fill, nodeClient, portOf, Recorder, serve } from "./recorder.ts";

const LOCALHOST = "127.0.0.1";

/** A server whose connections are noted, and a client of it; both sides were told that they are connected. */
async function serverWithClient(
  bench: Bench,
): Promise<{ server: Server; port: number; ours: Recorder; theirs: Recorder }> {
  const ours = new Recorder(bench.loop);
  const { server, port } = await serve(bench, () => ours);
  const theirs = new Recorder(bench.loop);
  await bench.loop.createConnection(() => theirs, LOCALHOST, port);
  await ours.called("connectionMade");
  return { server, port, ours, theirs };
}

describe("a server", () => {
  inEachBackend("accepts connections when createServer returns, and knows its port", async (bench) => {
    const { server, port } = await serve(bench, () => new Echo());
    assert.ok(port > 0);
    assert.deepEqual(server.sockets[0]!.getsockname(), [LOCALHOST, port]);
    assert.equal(server.sockets.length, 1);
    assert.equal(server.isServing(), true);
    assert.equal(server.getLoop(), bench.loop);
    const client = new Recorder(bench.loop);
    await bench.loop.createConnection(() => client, LOCALHOST, port);
    client.transport.write("hello");
    assert.equal((await client.receives(5)).toString(), "hello");
  });

  inEachBackend("makes a protocol for each connection", async (bench) => {
    const made: Recorder[] = [];
    const factory = () => {
      const recorder = new Recorder(bench.loop);
      made.push(recorder);
      return recorder;
    };
    const { port } = await serve(bench, factory);
    const clients = [await nodeClient(bench, port), await nodeClient(bench, port)];
    for (const client of clients) client.write("x");
    while (made.length < 2) await sleep(0);
    await Promise.all(made.map((recorder) => recorder.receives(1)));
    assert.deepEqual(
      made.map(({ transport }) => transport.getExtraInfo("peername")).sort(),
      clients.map((client) => [client.localAddress, client.localPort]).sort(),
    );
  });

  inEachBackend("made without serving calls no factory before startServing", async (bench) => {
    let made = 0;
    const factory = () => {
      made++;
      return new Echo();
    };
    const { server, port } = await serve(bench, factory, { startServing: false });
    assert.equal(server.isServing(), false);
    assert.ok(port > 0);
    await idle();
    await server.startServing();
    await server.startServing();
    assert.equal(server.isServing(), true);
    assert.equal(made, 0);
    await nodeClient(bench, port);
    while (made === 0) await sleep(0);
  });

  inEachBackend("made without serving can be closed", async (bench) => {
    const server = await bench.loop.createServer(() => new Echo(), LOCALHOST, 0, { startServing: false });
    server.close();
    await server.waitClosed();
    await failure(server.startServing(), RuntimeError);
  });

  inEachBackend(
    "survives a factory that throws: the connection is dropped, the next one served",
    async (bench) => {
      const error = new Error("no protocol today");
      const ours = new Recorder(bench.loop);
      let calls = 0;
      const { port } = await serve(bench, () => {
        if (calls++ === 0) throw error;
        return ours;
      });
      const unlucky = await nodeClient(bench, port);
      unlucky.resume();
      await once(unlucky, "end");
      const [report] = bench.reports.splice(0);
      assert.equal(report?.exception, error);
      assert.equal(report?.message, "Error on transport creation for incoming connection");
      await nodeClient(bench, port);
      await ours.called("connectionMade");
    },
  );

  inEachBackend("may be closed by a protocol that it has just made", async (bench) => {
    const ours = new Recorder(bench.loop, { onMade: () => server.close() });
    const { server, port } = await serve(bench, () => ours);
    const client = await nodeClient(bench, port);
    client.write("served all the same");
    await ours.receives(19);
    assert.equal(server.isServing(), false);
  });

  inEachBackend("has more connections than its backlog holds", async (bench) => {
    let made = 0;
    const onMade = () => {
      made++;
    };
    const { port } = await serve(bench, () => new Recorder(bench.loop, { onMade }), { backlog: 5 });
    for (let count = 1; count <= 20; count++) {
      await nodeClient(bench, port);
      while (made < count) await sleep(0);
    }
  });
});

describe("where a server listens", () => {
  inEachBackend(
    "several hosts give several sockets",
    async (bench) => {
      const server = await bench.loop.createServer(() => new Echo(), [LOCALHOST, "::1"], 0);
      bench.defer(() => server.close());
      const hosts = server.sockets.map((socket) => socket.getsockname()[0]);
      assert.deepEqual(hosts.sort(), [LOCALHOST, "::1"]);
      for (const socket of server.sockets) {
        const client = new Recorder(bench.loop);
        await bench.loop.createConnection(() => client, String(socket.getsockname()[0]), portOf(socket));
        client.transport.write("x");
        await client.receives(1);
        client.transport.abort();
      }
    },
    { skip: ipv6Skip },
  );

  inEachBackend("a host that is named twice is one socket", async (bench) => {
    const server = await bench.loop.createServer(() => new Echo(), [LOCALHOST, LOCALHOST, "localhost"], 0, {
      family: 2,
    });
    bench.defer(() => server.close());
    assert.equal(server.sockets.length, 1);
  });

  for (const host of [null, ""]) {
    inEachBackend(
      `${host === null ? "null" : "an empty name"} is all interfaces, of both families`,
      async (bench) => {
        const server = await bench.loop.createServer(() => new Echo(), host, 0);
        bench.defer(() => server.close());
        assert.deepEqual(server.sockets.map((socket) => socket.getsockname()[0]).sort(), ["0.0.0.0", "::"]);
      },
      { skip: ipv6Skip },
    );
  }

  inEachBackend(
    "both families can have the same port",
    async (bench) => {
      const four = await bench.loop.createServer(() => new Echo(), "0.0.0.0", 0);
      bench.defer(() => four.close());
      const six = await bench.loop.createServer(() => new Echo(), "::", portOf(four.sockets[0]!));
      bench.defer(() => six.close());
    },
    { skip: ipv6Skip },
  );

  inEachBackend("a family restricts it", async (bench) => {
    const server = await bench.loop.createServer(() => new Echo(), null, 0, { family: 2 });
    bench.defer(() => server.close());
    assert.deepEqual(
      server.sockets.map((socket) => socket.getsockname()[0]),
      ["0.0.0.0"],
    );
  });

  inEachBackend("a port in use is an OSError that names the address", async (bench) => {
    const { port } = await serve(bench, () => new Echo());
    const error = await failure(
      bench.loop.createServer(() => new Echo(), LOCALHOST, port),
      OSError,
    );
    assert.deepEqual([error.code, error.errno], ["EADDRINUSE", 98]);
    assert.match(error.message, /^error while attempting to bind on address /);
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1.*${port}.*address already in use`, "i"));
  });

  inEachBackend("an address that this machine does not have is an OSError", async (bench) => {
    const error = await failure(
      bench.loop.createServer(() => new Echo(), "192.0.2.1", 0),
      OSError,
    );
    assert.equal(error.code, "EADDRNOTAVAIL");
    assert.match(error.message, /192\.0\.2\.1/);
  });

  inEachBackend("of several hosts those that this machine does not have are left out", async (bench) => {
    const server = await bench.loop.createServer(() => new Echo(), ["192.0.2.1", LOCALHOST], 0);
    bench.defer(() => server.close());
    assert.deepEqual(
      server.sockets.map((socket) => socket.getsockname()[0]),
      [LOCALHOST],
    );
  });

  inEachBackend("a name that does not resolve is a gaierror", async ({ loop }) => {
    const error = await failure(
      loop.createServer(() => new Echo(), "nosuch.invalid", 0),
      gaierror,
    );
    assert.match(error.message, /nosuch\.invalid/);
  });

  inEachBackend(
    "if one host fails, none stays bound",
    async (bench) => {
      const taken = await bench.loop.createServer(() => new Echo(), "::1", 0);
      bench.defer(() => taken.close());
      const port = portOf(taken.sockets[0]!);
      await failure(
        bench.loop.createServer(() => new Echo(), [LOCALHOST, "::1"], port),
        OSError,
      );
      const server = await bench.loop.createServer(() => new Echo(), LOCALHOST, port);
      server.close();
    },
    { skip: ipv6Skip },
  );

  inEachBackend("no host at all is an OSError, and an empty name a gaierror", async ({ loop }) => {
    await failure(
      loop.createServer(() => new Echo(), [], 0),
      OSError,
    );
    const error = await failure(
      loop.createServer(() => new Echo(), [LOCALHOST, ""], 0),
      gaierror,
    );
    assert.equal(error.code, "EAI_NONAME");
  });

  inEachBackend("null is any address, or without AI_PASSIVE the loopback address", async ({ loop }) => {
    for (const [flags, host] of [[AI_PASSIVE, "0.0.0.0"] as const, [0, LOCALHOST] as const]) {
      const server = await loop.createServer(() => new Echo(), null, 0, { family: AF_INET, flags });
      assert.deepEqual(
        server.sockets.map((socket) => socket.getsockname()[0]),
        [host],
      );
      server.close();
    }
  });

  inEachBackend("what is no host is a TypeError, and no host and no port a ValueError", async ({ loop }) => {
    for (const host of [5, {}, [5], Buffer.from(LOCALHOST)]) {
      assert.throws(() => loop.createServer(() => new Echo(), host as never, 0), TypeError);
    }
    assert.throws(() => loop.createServer(() => new Echo()), ValueError);
    assert.throws(() => loop.createServer(() => new Echo(), null, null, { sock: null }), ValueError);
  });

  inEachBackend("the list of its sockets is the caller's", async (bench) => {
    const { server } = await serve(bench, () => new Echo());
    (server.sockets as unknown[]).pop();
    assert.equal(server.sockets.length, 1);
  });

  inEachBackend("reusePort lets several servers have one port", async (bench) => {
    const one = await bench.loop.createServer(() => new Echo(), LOCALHOST, 0, { reusePort: true });
    bench.defer(() => one.close());
    const port = portOf(one.sockets[0]!);
    const other = await bench.loop.createServer(() => new Echo(), LOCALHOST, port, { reusePort: true });
    bench.defer(() => other.close());
  });

  inEachBackend(
    "a bound socket can be used",
    async (bench) => {
      const sock = new Socket();
      sock.bind([LOCALHOST, 0]);
      const port = portOf(sock);
      const server = await bench.loop.createServer(() => new Echo(), null, null, { sock });
      assert.deepEqual(server.sockets[0]!.getsockname(), [LOCALHOST, port]);
      const client = new Recorder(bench.loop);
      await bench.loop.createConnection(() => client, LOCALHOST, port);
      client.transport.write("x");
      await client.receives(1);
      client.transport.close();
      await client.called("connectionLost");
      server.close();
      await server.waitClosed();
      await failure(
        bench.loop.createConnection(() => new Echo(), LOCALHOST, port),
        ConnectionRefusedError,
      );
    },
    { skip: nativeSkip },
  );

  inEachBackend("a port out of range is a ValueError", async ({ loop }) => {
    for (const port of [-1, 65536, 1.5]) {
      assert.throws(() => loop.createServer(() => new Echo(), LOCALHOST, port), ValueError);
    }
  });
});

describe("closing a server", () => {
  inEachBackend("ends listening at once, and keeps the connections", async (bench) => {
    const { server, port, ours, theirs } = await serverWithClient(bench);
    server.close();
    server.close();
    assert.equal(server.isServing(), false);
    assert.deepEqual(server.sockets, []);
    await failure(
      bench.loop.createConnection(() => new Echo(), LOCALHOST, port),
      ConnectionRefusedError,
    );
    theirs.transport.write("still there?");
    await ours.receives(12);
    ours.transport.write("yes");
    await theirs.receives(3);
  });

  inEachBackend("frees the port", async (bench) => {
    const { server, port } = await serve(bench, () => new Echo());
    server.close();
    const next = await bench.loop.createServer(() => new Echo(), LOCALHOST, port);
    next.close();
  });

  inEachBackend("is final: it cannot serve again", async (bench) => {
    const { server } = await serve(bench, () => new Echo());
    server.close();
    await failure(server.startServing(), RuntimeError);
    await failure(server.serveForever(), RuntimeError);
  });

  inEachBackend("waitClosed waits for the last connection", async (bench) => {
    const { server, ours, theirs } = await serverWithClient(bench);
    const waiting = createTask(server.waitClosed());
    await idle();
    assert.equal(waiting.done(), false, "it is open");
    server.close();
    await idle();
    assert.equal(waiting.done(), false, "there is a client");
    theirs.transport.close();
    await waiting;
    assert.equal(ours.calls.at(-1), "connectionLost");
    await server.waitClosed();
  });

  inEachBackend("waitClosed waits for close, when the last connection is gone before", async (bench) => {
    const { server, ours, theirs } = await serverWithClient(bench);
    const waiting = createTask(server.waitClosed());
    theirs.transport.close();
    await ours.called("connectionLost");
    await idle();
    assert.equal(waiting.done(), false);
    server.close();
    await waiting;
  });

  inEachBackend("waitClosed also ends when connectionLost throws", async (bench) => {
    const { server, ours, theirs } = await serverWithClient(bench);
    ours.onLost = () => {
      throw new Error("bad end");
    };
    server.close();
    theirs.transport.close();
    await server.waitClosed();
    assert.equal(bench.reports.splice(0).length, 1);
  });

  inEachBackend("a cancelled waitClosed changes nothing", async (bench) => {
    const { server, theirs } = await serverWithClient(bench);
    const waiting = createTask(server.waitClosed());
    await sleep(0);
    waiting.cancel();
    await failure(waiting, CancelledError);
    assert.equal(server.isServing(), true);
    server.close();
    theirs.transport.close();
    await server.waitClosed();
  });

  inEachBackend("closeClients sends what is buffered first", async (bench) => {
    const { server, ours, theirs } = await serverWithClient(bench);
    theirs.transport.pauseReading();
    const sent = fill(ours);
    server.closeClients();
    assert.equal(ours.transport.isClosing(), true);
    assert.equal(server.isServing(), true);
    theirs.transport.resumeReading();
    await theirs.called("connectionLost");
    assert.ok(theirs.received.equals(sent));
  });

  inEachBackend("abortClients drops what is buffered", async (bench) => {
    const { server, ours, theirs } = await serverWithClient(bench);
    theirs.transport.pauseReading();
    fill(ours);
    server.close();
    server.abortClients();
    await server.waitClosed();
    assert.equal(ours.lostWith, null);
    assert.equal(ours.transport.getWriteBufferSize(), 0);
    theirs.transport.abort();
    await theirs.called("connectionLost");
  });

  inEachBackend(
    "comes at the end of an await using block, with a wait for the last connection",
    async (bench) => {
      const ours = new Recorder(bench.loop);
      let closed: Server;
      {
        await using server = await bench.loop.createServer(() => ours, LOCALHOST, 0);
        closed = server;
        const theirs = new Recorder(bench.loop);
        await bench.loop.createConnection(() => theirs, LOCALHOST, portOf(server.sockets[0]!));
        theirs.transport.close();
        await ours.called("connectionMade");
      }
      assert.equal(closed.isServing(), false);
      assert.equal(ours.calls.at(-1), "connectionLost");
    },
  );
});

describe("serving for ever", () => {
  inEachBackend("ends by cancelling, which closes the server", async (bench) => {
    const { server } = await serve(bench, () => new Echo(), { startServing: false });
    const serving = createTask(server.serveForever());
    await sleep(0);
    assert.equal(server.isServing(), true);
    serving.cancel();
    await failure(serving, CancelledError);
    assert.equal(server.isServing(), false);
    assert.deepEqual(server.sockets, []);
  });

  inEachBackend("closes the connections, and ends after the last one", async (bench) => {
    const { server, ours, theirs } = await serverWithClient(bench);
    theirs.transport.pauseReading();
    const sent = fill(ours);
    const serving = createTask(server.serveForever());
    await sleep(0);
    serving.cancel();
    await idle();
    assert.equal(serving.done(), false, "something is left to send");
    theirs.transport.resumeReading();
    await failure(serving, CancelledError);
    assert.equal(ours.calls.at(-1), "connectionLost");
    await theirs.called("connectionLost");
    assert.ok(theirs.received.equals(sent));
  });

  inEachBackend("ends with a CancelledError when somebody closes the server", async (bench) => {
    const { server } = await serve(bench, () => new Echo());
    const serving = createTask(server.serveForever());
    await sleep(0);
    server.close();
    await failure(serving, CancelledError);
    assert.equal(serving.cancelled(), true);
  });

  inEachBackend("is for one at a time", async (bench) => {
    const { server } = await serve(bench, () => new Echo());
    const serving = createTask(server.serveForever());
    await sleep(0);
    const error = await failure(server.serveForever(), RuntimeError);
    assert.match(error.message, /already being awaited/);
    serving.cancel();
    await failure(serving, CancelledError);
  });
});
