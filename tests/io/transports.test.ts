import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import type { Socket as NodeSocket } from "node:net";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  CancelledError,
  ConnectionError,
  ConnectionRefusedError,
  ConnectionResetError,
  ContextVar,
  createTask,
  currentTask,
  type EventLoop,
  gaierror,
  KeyboardInterrupt,
  OSError,
  RuntimeError,
  Socket,
  sleep,
  type Transport,
  ValueError,
} from "../../src/index.ts";
import { backends, failure, idle, inEachBackend, ipv6Skip, nativeSkip } from "./backends.ts";
import {
  BufferedRecorder,
  connected,
  Echo,
  fill,
  pattern,
  portOf,
  Recorder,
  recorders,
  serve,
  withNodeClient,
} from "./recorder.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

const pauses = { onMade: (transport: Transport) => transport.pauseReading() };
const keepsOpen = { onEof: () => true };

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

describe("writing", () => {
  inEachBackend("bytes, strings and array buffers arrive as bytes, in order", async (bench) => {
    const [left, right] = await recorders(bench);
    left.transport.write(Buffer.from("a"));
    left.transport.write(new Uint8Array([98]));
    left.transport.write("c€");
    left.transport.write(new Uint8Array([100]).buffer);
    left.transport.write(new Uint8Array([0, 101, 0]).subarray(1, 2));
    assert.equal((await right.receives(8)).toString(), "abc€de");
  });

  inEachBackend("writing nothing sends nothing", async (bench) => {
    const [left, right] = await recorders(bench);
    left.transport.write("");
    left.transport.write(new Uint8Array());
    left.transport.writelines([]);
    left.transport.writelines(["", ""]);
    left.transport.close();
    await right.called("connectionLost");
    assert.deepEqual(right.calls, ["connectionMade", "eofReceived", "connectionLost"]);
  });

  inEachBackend("writelines adds nothing between the chunks, and takes any iterable", async (bench) => {
    const [left, right] = await recorders(bench);
    left.transport.writelines(["one", Buffer.from("two"), new Uint8Array([51])]);
    left.transport.writelines(
      (function* () {
        for (let i = 0; i < 2000; i++) yield "x";
      })(),
    );
    assert.equal((await right.receives(2007)).toString(), `onetwo3${"x".repeat(2000)}`);
  });

  inEachBackend("writelines keeps to what is buffered before it", async (bench) => {
    const [left, right] = await recorders(bench, {}, pauses);
    const before = fill(left);
    left.transport.writelines(["that", "was", "all"]);
    left.transport.close();
    right.transport.resumeReading();
    await right.called("connectionLost");
    assert.ok(right.received.equals(Buffer.concat([before, Buffer.from("thatwasall")])));
  });

  inEachBackend("what is no bytes is a TypeError that shows it", async (bench) => {
    const [left] = await recorders(bench);
    for (const nonsense of [42, null, undefined, { length: 1 }, [1]]) {
      assert.throws(() => left.transport.write(nonsense as never), TypeError);
    }
    assert.throws(() => left.transport.write(42 as never), { name: "TypeError", message: /42/ });
    assert.throws(() => left.transport.writelines(["a", 42 as never]), { name: "TypeError", message: /42/ });
  });

  inEachBackend("writing never calls another callback of the protocol than pauseWriting", async (bench) => {
    const [left, right] = await recorders(bench);
    for (let i = 0; i < 10; i++) left.transport.write("x");
    assert.deepEqual(right.calls, ["connectionMade"]);
    await right.receives(10);
  });

  inEachBackend("small writes come out unchanged, whatever their sizes", async (bench) => {
    const [left, right] = await recorders(bench);
    const all = pattern(300_000);
    for (let start = 0, size = 1; start < all.length; start += size, size = (size * 7) % 4999) {
      left.transport.write(all.subarray(start, start + size));
      if (size % 5 === 0) await sleep(0);
    }
    assert.ok((await right.receives(all.length)).equals(all));
  });
});

