import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  type Address,
  AF_INET,
  AF_UNIX,
  type DatagramTransport,
  EventLoop,
  type ExceptionContext,
  OSError,
  SO_SNDBUF,
  SOCK_DGRAM,
  SOL_SOCKET,
  Socket,
  socketpair,
  timeout,
} from "../../../src/index.ts";
import { type Bench, failure, idle } from "../backends.ts";
import { DatagramRecorder, endpoint } from "../datagram-recorder.ts";
import { openFiles, skip } from "./support.ts";

/** Knows how many callbacks were queued. */
class CountingLoop extends EventLoop {
  enqueued = 0;

  override enqueue(runnable: Parameters<EventLoop["enqueue"]>[0]): void {
    this.enqueued++;
    super.enqueue(runnable);
  }
}

interface NativeBench extends Bench {
  readonly loop: CountingLoop;
  readonly directory: string;
}

/** Register a test on the native backend, with a directory for its sockets. */
function onNative(name: string, body: (bench: NativeBench) => Promise<void>): void {
  test(name, { skip }, async () => {
    const loop = new CountingLoop({ backend: "native" });
    const directory = mkdtempSync(join(tmpdir(), "datagrams-"));
    const cleanUps: (() => unknown)[] = [];
    const defer = (cleanUp: () => unknown) => cleanUps.push(cleanUp);
    const bench = { loop, backend: loop.backend, reports: [], defer, directory };
    try {
      await loop.runUntilComplete(async () => {
        await timeout(30, () => body(bench));
        while (cleanUps.length > 0) await cleanUps.pop()!();
      });
    } finally {
      loop.close();
      rmSync(directory, { recursive: true });
    }
  });
}

/** A recorder on one end of a pair of unix sockets, the other end of which nobody reads, and what it took to fill it. */
async function filled(bench: Bench): Promise<{ recorder: DatagramRecorder; peer: Socket; sent: string[] }> {
  const [sock, peer] = socketpair(AF_UNIX, SOCK_DGRAM);
  bench.defer(() => peer.close());
  const recorder = await endpoint(bench, { sock });
  const sent: string[] = [];
  while (recorder.transport.getWriteBufferSize() === 0) {
    sent.push(`datagram ${sent.length}`);
    recorder.transport.sendto(sent.at(-1)!);
  }
  return { recorder, peer, sent };
}

/** All that is to be read now. */
function drain(peer: Socket): string[] {
  const got: string[] = [];
  try {
    for (;;) got.push(peer.recv(1000).toString());
  } catch (error) {
    if ((error as OSError).code !== "EAGAIN") throw error;
  }
  return got;
}

/** Read until `count` datagrams came. */
async function readAll(loop: EventLoop, peer: Socket, count: number): Promise<string[]> {
  const got: string[] = [];
  const done = loop.createFuture<void>();
  loop.addReader(peer, () => {
    got.push(...drain(peer));
    if (got.length >= count && !done.done()) done.setResult(undefined);
  });
  await done;
  loop.removeReader(peer);
  return got;
}

onNative(
  "what the kernel does not take waits, in its order, and each datagram counts 8 bytes more",
  async (bench) => {
    const { recorder, peer, sent } = await filled(bench);
    const { transport } = recorder;
    assert.equal(transport.getWriteBufferSize(), sent.at(-1)!.length + 8);
    // There is room again, but nothing overtakes what waits.
    const first = peer.recv(1000).toString();
    for (const text of ["", "", "end"]) {
      transport.sendto(text);
      sent.push(text);
    }
    assert.equal(transport.getWriteBufferSize(), sent.at(-4)!.length + 3 + 4 * 8);
    assert.deepEqual([first, ...(await readAll(bench.loop, peer, sent.length - 1))], sent);
    assert.equal(transport.getWriteBufferSize(), 0);
    const before = bench.loop.enqueued;
    await idle();
    assert.ok(bench.loop.enqueued - before < 10, "the loop goes on asking whether it can write");
    transport.sendto("once more");
    assert.deepEqual(drain(peer), ["once more"]);
  },
);

