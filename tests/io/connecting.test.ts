import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { describe, test } from "node:test";
import {
  AF_INET,
  AF_UNIX,
  AI_ADDRCONFIG,
  AI_NUMERICHOST,
  CancelledError,
  ConnectionRefusedError,
  Coroutine,
  createTask,
  ExceptionGroup,
  gaierror,
  IPPROTO_TCP,
  IPPROTO_UDP,
  OSError,
  SOCK_DGRAM,
  Socket,
  sleep,
  type Transport,
  ValueError,
} from "../../src/index.ts";
import type { ConnectOptions } from "../../src/io/backend.ts";
import { type Connector, connectToAny, interleaved } from "../../src/io/connecting.ts";
import type { Resolved } from "../../src/io/names.ts";
import { type Bench, failure, idle, inEachBackend, ipv6Skip, nativeSkip } from "./backends.ts";
import { Echo, portOf, Recorder, serve } from "./recorder.ts";

/** On Linux every 127.x.y.z is this machine; elsewhere only the first one is. */
const LINUX = process.platform === "linux" ? false : "needs 127.0.0.2";

const FOUR: readonly Resolved[] = ["127.0.0.2", "127.0.0.3", "127.0.0.1"].map(ipv4);

function ipv4(address: string): Resolved {
  return { address, family: 4 };
}

/** Connects with the loop, at this port; notes the addresses. */
class Noting implements Connector<Transport> {
  readonly tried: string[] = [];
  readonly #bench: Bench;
  readonly #port: number;

  constructor(bench: Bench, port: number) {
    this.#bench = bench;
    this.#port = port;
  }

