import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe } from "node:test";
import {
  CancelledError,
  CERT_NONE,
  CERT_OPTIONAL,
  CERT_REQUIRED,
  ConnectionAbortedError,
  ConnectionResetError,
  createDefaultContext,
  createTask,
  SSLCertVerificationError,
  SSLContext,
  SSLError,
  setLogger,
  type Task,
  type TlsClientOptions,
  type Transport,
} from "../../../src/index.ts";
import { type Bench, failure, idle, inEachBackend } from "../backends.ts";
import { Echo, nodeClient, Recorder, serve } from "../recorder.ts";
import {
  authority,
  client,
  elsewhere,
  expired,
  localhost,
  opensslSkip,
  selfSigned,
  stranger,
} from "./certificates.ts";
import {
  clientContext,
  connectTls,
  nodeTlsClient,
  serverContext,
  serveTls,
  tlsRecorders,
} from "./support.ts";

/** A port that relays to another, and calls `then` so many turns after the first bytes came back from there. */
async function relay(bench: Bench, port: number, turns: number, then: () => void): Promise<number> {
  const near = new Recorder(bench.loop);
  const far = new Recorder(bench.loop);
  const countDown = (left: number) => (left === 0 ? then() : bench.loop.callSoon(countDown, left - 1));
  far.onData = (data) => {
    near.transport.write(data);
    far.onData = (more) => near.transport.write(more);
    countDown(turns);
  };
  near.onData = (data) => far.transport.write(data);
  await bench.loop.createConnection(() => far, "127.0.0.1", port);
  bench.defer(() => far.transport.abort());
  return (await serve(bench, () => near)).port;
}

/** A server of ours with this certificate, and the error of a client of ours. */
async function refusal(
  bench: Bench,
  identity: Parameters<typeof serverContext>[0],
  options: TlsClientOptions = {},
): Promise<SSLCertVerificationError> {
  const made: string[] = [];
  const port = await serveTls(bench, () => new Recorder(bench.loop), { ssl: serverContext(identity) });
  const recorder = new Recorder(bench.loop, { onMade: () => made.push("connectionMade") });
  const connecting = bench.loop.createConnection(() => recorder, "127.0.0.1", port, {
    ssl: clientContext(),
    ...options,
  });
  const error = await failure(connecting, SSLCertVerificationError);
  await idle();
  assert.deepEqual(recorder.calls, [], "the protocol did not hear of it");
  return error;
}

/** Wait until the server has no connection left. */
async function emptied(server: { close(): void; waitClosed(): PromiseLike<void> }): Promise<void> {
  server.close();
  await server.waitClosed();
}

