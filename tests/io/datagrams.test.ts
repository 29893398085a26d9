import assert from "node:assert/strict";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AI_PASSIVE,
  type CreateDatagramEndpointOptions,
  DatagramProtocol,
  gaierror,
  NotImplementedError,
  OSError,
  PermissionError,
  SOCK_DGRAM,
  Socket,
  ValueError,
} from "../../src/index.ts";
import { failure, inEachBackend, ipv6Skip, nativeSkip } from "./backends.ts";
import { DatagramRecorder, endpoint, hostAddress, LOOPBACK } from "./datagram-recorder.ts";
import { openFiles } from "./native/support.ts";

inEachBackend("datagrams go to and fro between two endpoints, each with its sender", async (bench) => {
  const left = await endpoint(bench);
  const right = await endpoint(bench);
  left.transport.sendto(Buffer.from("ping"), right.address);
  await right.receives(1);
  assert.deepEqual(right.datagrams, [["ping", left.address]]);
  right.transport.sendto("pong", right.datagrams[0]![1]);
  assert.deepEqual(await left.receives(1), ["pong"]);
  assert.deepEqual(left.calls, ["connectionMade", "datagramReceived"]);
});

inEachBackend("a connected endpoint sends to its peer, and hears nobody else", async (bench) => {
  const server = await endpoint(bench);
  const client = await endpoint(bench, { remoteAddr: hostAddress(server) });
  const stranger = await endpoint(bench);
  assert.deepEqual(client.transport.getExtraInfo("peername"), server.address);
  client.transport.sendto("one");
  client.transport.sendto("two", server.address);
  assert.deepEqual(await server.receives(2), ["one", "two"]);
  assert.deepEqual(server.datagrams[0]![1], client.address);
  stranger.transport.sendto("intruder", client.address);
  server.transport.sendto("answer", client.address);
  assert.deepEqual(await client.receives(1), ["answer"]);
  assert.throws(() => client.transport.sendto("x", stranger.address), {
    name: "ValueError",
    message: /^Invalid address: must be null or \[ '127\.0\.0\.1', \d+ \], not /,
  });
});

inEachBackend("an endpoint has the local address and the remote address that it is given", async (bench) => {
  const server = await endpoint(bench, { localAddr: ["localhost", 0], family: AF_INET });
  const client = await endpoint(bench, { ...LOOPBACK, remoteAddr: ["localhost", hostAddress(server)[1]] });
  assert.equal(hostAddress(client)[0], "127.0.0.1");
  assert.deepEqual(client.transport.getExtraInfo("peername"), server.address);
  const socket = client.transport.getExtraInfo("socket")!;
  assert.deepEqual([socket.family, socket.type, socket.proto], [AF_INET, SOCK_DGRAM, 17]);
  assert.deepEqual(socket.getsockname(), client.address);
});

inEachBackend("a family is enough for an endpoint that only sends first", async (bench) => {
  const server = await endpoint(bench);
  const client = await endpoint(bench, { family: AF_INET });
  assert.equal(client.transport.getExtraInfo("peername"), null);
  client.transport.sendto("hi", server.address);
  await server.receives(1);
  server.transport.sendto("hello", server.datagrams[0]![1]);
  assert.deepEqual(await client.receives(1), ["hello"]);
});

inEachBackend(
  "IPv6: addresses have four parts, the last two of which can be left out",
  async (bench) => {
    const server = await endpoint(bench, { localAddr: ["::1", 0] });
    const [host, port] = hostAddress(server);
    assert.deepEqual(server.address, ["::1", port, 0, 0]);
    const client = await endpoint(bench, { remoteAddr: [host, port] });
    client.transport.sendto("a");
    client.transport.sendto("b", [host, port]);
    client.transport.sendto("c", [host, port, 0, 0]);
    assert.deepEqual(await server.receives(3), ["a", "b", "c"]);
    assert.deepEqual(server.datagrams[0]![1], client.address);
    server.transport.sendto("d", server.datagrams[0]![1]);
    assert.deepEqual(await client.receives(1), ["d"]);
    server.transport.sendto("e", [host, hostAddress(client)[1]]);
    assert.deepEqual(await client.receives(2), ["d", "e"]);
    const other = await endpoint(bench, { remoteAddr: ["0:0:0:0:0:0:0:1", port] });
    other.transport.sendto("f", server.address);
    assert.equal((await server.receives(4))[3], "f");
  },
  { skip: ipv6Skip },
);

inEachBackend("without a host it is the loopback address, or with AI_PASSIVE any address", async (bench) => {
  const local = await endpoint(bench, { localAddr: [null, 0], family: AF_INET });
  assert.equal(hostAddress(local)[0], "127.0.0.1");
  const any = await endpoint(bench, { localAddr: [null, 0], family: AF_INET, flags: AI_PASSIVE });
  assert.equal(hostAddress(any)[0], "0.0.0.0");
});