onNative("writing pauses above the high mark, and goes on at the low mark, once each", async (bench) => {
  const { recorder, peer, sent } = await filled(bench);
  const { transport } = recorder;
  transport.setWriteBufferLimits({ high: transport.getWriteBufferSize() });
  transport.setWriteBufferLimits({ high: 100, low: 50 });
  assert.deepEqual(recorder.calls, ["connectionMade"]);
  for (let i = 0; i < 20; i++) {
    transport.sendto("123456789012");
    sent.push("123456789012");
  }
  assert.deepEqual(recorder.calls, ["connectionMade", "pauseWriting"]);
  await readAll(bench.loop, peer, sent.length);
  assert.deepEqual(recorder.calls, ["connectionMade", "pauseWriting", "resumeWriting"]);
});

onNative("empty datagrams fill the buffer, too", async (bench) => {
  const { recorder } = await filled(bench);
  recorder.transport.setWriteBufferLimits({ high: 1000 });
  for (let i = 0; i < 125; i++) recorder.transport.sendto("");
  assert.deepEqual(recorder.calls, ["connectionMade", "pauseWriting"]);
});

onNative("a failing pauseWriting is reported, and the endpoint goes on", async (bench) => {
  const { recorder, peer, sent } = await filled(bench);
  const reports: unknown[] = [];
  bench.loop.setExceptionHandler((_loop, { message }) => reports.push(message));
  recorder.onPause = () => {
    throw new Error("no");
  };
  recorder.transport.setWriteBufferLimits({ high: 0 });
  assert.deepEqual(reports, ["protocol.pauseWriting() failed"]);
  assert.deepEqual(await readAll(bench.loop, peer, sent.length), sent);
});

onNative("the memory of a datagram that waits can be used again", async (bench) => {
  const { recorder, peer, sent } = await filled(bench);
  const memory = Buffer.from("abc");
  recorder.transport.sendto(memory);
  memory.fill("x");
  assert.deepEqual(await readAll(bench.loop, peer, sent.length + 1), [...sent, "abc"]);
});

onNative("close sends what waits first; abort drops it", async (bench) => {
  const closed = await filled(bench);
  closed.recorder.transport.close();
  assert.equal(closed.recorder.transport.getWriteBufferSize(), closed.sent.at(-1)!.length + 8);
  assert.deepEqual(await readAll(bench.loop, closed.peer, closed.sent.length), closed.sent);
  await closed.recorder.called("connectionLost");

  const aborted = await filled(bench);
  aborted.recorder.transport.abort();
  assert.equal(aborted.recorder.transport.getWriteBufferSize(), 0);
  await aborted.recorder.called("connectionLost");
  assert.deepEqual(drain(aborted.peer), aborted.sent.slice(0, -1));
});

onNative("datagrams that are refused while they wait do not keep others from being sent", async (bench) => {
  const { recorder, peer, sent } = await filled(bench);
  const { transport } = recorder;
  const order: string[] = [];
  recorder.onError = (error) => {
    order.push((error as OSError).code);
    bench.loop.callSoon(() => order.push("next iteration"));
  };
  const size = transport.getExtraInfo("socket")!.getsockopt(SOL_SOCKET, SO_SNDBUF);
  for (const data of [Buffer.alloc(size), Buffer.alloc(size), "last"]) transport.sendto(data);
  assert.deepEqual(await readAll(bench.loop, peer, sent.length + 1), [...sent, "last"]);
  assert.deepEqual(order, ["EMSGSIZE", "next iteration", "EMSGSIZE", "next iteration"]);
  assert.equal(transport.getWriteBufferSize(), 0);
});

onNative("a peer that goes away while datagrams wait is an error for the protocol", async (bench) => {
  const { recorder, peer } = await filled(bench);
  peer.close();
  await recorder.called("errorReceived");
  assert.ok(recorder.errors[0] instanceof OSError);
  recorder.transport.close();
  await recorder.called("connectionLost");
});

onNative("an endpoint closed in connectionMade receives nothing while it sends what waits", async (bench) => {
  const [sock, peer] = socketpair(AF_UNIX, SOCK_DGRAM);
  bench.defer(() => peer.close());
  peer.send("too late");
  let sent = 0;
  const onMade = (transport: DatagramTransport) => {
    for (; transport.getWriteBufferSize() === 0; sent++) transport.sendto("x");
    transport.close();
  };
  const recorder = await endpoint(bench, { sock }, { onMade });
  await readAll(bench.loop, peer, sent);
  await recorder.called("connectionLost");
  assert.deepEqual(recorder.calls, ["connectionMade", "connectionLost"]);
});