describe("a TLS client", { skip: opensslSkip }, () => {
  inEachBackend("by default, it does not trust a certificate that its CAs did not sign", async (bench) => {
    const error = await refusal(bench, localhost(), { ssl: true });
    assert.equal(error.code, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });

  inEachBackend("it does not trust a server that signed its certificate itself", async (bench) => {
    assert.equal((await refusal(bench, selfSigned())).code, "DEPTH_ZERO_SELF_SIGNED_CERT");
  });

  inEachBackend("it does not trust a certificate of an authority that it does not know", async (bench) => {
    assert.equal((await refusal(bench, stranger())).code, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });

  inEachBackend("it does not trust an expired certificate", async (bench) => {
    assert.equal((await refusal(bench, expired())).code, "CERT_HAS_EXPIRED");
  });

  inEachBackend("it does not trust a certificate for another host", async (bench) => {
    const error = await refusal(bench, elsewhere());
    assert.equal(error.code, "ERR_TLS_CERT_ALTNAME_INVALID");
    assert.match(error.message, /127\.0\.0\.1/);
  });

  inEachBackend("the host to check can be another one than that connected to", async (bench) => {
    const port = await serveTls(bench, () => new Echo(), { ssl: serverContext(elsewhere()) });
    await connectTls(bench, new Recorder(bench.loop), port, { serverHostname: "elsewhere.test" });
    assert.match(
      (await refusal(bench, localhost(), { serverHostname: "elsewhere.test" })).message,
      /elsewhere/,
    );
  });

  inEachBackend("without checkHostname any host will do, but no other authority", async (bench) => {
    const ssl = clientContext();
    ssl.checkHostname = false;
    const port = await serveTls(bench, () => new Echo(), { ssl: serverContext(elsewhere()) });
    await connectTls(bench, new Recorder(bench.loop), port, { ssl });
    await refusal(bench, stranger(), { ssl });
  });

  inEachBackend("with CERT_NONE any certificate will do", async (bench) => {
    const ssl = new SSLContext({ verifyMode: CERT_NONE });
    for (const identity of [selfSigned(), stranger(), elsewhere(), expired()]) {
      const port = await serveTls(bench, () => new Echo(), { ssl: serverContext(identity) });
      await connectTls(bench, new Recorder(bench.loop), port, { ssl });
    }
  });

  inEachBackend("a server that does not speak TLS is an SSLError", async (bench) => {
    const { port } = await serve(bench, () => {
      return new Recorder(bench.loop, { onMade: (transport) => transport.write("220 plain text here\r\n") });
    });
    const error = await failure(
      bench.loop.createConnection(() => new Echo(), "127.0.0.1", port, { ssl: true }),
      SSLError,
    );
    assert.match(error.code, /^ERR_SSL_/);
    assert.match(error.reason!, /wrong version number|packet length/);
  });

  inEachBackend("a server that hangs up in the handshake is a ConnectionResetError", async (bench) => {
    const server: Recorder = new Recorder(bench.loop, { onData: () => server.transport.close() });
    const { port } = await serve(bench, () => server);
    await failure(
      bench.loop.createConnection(() => new Echo(), "127.0.0.1", port, { ssl: true }),
      ConnectionResetError,
    );
  });

  inEachBackend("a server that says nothing is a ConnectionAbortedError after the timeout", async (bench) => {
    const silent = new Recorder(bench.loop);
    const { port } = await serve(bench, () => silent);
    const started = bench.loop.time();
    const error = await failure(
      bench.loop.createConnection(() => new Echo(), "127.0.0.1", port, {
        ssl: true,
        sslHandshakeTimeout: 0.05,
      }),
      ConnectionAbortedError,
    );
    assert.ok(bench.loop.time() - started >= 0.05);
    assert.match(error.message, /0\.05 s/);
    await silent.called("connectionLost");
  });

  inEachBackend("cancelling it in the handshake closes the connection", async (bench) => {
    const silent = new Recorder(bench.loop);
    const { port } = await serve(bench, () => silent);
    const recorder = new Recorder(bench.loop);
    const connecting = createTask(
      bench.loop.createConnection(() => recorder, "127.0.0.1", port, { ssl: true }),
    );
    await silent.receives(1);
    connecting.cancel();
    await failure(connecting, CancelledError);
    await silent.called("connectionLost");
    assert.deepEqual(recorder.calls, []);
  });

  inEachBackend("cancelled at any moment, it tells of no end without a beginning", async (bench) => {
    const port = await serveTls(bench, () => new Echo());
    for (let turns = 0; turns < 30; turns++) {
      const recorder = new Recorder(bench.loop);
      const connecting: Task<[Transport, Recorder]> = createTask(
        bench.loop.createConnection(
          () => recorder,
          "127.0.0.1",
          await relay(bench, port, turns, () => connecting.cancel()),
          {
            ssl: clientContext(),
          },
        ),
      );
      // Nobody is cancelled who is done already.
      const [transport] = await connecting.then(
        (made) => made,
        () => [null],
      );
      transport?.abort();
      await idle();
      assert.ok(["", "connectionMade,connectionLost"].includes(recorder.calls.join()), recorder.calls.join());
    }
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
      await assert.rejects(bench.loop.createConnection(factory, "127.0.0.1", port, { ssl: true }), error);
      await right.called("connectionLost");
    },
  );
});

describe("a TLS server", { skip: opensslSkip }, () => {
  inEachBackend(
    "what goes wrong in a handshake is nothing to report, and the server goes on",
    async (bench) => {
      const refused = new Recorder(bench.loop);
      const protocols = [refused, refused, refused];
      const port = await serveTls(bench, () => protocols.pop() ?? new Echo());
      const plain = await nodeClient(bench, port);
      plain.resume();
      plain.write("GET / HTTP/1.0\r\n\r\n");
      await new Promise((resolve) => plain.once("close", resolve).once("end", () => plain.end()));
      await failure(
        bench.loop.createConnection(() => new Echo(), "127.0.0.1", port, { ssl: true }),
        SSLError,
      );
      const short = await nodeClient(bench, port);
      short.resetAndDestroy();
      await idle();
      assert.deepEqual(refused.calls, []);
      const recorder = new Recorder(bench.loop);
      const transport = await connectTls(bench, recorder, port);
      transport.write("still there?");
      await recorder.receives(12);
    },
  );

  inEachBackend("in debug mode a failed handshake is logged", async (bench) => {
    const messages: string[] = [];
    setLogger({ ...console, debug: (message) => messages.push(message) });
    bench.defer(() => setLogger(null));
    bench.loop.setDebug(true);
    const { port, server } = await serve(bench, () => new Echo(), { ssl: serverContext() });
    await failure(
      bench.loop.createConnection(() => new Echo(), "127.0.0.1", port, { ssl: true }),
      SSLError,
    );
    await emptied(server);
    assert.equal(messages.filter((message) => message.startsWith("TLS handshake failed")).length, 1);
  });

  inEachBackend("a client that stops in the handshake is given up after the timeout", async (bench) => {
    const port = await serveTls(bench, () => new Echo(), { sslHandshakeTimeout: 0.05 });
    const stopped = await nodeClient(bench, port);
    stopped.resume();
    stopped.write(Buffer.from([22, 3, 1, 2, 0, 1]));
    await new Promise((resolve) => stopped.once("end", resolve).once("error", resolve));
  });

  inEachBackend("a client that hangs up in the handshake leaves nothing behind", async (bench) => {
    const { port, server } = await serve(bench, () => new Echo(), { ssl: serverContext() });
    const client = await nodeClient(bench, port);
    client.write(Buffer.from([22, 3, 1, 2, 0, 1]));
    client.end();
    client.resume();
    await new Promise((resolve) => client.once("close", resolve));
    await emptied(server);
  });

  inEachBackend(
    "with CERT_REQUIRED it lets in who has a certificate that it trusts, and nobody else",
    async (bench) => {
      const ssl = serverContext(localhost(), { ca: authority().cert, verifyMode: CERT_REQUIRED });
      const recorder = new Recorder(bench.loop);
      const refused = new Recorder(bench.loop);
      const protocols = [recorder, refused, refused];
      const { port, server } = await serve(bench, () => protocols.pop()!, { ssl });
      for (const identity of [undefined, stranger()]) {
        const own = new Recorder(bench.loop);
        const options = { ca: authority().cert, ...(identity && { cert: identity.cert, key: identity.key }) };
        // In TLS 1.3 the client hears of it only afterwards.
        await bench.loop.createConnection(() => own, "127.0.0.1", port, { ssl: options });
        await own.called("connectionLost");
      }
      assert.deepEqual(refused.calls, []);
      const own = new Recorder(bench.loop);
      const [certfile, keyfile] = [client().certfile, client().keyfile];
      const context = clientContext();
      context.loadCertChain(certfile, keyfile);
      await connectTls(bench, own, port, { ssl: context });
      await recorder.called("connectionMade");
      assert.equal(recorder.transport.getExtraInfo("peercert")?.subject.CN, "client");
      server.abortClients();
      await emptied(server);
    },
  );

  inEachBackend("with CERT_OPTIONAL a certificate may be missing, but not be wrong", async (bench) => {
    const ssl = serverContext(localhost(), { ca: authority().cert, verifyMode: CERT_OPTIONAL });
    const recorders: Recorder[] = [];
    const factory = () => {
      recorders.push(new Recorder(bench.loop));
      return recorders.at(-1)!;
    };
    const port = await serveTls(bench, factory, { ssl });
    await connectTls(bench, new Recorder(bench.loop), port);
    await recorders[0]!.called("connectionMade");
    assert.equal(recorders[0]!.transport.getExtraInfo("peercert"), null);
    const { cert, key } = stranger();
    const wrong = new Recorder(bench.loop);
    await bench.loop.createConnection(() => wrong, "127.0.0.1", port, {
      ssl: { ca: authority().cert, cert, key },
    });
    await wrong.called("connectionLost");
    assert.deepEqual(recorders[1]!.calls, []);
    const right = { ca: authority().cert, cert: client().cert, key: client().key };
    await connectTls(bench, new Recorder(bench.loop), port, { ssl: right });
    await recorders[2]!.called("connectionMade");
    assert.equal(recorders[2]!.transport.getExtraInfo("peercert")?.subject.CN, "client");
  });

  inEachBackend("both sides agree on a protocol by ALPN", async (bench) => {
    const server = serverContext();
    server.setAlpnProtocols(["b", "a"]);
    const own = clientContext();
    own.setAlpnProtocols(["a", "b", "c"]);
    const [left, right] = await tlsRecorders(bench, {}, {}, { ssl: server }, { ssl: own });
    assert.equal(left.transport.getExtraInfo("ssl_object")?.alpnProtocol, "b");
    assert.equal(right.transport.getExtraInfo("ssl_object")?.alpnProtocol, "b");
  });

  inEachBackend("the name that a client asks for chooses the context", async (bench) => {
    const names: string[] = [];
    const ssl = serverContext();
    ssl.sniCallback = (name) => {
      names.push(name);
      return name === "elsewhere.test" ? serverContext(elsewhere()) : null;
    };
    const port = await serveTls(bench, () => new Echo(), { ssl });
    for (const [serverHostname, subject] of [
      ["elsewhere.test", "elsewhere"],
      ["localhost", "localhost"],
    ] as const) {
      const transport = await connectTls(bench, new Recorder(bench.loop), port, { serverHostname });
      assert.equal(transport.getExtraInfo("peercert")?.subject.CN, subject);
    }
    assert.deepEqual(names, ["elsewhere.test", "localhost"]);
  });

  inEachBackend("an error of the sniCallback is reported, and ends the connection", async (bench) => {
    const error = new Error("who is that?");
    const ssl = serverContext(localhost(), {
      sniCallback: () => {
        throw error;
      },
    });
    const port = await serveTls(bench, () => new Echo(), { ssl });
    await failure(
      bench.loop.createConnection(() => new Echo(), "127.0.0.1", port, {
        ssl: clientContext(),
        serverHostname: "localhost",
      }),
      ConnectionResetError,
    );
    assert.deepEqual(
      bench.reports.splice(0).map((report) => [report.message, report.exception]),
      [["TLS handshake failed", error]],
    );
  });

  inEachBackend("a sniCallback that gives no context is a TypeError that is reported", async (bench) => {
    const ssl = serverContext(localhost(), { sniCallback: () => ({ cert: "" }) as never });
    const port = await serveTls(bench, () => new Echo(), { ssl });
    const options = { ssl: clientContext(), serverHostname: "localhost" };
    await failure(
      bench.loop.createConnection(() => new Echo(), "127.0.0.1", port, options),
      ConnectionResetError,
    );
    const [report] = bench.reports.splice(0);
    assert.match(String(report?.exception), /TypeError: sniCallback must give an SSLContext/);
  });

  inEachBackend("changes of a context count for later connections", async (bench) => {
    const ssl = serverContext();
    const port = await serveTls(bench, () => new Echo(), { ssl });
    const first = await connectTls(bench, new Recorder(bench.loop), port);
    assert.equal(first.getExtraInfo("cipher")?.version, "TLSv1.3");
    ssl.maximumVersion = "TLSv1.2";
    const second = await connectTls(bench, new Recorder(bench.loop), port);
    assert.equal(second.getExtraInfo("cipher")?.version, "TLSv1.2");
    ssl.loadCertChain(elsewhere().certfile, elsewhere().keyfile);
    const own = createDefaultContext({ cafile: authority().certfile });
    await failure(
      bench.loop.createConnection(() => new Echo(), "127.0.0.1", port, { ssl: own }),
      SSLCertVerificationError,
    );
  });

  inEachBackend("connections, made and failed, leave no descriptor open", async (bench) => {
    const { port } = await serve(bench, () => new Echo(), { ssl: serverContext() });
    const round = async () => {
      const recorder = new Recorder(bench.loop);
      const [transport] = await bench.loop.createConnection(() => recorder, "127.0.0.1", port, {
        ssl: clientContext(),
      });
      transport.write("x");
      await recorder.receives(1);
      transport.close();
      await recorder.called("connectionLost");
      await failure(
        bench.loop.createConnection(() => new Echo(), "127.0.0.1", port, { ssl: true }),
        SSLError,
      );
    };
    await round();
    await settled();
    const before = openDescriptors();
    for (let i = 0; i < 20; i++) await round();
    await settled();
    assert.ok(openDescriptors() <= before, `${before} before, ${openDescriptors()} after`);
  });

  inEachBackend("a client that has closed before it is told is no error", async (bench) => {
    const right = new Recorder(bench.loop);
    const port = await serveTls(bench, () => right);
    const { client: peer } = await nodeTlsClient(bench, port);
    peer.end("gone");
    peer.resume();
    await right.called("connectionLost");
    assert.deepEqual(right.calls, ["connectionMade", "dataReceived", "eofReceived", "connectionLost"]);
  });
});

async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await idle();
}

function openDescriptors(): number {
  return process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0;
}
