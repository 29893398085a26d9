import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  CERT_NONE,
  CERT_REQUIRED,
  Purpose,
  SSLContext,
  type SSLContextOptions,
  SSLError,
} from "../../../src/index.ts";
import { opensslContext } from "../../../src/io/tls/openssl-context.ts";
import { failure, inEachBackend, nativeSkip } from "../backends.ts";
import { Echo, Recorder } from "../recorder.ts";
import {
  authority,
  client,
  encrypted,
  grandchild,
  intermediate,
  localhost,
  opensslSkip,
} from "./certificates.ts";
import { clientContext, connectTls, serverContext, serveTls } from "./support.ts";

const skip = opensslSkip || nativeSkip;

describe("OpenSSL's context", { skip }, () => {
  test("it is made once, until ours is changed", () => {
    const context = clientContext();
    const first = opensslContext(context);
    assert.ok(first);
    assert.equal(opensslContext(context), first);
    context.maximumVersion = "TLSv1.2";
    const second = opensslContext(context);
    assert.ok(second);
    assert.notEqual(second, first);
    context.checkHostname = false;
    context.verifyMode = CERT_NONE;
    assert.notEqual(opensslContext(context), second);
  });

  test("what needs Node's TLS gets no context of OpenSSL's", () => {
    const { cert, key } = localhost();
    const asServer = (options: SSLContextOptions) =>
      opensslContext(new SSLContext({ cert, key, purpose: Purpose.CLIENT_AUTH, ...options }));
    assert.ok(asServer({}));
    assert.equal(asServer({ sniCallback: () => null }), null);
    assert.equal(asServer({ ALPNProtocols: ["h2"] }), null);
    assert.equal(asServer({ ecdhCurve: "P-256" }), null);
    assert.equal(asServer({ key: [{ pem: key }] }), null);
    const own = clientContext();
    own.setAlpnProtocols(["h2"]);
    assert.ok(opensslContext(own));
  });
});

describe("a context in use", { skip: opensslSkip }, () => {
  inEachBackend("a certificate brings along those that it depends on", async (bench) => {
    const { cert, key } = grandchild();
    const ssl = serverContext({ ...grandchild(), cert: cert + intermediate().cert, key });
    const recorder = new Recorder(bench.loop);
    const transport = await connectTls(bench, recorder, await serveTls(bench, () => new Echo(), { ssl }));
    transport.write("x");
    await recorder.receives(1);
    const alone = await serveTls(bench, () => new Echo(), { ssl: serverContext(grandchild()) });
    await failure(
      bench.loop.createConnection(() => new Echo(), "127.0.0.1", alone, { ssl: clientContext() }),
      SSLError,
    );
  });

  inEachBackend("or they are among those that are trusted", async (bench) => {
    const ssl = serverContext(grandchild(), { ca: intermediate().cert });
    await connectTls(bench, new Recorder(bench.loop), await serveTls(bench, () => new Echo(), { ssl }));
  });

  inEachBackend("an encrypted key is used with its password", async (bench) => {
    const ssl = new SSLContext({ purpose: Purpose.CLIENT_AUTH });
    ssl.loadCertChain(localhost().certfile, encrypted(localhost(), "secret"), "secret");
    await connectTls(bench, new Recorder(bench.loop), await serveTls(bench, () => new Echo(), { ssl }));
  });

  for (const [what, options, expected] of [
    ["of the newest version", { maxVersion: "TLSv1.2" }, "TLSv1.2"],
    [
      "of a cipher for TLS 1.2",
      { ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256", maxVersion: "TLSv1.2" },
      "ECDHE-ECDSA-AES128-GCM-SHA256",
    ],
    [
      "of a cipher for TLS 1.2, beside those of TLS 1.3,",
      { ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" },
      "TLSv1.3",
    ],
    [
      "of a cipher of TLS 1.3 alone",
      { ciphers: "TLS_CHACHA20_POLY1305_SHA256" },
      "TLS_CHACHA20_POLY1305_SHA256",
    ],
    [
      "of one of both",
      { ciphers: "TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256" },
      "TLS_AES_128_GCM_SHA256",
    ],
  ] as [string, SSLContextOptions, string][]) {
    inEachBackend(`the choice ${what} is kept`, async (bench) => {
      const ssl = serverContext(localhost(), options);
      const port = await serveTls(bench, () => new Echo(), { ssl });
      const transport = await connectTls(bench, new Recorder(bench.loop), port);
      const { name, version } = transport.getExtraInfo("cipher")!;
      assert.ok([name, version].includes(expected), `${name}, ${version}`);
    });
  }

  inEachBackend("sides without a common version do not agree", async (bench) => {
    const port = await serveTls(bench, () => new Echo(), {
      ssl: serverContext(localhost(), { minVersion: "TLSv1.3" }),
    });
    const own = clientContext();
    own.maximumVersion = "TLSv1.2";
    const error = await failure(
      bench.loop.createConnection(() => new Echo(), "127.0.0.1", port, { ssl: own }),
      SSLError,
    );
    assert.match(String(error.reason), /alert protocol version/);
  });

  inEachBackend("a server whose context is for many trusts all of them", async (bench) => {
    const ssl = serverContext(localhost(), {
      ca: [localhost().cert, Buffer.from(authority().cert)],
      verifyMode: CERT_REQUIRED,
    });
    const own = clientContext();
    own.loadCertChain(client().certfile, client().keyfile);
    const recorder = new Recorder(bench.loop);
    const transport = await connectTls(bench, recorder, await serveTls(bench, () => new Echo(), { ssl }), {
      ssl: own,
    });
    transport.write("x");
    await recorder.receives(1);
  });
});