onNative(
  "unix: datagrams between paths, with their senders; null is the sender without one",
  async (bench) => {
    const paths = { server: join(bench.directory, "server"), client: join(bench.directory, "client") };
    const server = await endpoint(bench, { localAddr: paths.server, family: AF_UNIX });
    const client = await endpoint(bench, {
      localAddr: paths.client,
      remoteAddr: paths.server,
      family: AF_UNIX,
    });
    assert.equal(client.transport.getExtraInfo("peername"), paths.server);
    client.transport.sendto("hello");
    await server.receives(1);
    server.transport.sendto("", server.datagrams[0]![1]);
    assert.deepEqual(await client.receives(1), [""]);
    const nobody = await endpoint(bench, { family: AF_UNIX });
    nobody.transport.sendto("anonymous", paths.server);
    await server.receives(2);
    assert.deepEqual(server.datagrams, [
      ["hello", paths.client],
      ["anonymous", null],
    ]);
  },
);

onNative("unix: a name in the abstract namespace", async (bench) => {
  const name = `\0${bench.directory}`;
  const server = await endpoint(bench, { localAddr: name, family: AF_UNIX });
  assert.equal(server.address, name);
  const client = await endpoint(bench, { remoteAddr: name, family: AF_UNIX });
  client.transport.sendto("x");
  assert.deepEqual(await server.receives(1), ["x"]);
});

onNative("unix: a datagram can be longer than any of UDP", async (bench) => {
  const [sock, peer] = socketpair(AF_UNIX, SOCK_DGRAM);
  bench.defer(() => peer.close());
  const recorder = await endpoint(bench, { sock });
  const long = Buffer.alloc(150_000, "long");
  peer.send(long);
  await recorder.receives(1);
  assert.ok(recorder.data[0]!.equals(long));
});

onNative("unix: a stale socket is removed, another file is not", async (bench) => {
  const path = join(bench.directory, "socket");
  {
    using stale = new Socket(AF_UNIX, SOCK_DGRAM);
    stale.bind(path);
  }
  assert.ok(existsSync(path));
  await endpoint(bench, { localAddr: path, family: AF_UNIX });
  const file = join(bench.directory, "file");
  writeFileSync(file, "precious");
  const before = openFiles();
  const make = bench.loop.createDatagramEndpoint(() => new DatagramRecorder(bench.loop), {
    localAddr: file,
    family: AF_UNIX,
  });
  const error = await failure(make, OSError);
  assert.equal(error.code, "EADDRINUSE");
  assert.equal(openFiles(), before);
  assert.ok(existsSync(file));
});

onNative("unix: nobody there, and nobody any more", async (bench) => {
  const path = join(bench.directory, "socket");
  const remote = { remoteAddr: path, family: AF_UNIX };
  const make = () => bench.loop.createDatagramEndpoint(() => new DatagramRecorder(bench.loop), remote);
  assert.equal((await failure(make(), OSError)).code, "ENOENT");
  const server = await endpoint(bench, { localAddr: path, family: AF_UNIX });
  const client = await endpoint(bench, remote);
  server.transport.abort();
  await server.called("connectionLost");
  client.transport.sendto("x");
  await client.called("errorReceived");
  assert.equal((client.errors[0] as OSError).code, "ECONNREFUSED");
  assert.equal((await failure(make(), OSError)).code, "ECONNREFUSED");
});

/** A socket that is bound, with datagrams from 0 up that wait there, and one that is connected to it. */
function waiting(bench: Bench, count: number): [sock: Socket, peer: Socket] {
  const sock = new Socket(AF_INET, SOCK_DGRAM);
  sock.bind(["127.0.0.1", 0]);
  const peer = new Socket(AF_INET, SOCK_DGRAM);
  bench.defer(() => peer.close());
  peer.connect(sock.getsockname());
  for (let i = 0; i < count; i++) peer.send(String(i));
  return [sock, peer];
}

const counted = (count: number) => Array.from({ length: count }, (_, i) => String(i));

onNative("what is waiting comes in one iteration, up to 32 datagrams", async (bench) => {
  const [sock] = waiting(bench, 40);
  const iterations: string[][] = [[]];
  const onDatagram = (data: Buffer) => iterations.at(-1)!.push(data.toString());
  const recorder = await endpoint(bench, { sock }, { onDatagram });
  const tick = () => {
    iterations.push([]);
    if (recorder.datagrams.length < 40) bench.loop.callSoon(tick);
  };
  bench.loop.callSoon(tick);
  const all = await recorder.receives(40);
  assert.deepEqual(all, counted(40));
  assert.deepEqual(
    iterations.filter((one) => one.length > 0),
    [all.slice(0, 32), all.slice(32)],
  );
});