inEachBackend(
  "without a host and a family, that address is IPv6's",
  async (bench) => {
    const local = await endpoint(bench, { localAddr: [null, 0] });
    assert.equal(hostAddress(local)[0], "::1");
  },
  { skip: ipv6Skip },
);

inEachBackend("broadcasts need allowBroadcast, and leave the endpoint unconnected", async (bench) => {
  const { loop } = bench;
  const remoteAddr = ["255.255.255.255", 9] as const;
  await failure(
    loop.createDatagramEndpoint(() => new DatagramRecorder(loop), { remoteAddr }),
    PermissionError,
  );
  // 127.255.255.255 is loopback's own broadcast address: it goes to whoever is bound to any address.
  const server = await endpoint(bench, { localAddr: ["0.0.0.0", 0], allowBroadcast: true });
  const [, port] = hostAddress(server);
  const client = await endpoint(bench, { remoteAddr: ["127.255.255.255", port], allowBroadcast: true });
  assert.equal(client.transport.getExtraInfo("peername"), null);
  client.transport.sendto("to all");
  client.transport.sendto("to all of you", ["127.255.255.255", port]);
  assert.deepEqual(await server.receives(2), ["to all", "to all of you"]);
  assert.throws(() => client.transport.sendto("x", ["127.0.0.1", port]), ValueError);
  server.transport.sendto("answer", server.datagrams[0]![1]);
  assert.deepEqual(await client.receives(1), ["answer"]);
});

inEachBackend(
  "reusePort lets two endpoints have one address, which otherwise only one can",
  async (bench) => {
    const { loop } = bench;
    const first = await endpoint(bench, { ...LOOPBACK, reusePort: true });
    const options = { localAddr: hostAddress(first) };
    await endpoint(bench, { ...options, reusePort: true });
    const error = await failure(
      loop.createDatagramEndpoint(() => new DatagramRecorder(loop), options),
      OSError,
    );
    assert.equal(error.code, "EADDRINUSE");
  },
);

inEachBackend("what makes no sense is refused at the call", async ({ loop }) => {
  const attempt = (options: object) => () =>
    loop.createDatagramEndpoint(() => new DatagramRecorder(loop), options);
  const family = AF_UNIX;
  assert.throws(() => loop.createDatagramEndpoint(() => new DatagramRecorder(loop)), ValueError);
  assert.throws(attempt({}), { name: "ValueError", message: /^unexpected address family: give localAddr/ });
  assert.throws(attempt({ localAddr: "", remoteAddr: null }), ValueError);
  assert.throws(attempt({ family: 99 }), { name: "ValueError", message: "unexpected address family 99" });
  assert.throws(attempt({ localAddr: "x" }), { name: "TypeError", message: /is \[host, port\], not 'x'$/ });
  assert.throws(attempt({ localAddr: ["127.0.0.1"] }), TypeError);
  assert.throws(attempt({ localAddr: ["127.0.0.1", 0, 0] }), TypeError);
  assert.throws(attempt({ localAddr: [5, 0] }), TypeError);
  assert.throws(attempt({ remoteAddr: ["127.0.0.1", 65536] }), { name: "ValueError", message: /65536$/ });
  assert.throws(attempt({ localAddr: ["127.0.0.1", 0], family }), {
    name: "TypeError",
    message: /^an AF_UNIX address is a string, not \[ '127\.0\.0\.1', 0 \]$/,
  });
  const sock = { fileno: () => -1 };
  assert.throws(attempt({ sock, family, reusePort: false, remoteAddr: "/x" }), {
    name: "ValueError",
    message: /at the same time \(family: 1, remoteAddr: '\/x'\)$/,
  });
  const notAFactory = { ...LOOPBACK, factory: 5 };
  assert.throws(() => loop.createDatagramEndpoint(notAFactory.factory as never, LOOPBACK), TypeError);
});

inEachBackend("there is no reuseAddress, with which another one could steal the datagrams", async (bench) => {
  // @ts-expect-error CPython has dropped it, too
  const options: CreateDatagramEndpointOptions = { localAddr: ["127.0.0.1", 0], reuseAddress: true };
  const localAddr = hostAddress(await endpoint(bench, options));
  const error = await failure(endpoint(bench, { ...options, localAddr }), OSError);
  assert.equal(error.code, "EADDRINUSE");
});