describe("reading", () => {
  inEachBackend("one-byte segments arrive in order", async (bench) => {
    const recorder = new Recorder(bench.loop);
    const client = await withNodeClient(bench, recorder);
    const text = "every byte by itself";
    for (const byte of text) {
      client.write(byte);
      await turn();
    }
    assert.equal((await recorder.receives(text.length)).toString(), text);
    assert.ok(recorder.chunks.length > 1);
  });

  inEachBackend("received data stays as it is while more comes in", async (bench) => {
    const [left, right] = await recorders(bench);
    const all = pattern(MiB);
    const copies: Buffer[] = [];
    right.onData = (data) => copies.push(Buffer.from(data));
    left.transport.write(all);
    await right.receives(all.length);
    assert.deepEqual(right.chunks, copies);
  });

  inEachBackend("nothing is delivered while reading is paused", async (bench) => {
    const recorder = new Recorder(bench.loop);
    const client = await withNodeClient(bench, recorder);
    const { transport } = recorder;
    assert.equal(transport.isReading(), true);
    transport.pauseReading();
    transport.pauseReading();
    assert.equal(transport.isReading(), false);
    client.end("too early");
    await idle();
    assert.deepEqual(recorder.calls, ["connectionMade"], "neither the data nor the end");
    transport.resumeReading();
    transport.resumeReading();
    assert.deepEqual(recorder.calls, ["connectionMade"], "never inline");
    await recorder.called("connectionLost");
    assert.deepEqual(recorder.calls, ["connectionMade", "dataReceived", "eofReceived", "connectionLost"]);
    assert.equal(recorder.received.toString(), "too early");
  });

  inEachBackend("pausing in connectionMade holds back everything", async (bench) => {
    const recorder = new Recorder(bench.loop, pauses);
    const client = await withNodeClient(bench, recorder);
    client.end("too early");
    await idle();
    assert.deepEqual(recorder.calls, ["connectionMade"]);
    recorder.transport.resumeReading();
    await recorder.called("connectionLost");
    assert.equal(recorder.received.toString(), "too early");
  });

  inEachBackend("pausing in dataReceived holds back what was read along with it", async (bench) => {
    const recorder = new Recorder(bench.loop, { onData: () => recorder.transport.pauseReading() });
    const client = await withNodeClient(bench, recorder);
    const all = pattern(MiB);
    client.end(all);
    for (let count = 1; recorder.size < all.length; count++) {
      await recorder.receives(recorder.size + 1);
      await idle();
      assert.equal(recorder.chunks.length, count);
      recorder.transport.resumeReading();
    }
    await recorder.called("connectionLost");
    assert.ok(recorder.received.equals(all));
  });

  inEachBackend("resuming and pausing again at once delivers nothing", async (bench) => {
    const recorder = new Recorder(bench.loop, pauses);
    const client = await withNodeClient(bench, recorder);
    client.write("held");
    await idle();
    recorder.transport.resumeReading();
    recorder.transport.pauseReading();
    await idle();
    assert.deepEqual(recorder.calls, ["connectionMade"]);
    recorder.transport.resumeReading();
    await recorder.receives(4);
  });

  inEachBackend("the peer feels it when nobody reads", async (bench) => {
    const recorder = new Recorder(bench.loop, pauses);
    const client = await withNodeClient(bench, recorder);
    const total = 32 * MiB;
    let flushed = false;
    client.write(Buffer.alloc(total), () => {
      flushed = true;
    });
    await idle();
    assert.equal(flushed, false);
    recorder.onData = () => recorder.chunks.splice(0);
    recorder.transport.resumeReading();
    await recorder.receives(total);
  });

  inEachBackend("a closing transport neither reads nor pauses nor resumes", async (bench) => {
    const [left] = await recorders(bench, pauses);
    left.transport.close();
    left.transport.resumeReading();
    left.transport.pauseReading();
    assert.equal(left.transport.isReading(), false);
    await left.called("connectionLost");
    left.transport.resumeReading();
    left.transport.pauseReading();
    assert.equal(left.transport.isReading(), false);
  });
});

