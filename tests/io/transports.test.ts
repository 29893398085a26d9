import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { describe, test } from "node:test";
import {
  ContextVar,
  createTask,
  currentTask,
  KeyboardInterrupt,
  OSError,
  RuntimeError,
  sleep,
} from "../../src/index.ts";
import { backends, idle, inEachBackend, ipv6Skip } from "./backends.ts";
import { BufferedRecorder, Echo, pattern, portOf, Recorder, recorders, serve } from "./recorder.ts";

const MiB = 1024 * 1024;

describe("the life of a connection", () => {
  inEachBackend("connectionMade has run once when createConnection returns", async (bench) => {
    const { port } = await serve(bench, () => new Echo());
    const recorder = new Recorder(bench.loop);
    const [transport, protocol] = await bench.loop.createConnection(() => recorder, "127.0.0.1", port);
    assert.equal(protocol, recorder);
    assert.equal(transport, recorder.transport);
    assert.equal(transport.getProtocol(), recorder);
    assert.deepEqual(recorder.calls, ["connectionMade"]);
    transport.close();
    await recorder.called("connectionLost");
  });

  inEachBackend("connectionMade comes before data that was there already", async (bench) => {
    const { port } = await serve(
      bench,
      () =>
        new Recorder(bench.loop, {
          onMade: (transport) => {
            transport.write("hello");
            transport.close();
          },
        }),
    );
    const recorder = new Recorder(bench.loop);
    await bench.loop.createConnection(() => recorder, "127.0.0.1", port);
    await recorder.called("connectionLost");
    assert.deepEqual(recorder.calls, ["connectionMade", "dataReceived", "eofReceived", "connectionLost"]);
    assert.equal(recorder.received.toString(), "hello");
    assert.equal(recorder.lostWith, null);
  });

  inEachBackend("every callback runs in the loop's turn, and in no task", async (bench) => {
    const tasks: unknown[] = [];
    const note = () => tasks.push(currentTask());
    const does = { onMade: note, onData: note, onEof: () => Boolean(note()), onLost: note };
    const [left, right] = await recorders(bench, does, does);
    left.transport.write("x");
    await right.receives(1);
    left.transport.writeEof();
    await right.called("eofReceived");
    right.transport.close();
    await right.called("connectionLost");
    await left.called("eofReceived");
    left.transport.close();
    await left.called("connectionLost");
    assert.equal(tasks.length, 2 + 1 + 2 + 2);
    assert.ok(tasks.every((task) => task === null));
  });

  inEachBackend("callbacks see the context variables and the storages of who connected", async (bench) => {
    const name = new ContextVar<string>("name");
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const note = () => seen.push([name.get("none"), storage.getStore()]);
    const { port } = await serve(bench, () => new Echo());
    const recorder = new Recorder(bench.loop, { onMade: note, onData: note, onLost: note });
    await createTask(async () => {
      name.set("ada");
      await storage.run("request 1", async () => {
        await bench.loop.createConnection(() => recorder, "127.0.0.1", port);
      });
    });
    recorder.transport.write("x");
    await recorder.receives(1);
    recorder.transport.close();
    await recorder.called("connectionLost");
    assert.deepEqual(seen.slice(0, 2), [
      ["ada", "request 1"],
      ["ada", "request 1"],
    ]);
  });

  inEachBackend("close ends both sides: connectionLost comes once on each, with no error", async (bench) => {
    const [left, right] = await recorders(bench);
    left.transport.close();
    assert.deepEqual(left.calls, ["connectionMade"], "never inline");
    assert.equal(left.transport.isClosing(), true);
    left.transport.close();
    left.transport.abort();
    await left.called("connectionLost");
    await right.called("connectionLost");
    await idle();
    assert.deepEqual(left.calls, ["connectionMade", "connectionLost"]);
    assert.deepEqual(right.calls, ["connectionMade", "eofReceived", "connectionLost"]);
    assert.deepEqual([left.lostWith, right.lostWith], [null, null]);
    assert.equal(right.transport.isClosing(), true);
  });

  inEachBackend("connectionLost comes in the iteration after close", async (bench) => {
    const [left] = await recorders(bench);
    left.transport.close();
    await sleep(0);
    assert.equal(left.calls.at(-1), "connectionLost");
  });

  inEachBackend("connectionLost comes in the iteration after abort", async (bench) => {
    const [left] = await recorders(bench);
    left.transport.abort();
    assert.deepEqual(left.calls, ["connectionMade"]);
    await sleep(0);
    assert.equal(left.calls.at(-1), "connectionLost");
    assert.equal(left.lostWith, null);
  });

  inEachBackend("a transport is closed at the end of a using block", async (bench) => {
    const [left, right] = await recorders(bench);
    {
      using transport = left.transport;
      transport.write("bye");
    }
    await right.called("connectionLost");
    assert.equal(right.received.toString(), "bye");
  });

  inEachBackend("a connection that connectionMade aborts is lost without having received", async (bench) => {
    const { port } = await serve(
      bench,
      () => new Recorder(bench.loop, { onMade: (transport) => transport.write("hello") }),
    );
    const recorder = new Recorder(bench.loop, { onMade: (transport) => transport.abort() });
    const [transport] = await bench.loop.createConnection(() => recorder, "127.0.0.1", port);
    assert.equal(transport.isClosing(), true);
    await recorder.called("connectionLost");
    await idle();
    assert.deepEqual(recorder.calls, ["connectionMade", "connectionLost"]);
  });

  inEachBackend("nothing is delivered after close, however much comes in", async (bench) => {
    const [left, right] = await recorders(bench, { onData: () => left.transport.close() });
    right.transport.write(pattern(MiB));
    await left.called("connectionLost");
    await right.called("connectionLost");
    assert.deepEqual(left.calls, ["connectionMade", "dataReceived", "connectionLost"]);
  });
});