inEachBackend("addresses that cannot be had are OSErrors, and no descriptor stays open", async ({ loop }) => {
  const attempt = (options: CreateDatagramEndpointOptions) =>
    loop.createDatagramEndpoint(() => new DatagramRecorder(loop), options);
  const before = openFiles();
  const taken = await failure(attempt({ localAddr: ["203.0.113.1", 0] }), OSError);
  assert.equal(taken.code, "EADDRNOTAVAIL");
  assert.match(taken.message, /203\.0\.113\.1/);
  await failure(attempt({ localAddr: ["127.0.0.1", 0], family: AF_INET6 }), gaierror);
  await failure(attempt({ localAddr: ["nosuchhost.invalid", 0] }), gaierror);
  await failure(attempt({ localAddr: ["", 0] }), gaierror);
  const unrelated = { localAddr: ["127.0.0.1", 0], remoteAddr: ["::1", 9] } as const;
  const error = await failure(attempt(unrelated), ValueError);
  assert.equal(error.message, "can not get address information: both addresses must be of one family");
  assert.equal(openFiles(), before);
});

inEachBackend("a protocol that cannot be made closes the socket", async ({ loop }) => {
  const before = openFiles();
  const broken = () => {
    throw new Error("no protocol");
  };
  await failure(loop.createDatagramEndpoint(broken, LOOPBACK), Error);
  // Node closes a handle when libuv gets to it.
  while (openFiles() !== before) await new Promise(setImmediate);
});

inEachBackend("an endpoint that is cancelled before it is there is closed", async ({ loop }) => {
  const before = openFiles();
  const recorder = new DatagramRecorder(loop);
  const task = loop.createTask(loop.createDatagramEndpoint(() => recorder, LOOPBACK));
  await recorder.called("connectionMade");
  // connectionMade has run, but its caller has not been told.
  task.cancel();
  await assert.rejects(async () => await task, { name: "CancelledError" });
  await recorder.called("connectionLost");
  while (openFiles() !== before) await new Promise(setImmediate);
});

inEachBackend(
  "a socket that was made elsewhere belongs to the transport",
  async (bench) => {
    const server = await endpoint(bench);
    const sock = new Socket(AF_INET, SOCK_DGRAM);
    sock.bind(["127.0.0.1", 0]);
    const client = await endpoint(bench, { sock });
    client.transport.sendto("from sock", server.address);
    await server.receives(1);
    server.transport.sendto("to sock", server.datagrams[0]![1]);
    assert.deepEqual(await client.receives(1), ["to sock"]);
    client.transport.abort();
    await client.called("connectionLost");
    assert.equal(sock.fileno(), -1);
  },
  { skip: nativeSkip },
);

inEachBackend(
  "a socket that was connected elsewhere sends to its peer",
  async (bench) => {
    const server = await endpoint(bench);
    const sock = new Socket(AF_INET, SOCK_DGRAM);
    sock.connect(server.address);
    if (bench.backend === "portable") {
      const error = await failure(endpoint(bench, { sock }), NotImplementedError);
      assert.match(error.message, /^a socket that is connected already is not possible .*native backend/);
      sock.close();
      return;
    }
    const client = await endpoint(bench, { sock });
    assert.deepEqual(client.transport.getExtraInfo("peername"), server.address);
    client.transport.sendto("x");
    assert.deepEqual(await server.receives(1), ["x"]);
    assert.throws(() => client.transport.sendto("x", ["127.0.0.1", 9]), ValueError);
  },
  { skip: nativeSkip },
);

inEachBackend(
  "a stream socket is refused, and stays its owner's",
  async ({ loop }) => {
    using sock = new Socket();
    const fileno = sock.fileno();
    for (const one of [sock, { fileno: () => fileno, type: sock.type, family: sock.family }]) {
      const make = loop.createDatagramEndpoint(() => new DatagramRecorder(loop), { sock: one });
      const error = await failure(make, ValueError);
      assert.match(error.message, /^A datagram socket was expected, got /);
    }
    assert.equal(sock.fileno(), fileno);
    sock.bind(["127.0.0.1", 0]);
  },
  { skip: nativeSkip },
);

inEachBackend(
  "a socket that is closed is refused",
  async ({ loop }) => {
    const sock = new Socket(AF_INET, SOCK_DGRAM);
    sock.close();
    const make = loop.createDatagramEndpoint(() => new DatagramRecorder(loop), { sock });
    assert.equal((await failure(make, OSError)).code, "EBADF");
  },
  { skip: nativeSkip },
);

inEachBackend("a protocol need not override anything", async (bench) => {
  class Silent extends DatagramProtocol {}
  const [transport, protocol] = await bench.loop.createDatagramEndpoint(() => new Silent(), LOOPBACK);
  bench.defer(() => transport.abort());
  assert.ok(protocol instanceof Silent);
  const peer = await endpoint(bench, {
    remoteAddr: transport.getExtraInfo("sockname") as readonly [string, number],
  });
  peer.transport.sendto("x");
  transport.sendto("back", peer.address);
  transport.sendto(Buffer.alloc(70000), peer.address);
  assert.deepEqual(await peer.receives(1), ["back"]);
});
