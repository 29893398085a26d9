import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createDefaultContext, Purpose, SSLContext, ValueError } from "../../../src/index.ts";
import { clientSettings, serverSettings } from "../../../src/io/tls/tls-settings.ts";
import { inEachBackend } from "../backends.ts";
import { Echo } from "../recorder.ts";

const host = "example.test";
const server = createDefaultContext({ purpose: Purpose.CLIENT_AUTH });

test("without ssl there is no TLS, and nothing else about it", () => {
  for (const ssl of [undefined, null, false]) assert.equal(clientSettings(host, { ssl }), null);
  assert.equal(serverSettings({}), null);
  assert.throws(() => clientSettings(host, { serverHostname: host }), ValueError);
  assert.throws(() => clientSettings(host, { sslHandshakeTimeout: 1 }), ValueError);
  assert.throws(() => clientSettings(host, { sslShutdownTimeout: 1 }), ValueError);
  assert.throws(() => serverSettings({ sslHandshakeTimeout: 1 }), ValueError);
  assert.throws(() => serverSettings({ sslShutdownTimeout: 1 }), ValueError);
});

test("a client's context is given, made of options, or the default one", () => {
  const context = createDefaultContext();
  assert.equal(clientSettings(host, { ssl: context })?.context, context);
  assert.equal(clientSettings(host, { ssl: true })?.context.checkHostname, true);
  assert.equal(clientSettings(host, { ssl: { minVersion: "TLSv1.3" } })?.context.minimumVersion, "TLSv1.3");
  assert.throws(() => clientSettings(host, { ssl: "yes" as never }), TypeError);
  assert.throws(() => clientSettings(host, { ssl: server }), ValueError);
});

test("a server's context is given or made of options", () => {
  assert.equal(serverSettings({ ssl: server })?.context, server);
  assert.equal(serverSettings({ ssl: {} })?.context.purpose, Purpose.CLIENT_AUTH);
  assert.throws(() => serverSettings({ ssl: true as never }), TypeError);
  assert.throws(() => serverSettings({ ssl: false as never }), TypeError);
  assert.throws(() => serverSettings({ ssl: new SSLContext() }), ValueError);
});

test("the name to check is that of the host, another one, or none", () => {
  assert.equal(clientSettings(host, { ssl: true })?.serverHostname, host);
  assert.equal(clientSettings(host, { ssl: true, serverHostname: "other" })?.serverHostname, "other");
  assert.equal(clientSettings(null, { ssl: true, serverHostname: "other" })?.serverHostname, "other");
  for (const nobody of [null, ""]) assert.throws(() => clientSettings(nobody, { ssl: true }), ValueError);
  assert.throws(() => clientSettings(host, { ssl: true, serverHostname: "" }), ValueError);
  assert.throws(() => clientSettings(host, { ssl: true, serverHostname: 5 as never }), TypeError);
  for (const bad of [".test", "a\0b"]) {
    assert.throws(() => clientSettings(host, { ssl: true, serverHostname: bad }), ValueError);
  }
  assert.equal(
    clientSettings(null, { ssl: { checkHostname: false }, serverHostname: "" })?.serverHostname,
    null,
  );
});

test("the timeouts are 60 and 30 seconds, or what is given, above 0", () => {
  const { handshakeTimeout, shutdownTimeout } = clientSettings(host, { ssl: true })!;
  assert.deepEqual([handshakeTimeout, shutdownTimeout], [60, 30]);
  const given = serverSettings({ ssl: server, sslHandshakeTimeout: 1.5, sslShutdownTimeout: 2 })!;
  assert.deepEqual([given.handshakeTimeout, given.shutdownTimeout], [1.5, 2]);
  for (const wrong of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "1" as never]) {
    assert.throws(() => clientSettings(host, { ssl: true, sslHandshakeTimeout: wrong }), ValueError);
    assert.throws(() => serverSettings({ ssl: server, sslShutdownTimeout: wrong }), ValueError);
  }
});

describe("the calls", () => {
  inEachBackend("they check what they are given about TLS at once", async ({ loop }) => {
    const factory = () => new Echo();
    assert.throws(() => loop.createConnection(factory, "localhost", 1, { serverHostname: "x" }), ValueError);
    assert.throws(() => loop.createServer(factory, "localhost", 0, { ssl: true as never }), TypeError);
    assert.throws(() => loop.createUnixConnection(factory, "/x", { ssl: true }), ValueError);
    assert.throws(() => loop.createUnixServer(factory, "/x", { sslHandshakeTimeout: 1 }), ValueError);
    assert.throws(
      () => loop.connectAcceptedSocket(factory, { fileno: () => 0 }, { ssl: true as never }),
      TypeError,
    );
  });
});