  *connect({ address }: Resolved, local: Resolved | null) {
    this.tried.push(address);
    const localAddr = local && ([local.address, 0] as const);
    const { loop, defer } = this.#bench;
    const recorder = new Recorder(loop);
    const [transport] = yield* loop.createConnection(() => recorder, address, this.#port, { localAddr });
    defer(() => transport.abort());
    return transport as Transport;
  }

  discard(transport: Transport): void {
    transport.abort();
  }

  /** Connect to the first of `remotes` that answers. */
  toAny(
    remotes: readonly Resolved[],
    options: ConnectOptions = {},
    locals: readonly Resolved[] | null = null,
  ): Coroutine<Transport> {
    return new Coroutine(() => connectToAny(remotes, locals, options, this), "connectToAny");
  }
}

/** An address at which connections are neither taken nor refused: nobody accepts, and the backlog is full. */
async function silentPort({ defer }: Bench, host: string): Promise<number> {
  const sock = new Socket();
  defer(() => sock.close());
  sock.bind([host, 0]);
  sock.listen(0);
  const filler = connect(portOf(sock), host);
  defer(() => filler.destroy());
  await once(filler, "connect");
  return portOf(sock);
}

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

describe("several addresses", { skip: LINUX }, () => {
  inEachBackend("are tried in their order, until one answers", async (bench) => {
    const { port } = await serve(bench, () => new Echo());
    const noting = new Noting(bench, port);
    const transport = await noting.toAny([...FOUR, ipv4("127.0.0.4")]);
    assert.deepEqual(transport.getExtraInfo("peername"), ["127.0.0.1", port]);
    assert.deepEqual(noting.tried, ["127.0.0.2", "127.0.0.3", "127.0.0.1"]);
  });

  inEachBackend("none of which answers are one OSError with the words of all", async (bench) => {
    const { server, port } = await serve(bench, () => new Echo());
    server.close();
    const error = await failure(new Noting(bench, port).toAny(FOUR), OSError);
    assert.match(
      error.message,
      /^Multiple exceptions: .*127\.0\.0\.2.*, .*127\.0\.0\.3.*, .*127\.0\.0\.1.*$/,
    );
    assert.equal(error.code, "ECONNREFUSED");
    const { errors } = error.cause as AggregateError;
    assert.deepEqual(
      errors.map((one) => one instanceof ConnectionRefusedError),
      [true, true, true],
    );
  });

  inEachBackend("whose errors have the same words are the first of them", async (bench) => {
    const { server, port } = await serve(bench, () => new Echo());
    server.close();
    const twice = [ipv4("127.0.0.2"), ipv4("127.0.0.2")];
    const error = await failure(new Noting(bench, port).toAny(twice), ConnectionRefusedError);
    assert.doesNotMatch(error.message, /Multiple/);
  });

  inEachBackend("give an ExceptionGroup of all errors with allErrors", async (bench) => {
    const { server, port } = await serve(bench, () => new Echo());
    server.close();
    const group = await failure(new Noting(bench, port).toAny(FOUR, { allErrors: true }), ExceptionGroup);
    assert.equal(group.message, "createConnection failed");
    assert.deepEqual(
      group.errors.map((error) => (error as OSError).code),
      ["ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED"],
    );
  });

  inEachBackend("of which none answers with happy eyeballs are one OSError, too", async (bench) => {
    const { server, port } = await serve(bench, () => new Echo());
    server.close();
    const error = await failure(new Noting(bench, port).toAny(FOUR, { happyEyeballsDelay: 5 }), OSError);
    assert.match(error.message, /^Multiple exceptions: /);
  });

  inEachBackend(
    "are tried besides one that is silent, after happyEyeballsDelay",
    async (bench) => {
      const port = await silentPort(bench, "127.0.0.2");
      const server = await bench.loop.createServer(() => new Echo(), "127.0.0.1", port);
      bench.defer(() => server.close());
      const noting = new Noting(bench, port);
      const transport = await noting.toAny(FOUR, { happyEyeballsDelay: 0.02 });
      assert.deepEqual(transport.getExtraInfo("peername"), ["127.0.0.1", port]);
      assert.deepEqual(noting.tried, ["127.0.0.2", "127.0.0.3", "127.0.0.1"]);
    },
    { skip: nativeSkip },
  );

  inEachBackend(
    "that are all silent are given up when cancelled, and leave no descriptor",
    async (bench) => {
      const port = await silentPort(bench, "127.0.0.2");
      const before = descriptors();
      const silent = [ipv4("127.0.0.2"), ipv4("127.0.0.2"), ipv4("127.0.0.2")];
      const noting = new Noting(bench, port);
      const connecting = createTask(noting.toAny(silent, { happyEyeballsDelay: 0.005 }));
      while (noting.tried.length < 3) await sleep(0.005);
      assert.equal(descriptors(), before + 3);
      connecting.cancel();
      await failure(connecting, CancelledError);
      await idle();
      assert.equal(descriptors(), before);
    },
    { skip: nativeSkip },
  );

  inEachBackend("to connect from are tried until one can be had", async (bench) => {
    const { port } = await serve(bench, () => new Echo());
    const noting = new Noting(bench, port);
    const locals = ["192.0.2.1", "127.0.0.5", "127.0.0.6"].map(ipv4);
    const transport = await noting.toAny([ipv4("127.0.0.1")], {}, locals);
    assert.equal((transport.getExtraInfo("sockname") as [string, number])[0], "127.0.0.5");
  });

  inEachBackend("to connect from that cannot be had are an OSError that names one", async (bench) => {
    const { port } = await serve(bench, () => new Echo());
    const locals = ["192.0.2.1"].map(ipv4);
    const error = await failure(new Noting(bench, port).toAny([ipv4("127.0.0.1")], {}, locals), OSError);
    assert.equal(error.code, "EADDRNOTAVAIL");
  });
});

describe("the options of createConnection", () => {
  inEachBackend("allErrors makes a group of one error, too", async (bench) => {
    const { server, port } = await serve(bench, () => new Echo());
    server.close();
    const connecting = bench.loop.createConnection(() => new Echo(), "127.0.0.1", port, { allErrors: true });
    const group = await failure(connecting, ExceptionGroup);
    assert.ok(group.errors[0] instanceof ConnectionRefusedError);
  });

  inEachBackend("all of them together give a connection", async (bench) => {
    const { port } = await serve(bench, () => new Echo());
    const recorder = new Recorder(bench.loop);
    const [transport] = await bench.loop.createConnection(() => recorder, "localhost", port, {
      family: AF_INET,
      proto: IPPROTO_TCP,
      flags: AI_ADDRCONFIG,
      localAddr: ["localhost", 0],
      happyEyeballsDelay: 0.25,
      interleave: 2,
      allErrors: true,
    });
    transport.write("x");
    await recorder.receives(1);
    transport.abort();
  });

  inEachBackend("with AI_NUMERICHOST no name is looked up", async (bench) => {
    const { port } = await serve(bench, () => new Echo());
    const options = { flags: AI_NUMERICHOST };
    const [transport] = await bench.loop.createConnection(() => new Echo(), "127.0.0.1", port, options);
    transport.abort();
    const error = await failure(
      bench.loop.createConnection(() => new Echo(), "localhost", port, options),
      gaierror,
    );
    assert.equal(error.code, "EAI_NONAME");
    await failure(
      bench.loop.createServer(() => new Echo(), "localhost", 0, options),
      gaierror,
    );
  });

  inEachBackend("that make no sense are refused at the call", async ({ loop }) => {
    const call = (options: object) => () => loop.createConnection(() => new Echo(), "127.0.0.1", 1, options);
    for (const family of [AF_UNIX, 99]) assert.throws(call({ family }), { code: "EAI_FAMILY" });
    assert.throws(call({ proto: IPPROTO_UDP }), gaierror);
    assert.throws(call({ proto: IPPROTO_UDP }), { code: "EAI_SOCKTYPE" });
    assert.throws(call({ family: "IPv4" }), TypeError);
    assert.throws(call({ flags: 0.5 }), TypeError);
    assert.throws(call({ happyEyeballsDelay: -1 }), ValueError);
    assert.throws(call({ happyEyeballsDelay: Number.NaN }), ValueError);
    assert.throws(call({ happyEyeballsDelay: "1" }), TypeError);
    assert.throws(call({ interleave: -1 }), ValueError);
    assert.throws(call({ interleave: 1.5 }), TypeError);
    assert.throws(call({ localAddr: "127.0.0.1" }), TypeError);
    assert.throws(call({ localAddr: ["127.0.0.1"] }), TypeError);
    assert.throws(call({ localAddr: [5, 0] }), TypeError);
    assert.throws(call({ localAddr: ["127.0.0.1", -1] }), ValueError);
    assert.throws(call({ sock: { fileno: () => 1 } }), ValueError);
  });

  inEachBackend("without an address and a socket it is a ValueError", async ({ loop }) => {
    assert.throws(() => loop.createConnection(() => new Echo()), ValueError);
    assert.throws(() => loop.createConnection(() => new Echo(), null, null, { sock: null }), ValueError);
  });

  inEachBackend("a socket that is closed is an OSError", async ({ loop }) => {
    for (const fd of [-1, 2 ** 20]) {
      const sock = { fileno: () => fd };
      for (const attempt of [
        loop.createConnection(() => new Echo(), null, null, { sock }),
        loop.createServer(() => new Echo(), null, null, { sock }),
      ]) {
        assert.equal((await failure(attempt, OSError)).code, "EBADF");
      }
    }
  });

  inEachBackend(
    "a socket of another type is refused at the call",
    async ({ loop }) => {
      using sock = new Socket(AF_INET, SOCK_DGRAM);
      const expected = { name: "ValueError", message: /^A Stream Socket was expected, got <Socket fd=/ };
      const factory = () => new Echo();
      assert.throws(() => loop.createConnection(factory, null, null, { sock }), expected);
      assert.throws(() => loop.createServer(factory, null, null, { sock }), expected);
      assert.throws(() => loop.connectAcceptedSocket(factory, sock), expected);
      assert.throws(() => loop.connectAcceptedSocket(factory, 5 as never), TypeError);
    },
    { skip: nativeSkip },
  );

  inEachBackend(
    "a connection accepted elsewhere is adopted",
    async (bench) => {
      using listening = new Socket();
      listening.bind(["127.0.0.1", 0]);
      listening.listen();
      const client = connect(portOf(listening), "127.0.0.1");
      bench.defer(() => client.destroy());
      await once(client, "connect");
      const [sock] = listening.accept();
      const recorder = new Recorder(bench.loop);
      const [transport, protocol] = await bench.loop.connectAcceptedSocket(() => recorder, sock);
      assert.equal(protocol, recorder);
      assert.deepEqual(recorder.calls, ["connectionMade"]);
      client.write("hello");
      assert.equal((await recorder.receives(5)).toString(), "hello");
      assert.deepEqual(transport.getExtraInfo("peername"), ["127.0.0.1", client.localPort]);
      transport.close();
      await recorder.called("connectionLost");
    },
    { skip: nativeSkip },
  );
});

describe("interleaving", () => {
  const all = ["6a", "6b", "6c", "4a", "4b"].map((address) => ({
    address,
    family: Number(address[0]) as 4 | 6,
  }));
  const order = (first: number) => interleaved(all, first).map(({ address }) => address);

  test("takes addresses of both families by turns", () => {
    assert.deepEqual(order(1), ["6a", "4a", "6b", "4b", "6c"]);
  });

  test("begins with so many of the family that comes first", () => {
    assert.deepEqual(order(2), ["6a", "6b", "4a", "6c", "4b"]);
    assert.deepEqual(order(9), ["6a", "6b", "6c", "4a", "4b"]);
  });

  test("changes nothing with 0, nor where there is one family, or no address", () => {
    assert.deepEqual(order(0), ["6a", "6b", "6c", "4a", "4b"]);
    assert.deepEqual(interleaved(all.slice(0, 3), 1), all.slice(0, 3));
    assert.deepEqual(interleaved([], 1), []);
  });

  inEachBackend(
    "is what happy eyeballs do by default",
    async (bench) => {
      const { server, port } = await serve(bench, () => new Echo());
      server.close();
      const remotes = [ipv4("127.0.0.2"), ipv4("127.0.0.1"), { address: "::1", family: 6 } as const];
      for (const [options, tried] of [
        [{}, ["127.0.0.2", "127.0.0.1", "::1"]],
        [{ interleave: 1 }, ["127.0.0.2", "::1", "127.0.0.1"]],
        [{ happyEyeballsDelay: 5 }, ["127.0.0.2", "::1", "127.0.0.1"]],
        [{ happyEyeballsDelay: 5, interleave: 0 }, ["127.0.0.2", "127.0.0.1", "::1"]],
      ] as const) {
        const noting = new Noting(bench, port);
        await failure(noting.toAny(remotes, options), OSError);
        assert.deepEqual(noting.tried, tried);
      }
    },
    { skip: ipv6Skip || LINUX },
  );
});