describe("what is known about a connection", () => {
  inEachBackend("the two sides agree about their addresses", async (bench) => {
    const [left, right] = await recorders(bench);
    const [mine, theirs] = [left.transport, right.transport];
    assert.deepEqual(mine.getExtraInfo("sockname"), theirs.getExtraInfo("peername"));
    assert.deepEqual(mine.getExtraInfo("peername"), theirs.getExtraInfo("sockname"));
    assert.match(String(mine.getExtraInfo("sockname")), /^127\.0\.0\.1,\d+$/);
    const socket = mine.getExtraInfo("socket")!;
    assert.deepEqual(socket.getsockname(), mine.getExtraInfo("sockname"));
    assert.deepEqual(socket.getpeername(), mine.getExtraInfo("peername"));
    assert.deepEqual([socket.family, socket.type, socket.proto], [2, 1, 6]);
    assert.equal(mine.getExtraInfo("cipher", "none"), "none");
    assert.equal(mine.getExtraInfo("cipher" as "socket"), null);
    assert.equal(mine.getExtraInfo("toString", "none"), "none");
  });

  inEachBackend(
    "IPv6 addresses have four parts",
    async (bench) => {
      const server = await bench.loop.createServer(() => new Echo(), "::1", 0);
      bench.defer(() => server.close());
      const [transport] = await bench.loop.createConnection(
        () => new Recorder(bench.loop),
        "::1",
        portOf(server.sockets[0]!),
      );
      assert.deepEqual(transport.getExtraInfo("peername"), ["::1", portOf(server.sockets[0]!), 0, 0]);
      assert.equal(transport.getExtraInfo("socket")!.family, 10);
      transport.abort();
    },
    { skip: ipv6Skip },
  );

  inEachBackend("after the end the addresses are still known, but the socket has none", async (bench) => {
    const [left] = await recorders(bench);
    const sockname = left.transport.getExtraInfo("sockname");
    const socket = left.transport.getExtraInfo("socket")!;
    left.transport.abort();
    await left.called("connectionLost");
    assert.deepEqual(left.transport.getExtraInfo("sockname"), sockname);
    assert.equal(socket.fileno(), -1);
    assert.throws(() => socket.getsockname(), { name: "OSError", code: "EBADF", errno: 9 });
  });

  inEachBackend("connectionLost can still ask the socket for its address", async (bench) => {
    let sockname: unknown = null;
    const [left] = await recorders(bench, {
      onLost: () => {
        sockname = left.transport.getExtraInfo("socket")!.getsockname();
      },
    });
    left.transport.close();
    await left.called("connectionLost");
    assert.deepEqual(sockname, left.transport.getExtraInfo("sockname"));
  });

  inEachBackend("a transport tells its state as a string", async (bench) => {
    const [left] = await recorders(bench);
    assert.match(String(left.transport), /^<SocketTransport open /);
    left.transport.close();
    await left.called("connectionLost");
    assert.match(String(left.transport), /^<SocketTransport closed /);
  });
});