describe("flow control", () => {
  inEachBackend(
    "pauseWriting comes inside of write, once the buffer is above the high mark",
    async (bench) => {
      const [left, right] = await recorders(bench, {}, pauses);
      const { transport } = left;
      const [low, high] = transport.getWriteBufferLimits();
      assert.deepEqual([low, high], [16 * KiB, 64 * KiB]);
      let before = 0;
      while (!left.calls.includes("pauseWriting")) {
        before = transport.getWriteBufferSize();
        transport.write(pattern(16 * KiB));
      }
      assert.ok(before <= high);
      assert.ok(transport.getWriteBufferSize() > high);
      transport.write("more");
      right.transport.resumeReading();
      let atResume = Number.POSITIVE_INFINITY;
      left.onResume = () => {
        atResume = transport.getWriteBufferSize();
      };
      await left.called("resumeWriting");
      assert.ok(atResume <= low);
      assert.deepEqual(left.calls, ["connectionMade", "pauseWriting", "resumeWriting"]);
    },
  );

  inEachBackend("the buffer may be as large as the high mark, but not larger", async (bench) => {
    const [left] = await recorders(bench, {}, pauses);
    const { transport } = left;
    transport.setWriteBufferLimits({ high: 10 * MiB });
    while (transport.getWriteBufferSize() === 0) transport.write(pattern(64 * KiB));
    await idle();
    const size = transport.getWriteBufferSize();
    transport.setWriteBufferLimits({ high: size });
    assert.deepEqual(left.calls, ["connectionMade"]);
    transport.setWriteBufferLimits({ high: size - 1 });
    assert.deepEqual(left.calls, ["connectionMade", "pauseWriting"]);
  });

  inEachBackend("writelines minds the high mark too", async (bench) => {
    const [left] = await recorders(bench, {}, pauses);
    const chunks = Array.from({ length: 512 }, () => pattern(32 * KiB));
    left.transport.writelines(chunks);
    assert.deepEqual(left.calls, ["connectionMade", "pauseWriting"]);
  });

  inEachBackend("pauseWriting and resumeWriting strictly alternate", async (bench) => {
    const [left, right] = await recorders(bench);
    const rounds = 20;
    const chunk = pattern(128 * KiB);
    let round = 0;
    let written = 0;
    const writeUntilPaused = () => {
      const pausesBefore = count(left.calls, "pauseWriting");
      if (round++ === rounds) return;
      while (count(left.calls, "pauseWriting") === pausesBefore) {
        left.transport.write(chunk);
        written += chunk.length;
      }
    };
    left.onResume = writeUntilPaused;
    writeUntilPaused();
    while (round <= rounds) await turn();
    await right.receives(written);
    await idle();
    const flow = left.calls.filter((call) => call.endsWith("Writing"));
    assert.equal(flow.length, 2 * rounds);
    assert.ok(flow.every((call, i) => call === (i % 2 === 0 ? "pauseWriting" : "resumeWriting")));
  });

  inEachBackend("with both marks at 0, anything that stays buffered pauses", async (bench) => {
    const [left, right] = await recorders(bench, {}, pauses);
    left.transport.setWriteBufferLimits({ high: 0 });
    assert.deepEqual(left.transport.getWriteBufferLimits(), [0, 0]);
    fill(left);
    let atResume = -1;
    left.onResume = () => {
      atResume = left.transport.getWriteBufferSize();
    };
    right.transport.resumeReading();
    await left.called("resumeWriting");
    assert.equal(atResume, 0);
  });

  inEachBackend("one mark gives the other, and marks that make no sense are a ValueError", async (bench) => {
    const [left] = await recorders(bench);
    const { transport } = left;
    transport.setWriteBufferLimits({ high: 1000 });
    assert.deepEqual(transport.getWriteBufferLimits(), [250, 1000]);
    transport.setWriteBufferLimits({ low: 1000 });
    assert.deepEqual(transport.getWriteBufferLimits(), [1000, 4000]);
    for (const limits of [{ high: 1, low: 2 }, { low: -1 }, { high: -1 }, { high: Number.NaN }]) {
      assert.throws(() => transport.setWriteBufferLimits(limits), ValueError);
    }
    assert.deepEqual(transport.getWriteBufferLimits(), [1000, 4000]);
    transport.setWriteBufferLimits();
    assert.deepEqual(transport.getWriteBufferLimits(), [16 * KiB, 64 * KiB]);
  });

  inEachBackend("an error of pauseWriting is reported, and the connection goes on", async (bench) => {
    const error = new Error("no pause");
    const onPause = () => {
      throw error;
    };
    const [left, right] = await recorders(bench, { onPause }, pauses);
    const sent = fill(left);
    const [report] = bench.reports.splice(0);
    assert.equal(report?.exception, error);
    assert.match(report!.message, /protocol\.pauseWriting\(\) failed/);
    assert.equal(report!.transport, left.transport);
    assert.equal(report!.protocol, left);
    right.transport.resumeReading();
    assert.ok((await right.receives(sent.length)).equals(sent));
  });

  inEachBackend("1 MiB goes both ways at once, past slow readers", async (bench) => {
    const all = pattern(MiB);
    const slowly = (recorder: Recorder) => () => {
      recorder.transport.pauseReading();
      bench.loop.callSoon(() => recorder.transport.resumeReading());
    };
    const [left, right] = await recorders(bench);
    left.onData = slowly(left);
    right.onData = slowly(right);
    await Promise.all([writeAll(left, all), writeAll(right, all)]);
    assert.ok((await left.receives(all.length)).equals(all));
    assert.ok((await right.receives(all.length)).equals(all));
  });
});

