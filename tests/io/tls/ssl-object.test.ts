/** What can be asked of the TLS of a connection, whichever library speaks it. */

import assert from "node:assert/strict";
import { describe } from "node:test";
import { CERT_REQUIRED } from "../../../src/index.ts";
import { idle, inEachBackend } from "../backends.ts";
import type { Recorder } from "../recorder.ts";
import { authority, client, localhost, opensslSkip } from "./certificates.ts";
import { clientContext, serverContext, tlsRecorders } from "./support.ts";

const tlsOf = ({ transport }: Recorder) => transport.getExtraInfo("ssl_object")!;

describe("the TLS of a connection", { skip: opensslSkip }, () => {
  inEachBackend("it tells its version and its cipher, the same on both sides", async (bench) => {
    const [left, right] = (await tlsRecorders(bench)).map(tlsOf);
    assert.equal(left!.encrypted, true);
    assert.equal(left!.getProtocol(), "TLSv1.3");
    assert.match(left!.getCipher().name, /^TLS_\w+$/);
    assert.deepEqual(left!.getCipher(), right!.getCipher());
    assert.deepEqual([left!.alpnProtocol, right!.alpnProtocol], [false, false]);
    assert.deepEqual([left!.isSessionReused(), right!.isSessionReused()], [false, false]);
  });

  inEachBackend("with TLS 1.2 the cipher has its name in OpenSSL and in the standard", async (bench) => {
    const ssl = serverContext(localhost(), {
      maxVersion: "TLSv1.2",
      ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384",
    });
    const [left] = (await tlsRecorders(bench, {}, {}, { ssl })).map(tlsOf);
    assert.equal(left!.getProtocol(), "TLSv1.2");
    assert.deepEqual(left!.getCipher(), {
      name: "ECDHE-ECDSA-AES256-GCM-SHA384",
      standardName: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
      version: "TLSv1.2",
    });
  });

  inEachBackend("both sides know by which messages the handshake ended", async (bench) => {
    const [left, right] = (await tlsRecorders(bench)).map(tlsOf);
    assert.ok(left!.getFinished()!.length >= 12);
    assert.deepEqual(left!.getFinished(), right!.getPeerFinished());
    assert.deepEqual(right!.getFinished(), left!.getPeerFinished());
  });

  inEachBackend("both sides can derive the same secret", async (bench) => {
    const [left, right] = (await tlsRecorders(bench)).map(tlsOf);
    const secret = (side = left, context = "here") =>
      side!.exportKeyingMaterial(40, "EXPERIMENTAL", Buffer.from(context));
    assert.equal(secret().length, 40);
    assert.deepEqual(secret(), secret(right));
    assert.notDeepEqual(secret(), secret(left, "there"));
  });

  inEachBackend("a side knows whether the other's certificate is trusted", async (bench) => {
    const [left, right] = (await tlsRecorders(bench)).map(tlsOf);
    assert.equal(left!.authorized, true);
    assert.equal(right!.authorized, false);
  });

  inEachBackend("so does a server whose client has one", async (bench) => {
    const own = clientContext();
    own.loadCertChain(client().certfile, client().keyfile);
    const ssl = serverContext(localhost(), { verifyMode: CERT_REQUIRED, ca: [authority().cert] });
    const [, right] = (await tlsRecorders(bench, {}, {}, { ssl }, { ssl: own })).map(tlsOf);
    assert.equal(right!.authorized, true);
  });

  inEachBackend("when the connection is over, it can be asked still, and is destroyed", async (bench) => {
    const [left, right] = await tlsRecorders(bench);
    const tls = tlsOf(left);
    assert.equal(tls.destroyed, false);
    left.transport.close();
    await Promise.all([left.called("connectionLost"), right.called("connectionLost")]);
    await idle();
    assert.equal(tls.destroyed, true);
    tls.getProtocol();
    tls.getFinished();
    tls.getPeerFinished();
    assert.ok(!tls.isSessionReused());
    assert.ok(!tls.alpnProtocol);
  });
});