describe("changing the protocol", () => {
  inEachBackend(
    "the new one gets all that follows, of either kind, and is not told of the start",
    async (bench) => {
      const second = new BufferedRecorder(bench.loop, 100);
      const third = new Recorder(bench.loop);
      const [left, right] = await recorders(bench, {}, { onData: () => right.transport.setProtocol(second) });
      second.onUpdate = () => right.transport.setProtocol(third);
      left.transport.write("one");
      await right.receives(3);
      assert.equal(right.transport.getProtocol(), second);
      left.transport.write("two");
      await second.receives(3);
      left.transport.write("three");
      left.transport.close();
      await third.called("connectionLost");
      assert.deepEqual(right.calls, ["connectionMade", "dataReceived"]);
      assert.deepEqual(second.calls, ["getBuffer", "bufferUpdated"]);
      assert.deepEqual(third.calls, ["dataReceived", "eofReceived", "connectionLost"]);
      assert.equal(third.received.toString(), "three");
    },
  );
});

describe("a protocol that throws", () => {
  for (const [method, does] of [
    ["dataReceived", "onData"],
    ["eofReceived", "onEof"],
  ] as const) {
    inEachBackend(`an error in ${method} is reported and ends the connection`, async (bench) => {
      const error = new Error("not my day");
      const [left, right] = await recorders(
        bench,
        {},
        {
          [does]: () => {
            throw error;
          },
        },
      );
      left.transport.write("x");
      left.transport.writeEof();
      await right.called("connectionLost");
      assert.equal(right.lostWith, error);
      const [report, ...others] = bench.reports.splice(0);
      assert.deepEqual(others, []);
      assert.equal(report?.message, `Fatal error: protocol.${method}() call failed.`);
      assert.deepEqual(
        [report?.exception, report?.transport, report?.protocol],
        [error, right.transport, right],
      );
      await left.called("connectionLost");
    });
  }

  inEachBackend("an OSError of the protocol's own ends the connection unreported", async (bench) => {
    const error = new OSError("ENOSPC", "the disk is full");
    const onData = () => {
      throw error;
    };
    const [left, right] = await recorders(bench, {}, { onData });
    left.transport.write("x");
    await right.called("connectionLost");
    assert.equal(right.lostWith, error);
  });

  inEachBackend("what is thrown and is no Error ends in a RuntimeError caused by it", async (bench) => {
    const onData = () => {
      throw "a string";
    };
    const [left, right] = await recorders(bench, {}, { onData });
    left.transport.write("x");
    await right.called("connectionLost");
    assert.ok(right.lostWith instanceof RuntimeError);
    assert.equal(right.lostWith.cause, "a string");
    assert.equal(bench.reports.splice(0)[0]?.exception, "a string");
  });

  inEachBackend("an error in connectionMade is reported, and the connection goes on", async (bench) => {
    const error = new Error("bad start");
    const onMade = () => {
      throw error;
    };
    const [left, right] = await recorders(bench, {}, { onMade });
    assert.equal(bench.reports.splice(0)[0]?.exception, error);
    left.transport.write("still there?");
    await right.receives(12);
  });

  inEachBackend("an error in connectionLost is reported, and the connection is gone", async (bench) => {
    const error = new Error("bad end");
    const onLost = () => {
      throw error;
    };
    const [left, right] = await recorders(bench, { onLost });
    left.transport.close();
    await right.called("connectionLost");
    assert.equal(bench.reports.splice(0)[0]?.exception, error);
  });

  for (const backend of backends) {
    test(`KeyboardInterrupt in dataReceived ends the run (${backend.name})`, {
      skip: backend.skip,
    }, async () => {
      const loop = backend.makeLoop();
      const interrupt = new KeyboardInterrupt();
      const server = await loop.runUntilComplete(
        loop.createServer(
          () =>
            new Recorder(loop, {
              onData: () => {
                throw interrupt;
              },
            }),
          "127.0.0.1",
          0,
        ),
      );
      const recorder = new Recorder(loop);
      const running = loop.runUntilComplete(async () => {
        await loop.createConnection(() => recorder, "127.0.0.1", portOf(server.sockets[0]!));
        recorder.transport.write("x");
        await recorder.called("connectionLost");
      });
      await assert.rejects(running, interrupt);
      await loop.runUntilComplete(async () => {
        server.close();
        server.abortClients();
        await server.waitClosed();
        await recorder.called("connectionLost");
        await idle();
      });
      loop.close();
    });
  }
});