onNative(
  "datagrams that each fail in the protocol are reported one by one, in their order",
  async (bench) => {
    const [sock, peer] = waiting(bench, 3);
    const reports: ExceptionContext[] = [];
    bench.loop.setExceptionHandler((_loop, context) => reports.push(context));
    const onDatagram = (data: Buffer) => {
      if (data.toString() === "0") peer.send("late");
      throw new Error(`no ${data}`);
    };
    const recorder = await endpoint(bench, { sock }, { onDatagram });
    await recorder.receives(4);
    await idle();
    assert.deepEqual(
      reports.map(({ exception }) => (exception as Error).message),
      ["no 0", "no 1", "no 2", "no late"],
    );
    assert.ok(reports.every(({ handle }) => handle === reports[0]!.handle && handle !== undefined));
  },
);

for (const [what, end] of [
  ["closes its endpoint", ({ transport }: DatagramRecorder) => transport.close()],
  ["aborts its endpoint", ({ transport }: DatagramRecorder) => transport.abort()],
  ["closes the socket below it", (_recorder: DatagramRecorder, sock: Socket) => sock.close()],
] as const) {
  onNative(`a protocol that ${what} is told of none of the datagrams behind that`, async (bench) => {
    const [sock] = waiting(bench, 3);
    const onDatagram = (data: Buffer) => {
      if (data.toString() === "1") end(recorder, sock);
    };
    const recorder: DatagramRecorder = await endpoint(bench, { sock }, { onDatagram });
    await recorder.receives(2);
    await idle();
    assert.deepEqual(
      recorder.datagrams.map(([text]) => text),
      ["0", "1"],
    );
  });
}

onNative("nor if it fails at the same time", async (bench) => {
  const [sock] = waiting(bench, 3);
  const onDatagram = () => {
    recorder.transport.close();
    throw new Error("enough");
  };
  bench.loop.setExceptionHandler(() => {});
  const recorder: DatagramRecorder = await endpoint(bench, { sock }, { onDatagram });
  await recorder.called("connectionLost");
  await idle();
  assert.deepEqual(recorder.calls, ["connectionMade", "datagramReceived", "connectionLost"]);
});

onNative("a protocol that is replaced in between is told of the next ones", async (bench) => {
  const [sock] = waiting(bench, 3);
  const other = new DatagramRecorder(bench.loop);
  const onDatagram = () => recorder.transport.setProtocol(other);
  const recorder: DatagramRecorder = await endpoint(bench, { sock }, { onDatagram });
  assert.deepEqual(await other.receives(2), ["1", "2"]);
  recorder.transport.setProtocol(recorder);
});

onNative("a sender's address is the same array each time, which nobody can change", async (bench) => {
  const [sock] = waiting(bench, 2);
  const recorder = await endpoint(bench, { sock });
  await recorder.receives(2);
  const [[, first], [, second]] = recorder.datagrams as [[string, Address], [string, Address]];
  assert.equal(first, second);
  assert.ok(Object.isFrozen(first));
});

onNative("a datagram that somebody else has taken meanwhile is no error", async (bench) => {
  const [sock, peer] = socketpair(AF_UNIX, SOCK_DGRAM);
  const other = sock.dup();
  bench.defer(() => peer.close());
  bench.defer(() => other.close());
  const recorder = await endpoint(bench, { sock });
  peer.send("stolen");
  const stolen = bench.loop.createFuture<string>();
  bench.loop.callSoon(() => stolen.setResult(other.recv(100).toString()));
  assert.equal(await stolen, "stolen");
  peer.send("left");
  assert.deepEqual(await recorder.receives(1), ["left"]);
  assert.deepEqual(recorder.errors, []);
});

onNative("a descriptor alone is enough", async (bench) => {
  const [sock, peer] = socketpair(AF_UNIX, SOCK_DGRAM);
  bench.defer(() => peer.close());
  const fd = sock.detach();
  const recorder = await endpoint(bench, { sock: { fileno: () => fd } });
  peer.send("x");
  assert.deepEqual(await recorder.receives(1), ["x"]);
  recorder.transport.sendto("y", "");
  assert.deepEqual(drain(peer), ["y"]);
  assert.throws(() => bench.loop.addReader(fd, () => {}), { name: "RuntimeError" });
});