describe("the end of what is written", () => {
  inEachBackend("close sends what is buffered first", async (bench) => {
    const [left, right] = await recorders(bench, {}, pauses);
    const sent = fill(left);
    left.transport.close();
    assert.equal(left.transport.isClosing(), true);
    await idle();
    assert.equal(left.calls.includes("connectionLost"), false);
    right.transport.resumeReading();
    await left.called("connectionLost");
    await right.called("connectionLost");
    assert.ok(right.received.equals(sent));
    assert.deepEqual([left.lostWith, right.lostWith], [null, null]);
    assert.equal(count(left.calls, "connectionLost"), 1);
  });

  inEachBackend("abort drops what is buffered", async (bench) => {
    const [left, right] = await recorders(bench, {}, pauses);
    const sent = fill(left, 8 * MiB);
    left.transport.abort();
    assert.equal(left.transport.getWriteBufferSize(), 0);
    await left.called("connectionLost");
    assert.equal(left.lostWith, null);
    right.transport.resumeReading();
    await right.called("connectionLost");
    assert.ok(right.size < sent.length);
  });

  inEachBackend("abort ends a close that waits for its buffer", async (bench) => {
    const [left] = await recorders(bench, {}, pauses);
    fill(left);
    left.transport.close();
    left.transport.abort();
    await left.called("connectionLost");
    await idle();
    assert.equal(count(left.calls, "connectionLost"), 1);
  });

  inEachBackend("writeEof lets the other side read to the end, and answer", async (bench) => {
    const answer = pattern(200 * KiB);
    const onEof = () => {
      bench.loop.callSoon(() => {
        right.transport.write(answer);
        right.transport.close();
      });
      return true;
    };
    const [left, right] = await recorders(bench, {}, { onEof });
    assert.equal(left.transport.canWriteEof(), true);
    left.transport.write("question");
    left.transport.writeEof();
    left.transport.writeEof();
    await left.called("connectionLost");
    assert.equal(right.received.toString(), "question");
    assert.ok(left.received.equals(answer));
    assert.deepEqual(right.calls, [
      "connectionMade",
      "dataReceived",
      "eofReceived",
      ...right.calls.filter((call) => call.endsWith("Writing")),
      "connectionLost",
    ]);
    assert.deepEqual([left.lostWith, right.lostWith], [null, null]);
  });

  inEachBackend("writeEof comes behind what is buffered", async (bench) => {
    const [left, right] = await recorders(bench, {}, pauses);
    const sent = fill(left);
    left.transport.writeEof();
    right.transport.resumeReading();
    await right.called("eofReceived");
    assert.ok(right.received.equals(sent));
    await left.called("connectionLost");
  });

  inEachBackend("a connection whose both sides have ended stays until it is closed", async (bench) => {
    const [left, right] = await recorders(bench, keepsOpen, keepsOpen);
    left.transport.writeEof();
    right.transport.writeEof();
    await left.called("eofReceived");
    await right.called("eofReceived");
    await idle();
    assert.deepEqual(left.calls, ["connectionMade", "eofReceived"]);
    assert.equal(left.transport.isClosing(), false);
    left.transport.close();
    right.transport.close();
    await left.called("connectionLost");
    await right.called("connectionLost");
    assert.deepEqual([left.lostWith, right.lostWith], [null, null]);
  });

  inEachBackend("an end that is not kept open closes, behind what is buffered", async (bench) => {
    const [left, right] = await recorders(bench, pauses);
    const sent = fill(right);
    left.transport.writeEof();
    await right.called("eofReceived");
    assert.equal(right.transport.isClosing(), true);
    left.transport.resumeReading();
    await right.called("connectionLost");
    await left.called("connectionLost");
    assert.ok(left.received.equals(sent));
  });

  inEachBackend("writing after writeEof is a RuntimeError", async (bench) => {
    const [left] = await recorders(bench, {}, keepsOpen);
    left.transport.writeEof();
    assert.throws(() => left.transport.write("x"), { name: "RuntimeError", message: /after writeEof/ });
    assert.throws(() => left.transport.writelines(["x"]), RuntimeError);
  });

  inEachBackend("writeEof after close does nothing", async (bench) => {
    const [left, right] = await recorders(bench);
    left.transport.close();
    left.transport.writeEof();
    await left.called("connectionLost");
    left.transport.writeEof();
    await right.called("connectionLost");
  });

  inEachBackend(
    "what is written to a lost connection is dropped, with a warning from the sixth on",
    async (bench) => {
      const [left] = await recorders(bench);
      left.transport.abort();
      const warnings = await capturingWarnings(async (seen) => {
        left.transport.write("dropped");
        await left.called("connectionLost");
        for (let i = 0; i < 3; i++) left.transport.write("dropped");
        assert.deepEqual(seen, []);
        for (let i = 0; i < 3; i++) left.transport.writelines(["dropped", "as well"]);
      });
      assert.equal(warnings.length, 3);
      assert.match(warnings[0]!, /lost connection/);
      assert.equal(left.transport.getWriteBufferSize(), 0);
    },
  );
});

describe("a connection that breaks", () => {
  inEachBackend("a reset is a ConnectionResetError, given to connectionLost alone", async (bench) => {
    const recorder = new Recorder(bench.loop);
    const client = await withNodeClient(bench, recorder);
    client.resetAndDestroy();
    await recorder.called("connectionLost");
    const { lostWith } = recorder;
    assert.ok(lostWith instanceof ConnectionResetError);
    assert.deepEqual([lostWith.code, lostWith.errno], ["ECONNRESET", 104]);
    assert.match(lostWith.syscall!, /^(read|recv)$/);
    assert.match(lostWith.message, /ECONNRESET/);
    recorder.transport.write("x");
    recorder.transport.close();
    recorder.transport.abort();
    await idle();
    assert.deepEqual(recorder.calls, ["connectionMade", "connectionLost"]);
  });

  inEachBackend("what came in before a reset is delivered before it", async (bench) => {
    const recorder = new Recorder(bench.loop, pauses);
    const client = await withNodeClient(bench, recorder);
    client.write("last words");
    await idle();
    client.resetAndDestroy();
    await idle();
    recorder.transport.resumeReading();
    await recorder.called("connectionLost");
    assert.deepEqual(recorder.calls, ["connectionMade", "dataReceived", "connectionLost"]);
    assert.ok(recorder.lostWith instanceof ConnectionResetError);
  });

  inEachBackend(
    "a reset in the middle of writing ends the connection, and what is buffered",
    async (bench) => {
      const recorder = new Recorder(bench.loop);
      const client = await withNodeClient(bench, recorder);
      fill(recorder);
      client.resetAndDestroy();
      await recorder.called("connectionLost");
      assert.ok(recorder.lostWith instanceof ConnectionError);
      assert.equal(recorder.transport.getWriteBufferSize(), 0);
      recorder.transport.write("x");
      assert.deepEqual(recorder.calls, ["connectionMade", "pauseWriting", "connectionLost"]);
    },
  );

  inEachBackend("a writer that does not read learns of a reset too", async (bench) => {
    const recorder = new Recorder(bench.loop, pauses);
    const client = await withNodeClient(bench, recorder);
    client.resetAndDestroy();
    await idle();
    while (!recorder.calls.includes("connectionLost")) {
      recorder.transport.write("anybody there?");
      await turn();
    }
    assert.ok(recorder.lostWith instanceof ConnectionError);
  });

  inEachBackend("writing to a peer that has closed ends in a ConnectionError", async (bench) => {
    const recorder = new Recorder(bench.loop, keepsOpen);
    const client = await withNodeClient(bench, recorder);
    client.destroy();
    await recorder.called("eofReceived");
    while (!recorder.calls.includes("connectionLost")) {
      recorder.transport.write("anybody there?");
      await turn();
    }
    assert.ok(recorder.lostWith instanceof ConnectionError);
    assert.deepEqual(recorder.calls, ["connectionMade", "eofReceived", "connectionLost"]);
  });

  inEachBackend("writeEof to a peer that has reset the connection does no harm", async (bench) => {
    const recorder = new Recorder(bench.loop, pauses);
    const client = await withNodeClient(bench, recorder);
    client.resetAndDestroy();
    await idle();
    recorder.transport.writeEof();
    await idle();
    recorder.transport.abort();
    await recorder.called("connectionLost");
    assert.equal(count(recorder.calls, "connectionLost"), 1);
  });
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

describe("a protocol with memory of its own", () => {
  inEachBackend("gets the bytes in its memory, and how many they are", async (bench) => {
    const left = new Recorder(bench.loop);
    const right = new BufferedRecorder(bench.loop, 64 * KiB);
    await connected(bench, left, right);
    left.transport.write("into memory");
    assert.equal((await right.receives(11)).toString(), "into memory");
    assert.deepEqual(right.calls, ["connectionMade", "getBuffer", "bufferUpdated"]);
    left.transport.close();
    await right.called("connectionLost");
    assert.equal(right.calls.at(-2), "eofReceived");
  });

  inEachBackend("gets more than fits in parts, in order", async (bench) => {
    const left = new Recorder(bench.loop);
    const right = new BufferedRecorder(bench.loop, 1000);
    await connected(bench, left, right);
    const all = pattern(100_500);
    left.transport.write(all);
    left.transport.writeEof();
    await right.called("connectionLost");
    assert.ok(right.received.equals(all));
  });

  inEachBackend("can pause between two parts", async (bench) => {
    const right = new BufferedRecorder(bench.loop, 10);
    right.onUpdate = () => right.transport.pauseReading();
    const client = await withNodeClient(bench, right);
    client.end("0123456789abcdefghij");
    await right.receives(10);
    await idle();
    assert.equal(right.received.toString(), "0123456789");
    right.transport.resumeReading();
    await right.receives(20);
    right.transport.resumeReading();
    await right.called("connectionLost");
  });

  inEachBackend("is asked for memory with no wish for its size", async (bench) => {
    const hints: number[] = [];
    const right = new BufferedRecorder(bench.loop, 10);
    right.onBuffer = (sizeHint) => {
      hints.push(sizeHint);
      return right.memory;
    };
    const client = await withNodeClient(bench, right);
    client.write("x");
    await right.receives(1);
    assert.deepEqual(hints, [-1]);
  });

  inEachBackend("may keep the connection open at the end", async (bench) => {
    const right = new BufferedRecorder(bench.loop, 10);
    right.onEof = () => true;
    const client = await withNodeClient(bench, right);
    client.end();
    await right.called("eofReceived");
    right.transport.write("later");
    right.transport.close();
    const [data] = await readingFrom(client);
    assert.equal(String(data), "later");
  });

  inEachBackend("may give no memory of size 0", async (bench) => {
    const right = new BufferedRecorder(bench.loop, 0);
    const client = await withNodeClient(bench, right);
    client.write("x");
    await right.called("connectionLost");
    assert.ok(right.lostWith instanceof RuntimeError);
    assert.match(right.lostWith.message, /empty buffer/);
    const [report] = bench.reports.splice(0);
    assert.equal(report?.message, "Fatal error: protocol.getBuffer() call failed.");
  });

  for (const [method, does] of [
    ["getBuffer", "onBuffer"],
    ["bufferUpdated", "onUpdate"],
  ] as const) {
    inEachBackend(`ends the connection with an error in ${method}`, async (bench) => {
      const error = new Error("out of memory");
      const right = new BufferedRecorder(bench.loop, 10);
      right[does] = () => {
        throw error;
      };
      const client = await withNodeClient(bench, right);
      client.write("x");
      await right.called("connectionLost");
      assert.equal(right.lostWith, error);
      const [report, ...others] = bench.reports.splice(0);
      assert.equal(report?.message, `Fatal error: protocol.${method}() call failed.`);
      assert.deepEqual(others, []);
    });
  }
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

describe("many connections", () => {
  inEachBackend("1,000 clients at once each get every byte back", async (bench) => {
    const { port } = await serve(bench, () => new Echo(), { backlog: 1000 });
    const client = async (seed: number) => {
      const recorder = new Recorder(bench.loop);
      await bench.loop.createConnection(() => recorder, "127.0.0.1", port);
      let sent = Buffer.alloc(0);
      for (let round = 1; round <= 3; round++) {
        const message = pattern((seed * round * 37) % 3000, seed);
        recorder.transport.write(message);
        sent = Buffer.concat([sent, message]);
        await recorder.receives(sent.length);
      }
      recorder.transport.close();
      await recorder.called("connectionLost");
      assert.ok(recorder.received.equals(sent));
    };
    await Promise.all(Array.from({ length: 1000 }, (_, seed) => client(seed + 1)));
  });

  inEachBackend("10,000 connections, opened and closed, leave nothing behind", async (bench) => {
    const { port } = await serve(bench, () => new Echo(), { backlog: 1000 });
    const client = async () => {
      const recorder = new Recorder(bench.loop);
      await bench.loop.createConnection(() => recorder, "127.0.0.1", port);
      recorder.transport.write("x");
      await recorder.receives(1);
      recorder.transport.abort();
      await recorder.called("connectionLost");
    };
    const batch = async () => {
      await Promise.all(Array.from({ length: 250 }, client));
    };
    for (let i = 0; i < 8; i++) await batch();
    const before = await usage();
    for (let i = 0; i < 32; i++) await batch();
    const after = await usage();
    assert.ok(
      after.descriptors <= before.descriptors,
      `${before.descriptors} fds before, ${after.descriptors} after`,
    );
    const growth = (after.heap - before.heap) / 8000;
    assert.ok(growth < 50, `${growth} bytes of heap for each connection`);
  });
});

function count(calls: readonly string[], method: string): number {
  return calls.filter((call) => call === method).length;
}

/** Write it in pieces, waiting whenever the protocol is told to pause. */
async function writeAll(recorder: Recorder, bytes: Buffer): Promise<void> {
  for (let start = 0; start < bytes.length; start += 10_000) {
    const isPaused = () => recorder.calls.findLast((call) => call.endsWith("Writing")) === "pauseWriting";
    recorder.transport.write(bytes.subarray(start, start + 10_000));
    while (isPaused()) await turn();
  }
}

/** The first data that a socket of Node's gets. */
function readingFrom(socket: NodeSocket): Promise<unknown[]> {
  socket.resume();
  return once(socket, "data");
}

/** A port at which nobody listens. */
async function freePort(loop: EventLoop): Promise<number> {
  const server = await loop.createServer(() => new Echo(), "127.0.0.1", 0, { startServing: false });
  const port = portOf(server.sockets[0]!);
  server.close();
  await server.waitClosed();
  return port;
}

async function capturingWarnings(body: (seen: string[]) => Promise<void>): Promise<string[]> {
  const { warn } = console;
  const seen: string[] = [];
  console.warn = (message: string) => seen.push(message);
  try {
    await body(seen);
  } finally {
    console.warn = warn;
  }
  return seen;
}

async function usage(): Promise<{ descriptors: number; heap: number }> {
  assert.ok(globalThis.gc, "run the tests with --expose-gc");
  for (let i = 0; i < 3; i++) {
    await idle();
    globalThis.gc();
  }
  const descriptors = existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0;
  return { descriptors, heap: process.memoryUsage().heapUsed };
}
