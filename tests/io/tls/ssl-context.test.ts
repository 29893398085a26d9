import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import {
  CERT_NONE,
  CERT_OPTIONAL,
  CERT_REQUIRED,
  createDefaultContext,
  FileNotFoundError,
  OSError,
  Purpose,
  SSLContext,
  SSLError,
  ValueError,
  type VerifyMode,
} from "../../../src/index.ts";
import { inEachBackend } from "../backends.ts";
import { Echo, Recorder } from "../recorder.ts";
import { authority, encrypted, localhost, opensslSkip, stranger, writeFile } from "./certificates.ts";
import { connectTls, serverContext, serveTls } from "./support.ts";

const nowhere = "/no/such/file.pem";

test("a client's context checks certificates and hosts, a server's asks for none", () => {
  const { verifyMode, checkHostname, purpose } = createDefaultContext();
  assert.deepEqual([verifyMode, checkHostname, purpose], [CERT_REQUIRED, true, Purpose.SERVER_AUTH]);
  const server = createDefaultContext({ purpose: Purpose.CLIENT_AUTH });
  assert.deepEqual(
    [server.verifyMode, server.checkHostname, server.purpose],
    [CERT_NONE, false, Purpose.CLIENT_AUTH],
  );
  const plain = new SSLContext();
  assert.deepEqual(
    [plain.verifyMode, plain.checkHostname, plain.purpose],
    [CERT_REQUIRED, true, Purpose.SERVER_AUTH],
  );
});

test("Python's numbers, for who has them in a configuration", () => {
  assert.deepEqual([CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED], [0, 1, 2]);
});

test("a host is checked only if the certificate is", () => {
  const context = createDefaultContext();
  assert.throws(() => {
    context.verifyMode = CERT_NONE;
  }, ValueError);
  context.checkHostname = false;
  context.verifyMode = CERT_NONE;
  assert.equal(context.verifyMode, CERT_NONE);
  context.checkHostname = true;
  assert.equal(context.verifyMode, CERT_REQUIRED);
  assert.equal(new SSLContext({ verifyMode: CERT_NONE }).checkHostname, false);
  assert.equal(new SSLContext({ checkHostname: false }).verifyMode, CERT_REQUIRED);
});

test("what is no mode, no purpose, no options or an option of Node's with another name here is an error", () => {
  assert.throws(() => new SSLContext({ verifyMode: 3 as VerifyMode }), ValueError);
  assert.throws(() => {
    new SSLContext().verifyMode = "REQUIRED" as unknown as VerifyMode;
  }, ValueError);
  assert.throws(() => new SSLContext({ purpose: "both" as Purpose }), ValueError);
  assert.throws(() => new SSLContext("cert" as never), TypeError);
  assert.throws(() => new SSLContext(null as never), TypeError);
  assert.throws(() => new SSLContext({ rejectUnauthorized: false } as never), /use verifyMode/);
  assert.throws(() => new SSLContext({ requestCert: true } as never), /use verifyMode/);
  assert.throws(() => new SSLContext({ SNICallback: () => {} } as never), /use sniCallback/);
});

test("it shows what it is", () => {
  assert.equal(
    inspect(createDefaultContext()),
    "<SSLContext purpose=SERVER_AUTH verifyMode=2 checkHostname=true>",
  );
});

test("versions, ciphers and protocols are set", () => {
  const context = createDefaultContext();
  assert.deepEqual([context.minimumVersion, context.maximumVersion], [null, null]);
  context.minimumVersion = "TLSv1.2";
  context.maximumVersion = "TLSv1.3";
  assert.deepEqual([context.minimumVersion, context.maximumVersion], ["TLSv1.2", "TLSv1.3"]);
  context.setCiphers("ECDHE-RSA-AES128-GCM-SHA256");
  assert.throws(() => context.setCiphers("no such cipher"), SSLError);
  assert.throws(() => {
    context.minimumVersion = "TLSv9" as never;
  }, ValueError);
  assert.equal(context.minimumVersion, "TLSv1.2");
  context.setAlpnProtocols(["h2", "http/1.1"]);
  assert.deepEqual(context.alpnProtocols, ["h2", "http/1.1"]);
});

test("protocols are names in an array, of a length that can be sent", () => {
  const context = createDefaultContext();
  for (const bad of ["h2", null, [7]]) {
    assert.throws(() => context.setAlpnProtocols(bad as never), TypeError);
    if (bad !== null) assert.throws(() => new SSLContext({ ALPNProtocols: bad as never }), TypeError);
  }
  for (const bad of ["", "x".repeat(256)]) {
    assert.throws(() => context.setAlpnProtocols([bad]), SSLError);
    assert.throws(() => new SSLContext({ ALPNProtocols: [bad] }), SSLError);
  }
  assert.deepEqual(context.alpnProtocols, []);
});

test("the sniCallback is a function, or none", () => {
  const context = new SSLContext({ purpose: Purpose.CLIENT_AUTH });
  for (const bad of ["no function", 5]) {
    assert.throws(() => new SSLContext({ sniCallback: bad as never }), TypeError);
    assert.throws(() => {
      context.sniCallback = bad as never;
    }, TypeError);
  }
  assert.equal(context.sniCallback, null);
});

test("what Python's functions take is no option, and is not passed over in silence", () => {
  for (const name of [
    "certfile",
    "keyfile",
    "password",
    "cafile",
    "capath",
    "cadata",
    "minimumVersion",
    "alpnProtocols",
  ]) {
    assert.throws(() => new SSLContext({ [name]: "x" }), new RegExp(`${name} is not an option here`));
  }
});

test("a path is a string: a number would be read from as an fd", () => {
  const context = new SSLContext();
  assert.throws(() => context.loadCertChain(0 as never), TypeError);
  assert.throws(() => context.loadVerifyLocations({ cafile: 0 as never }), TypeError);
  assert.throws(() => context.loadVerifyLocations({ capath: 0 as never }), TypeError);
});

test("who is trusted must be certificates", () => {
  assert.throws(() => new SSLContext({ ca: "/etc/ssl/ca.pem" }), SSLError);
  assert.throws(() => new SSLContext({ ca: [Buffer.from("nothing")] }), SSLError);
});

describe("certificates of a context", { skip: opensslSkip }, () => {
  test("a certificate and its key can be in one file, or encrypted", () => {
    const context = createDefaultContext({ purpose: Purpose.CLIENT_AUTH });
    const { cert, key, certfile, keyfile } = localhost();
    context.loadCertChain(certfile, keyfile);
    context.loadCertChain(writeFile("both.pem", cert + key));
    context.loadCertChain(certfile, encrypted(localhost(), "secret"), "secret");
  });

  test("files that are not there, or hold something else, are errors, and change nothing", () => {
    const context = createDefaultContext({ purpose: Purpose.CLIENT_AUTH });
    const { certfile, keyfile } = localhost();
    const before = context.secureContext();
    assert.throws(() => context.loadCertChain(nowhere), FileNotFoundError);
    assert.throws(() => context.loadCertChain(certfile, nowhere), FileNotFoundError);
    assert.throws(() => context.loadCertChain(certfile), SSLError);
    assert.throws(() => context.loadCertChain(keyfile), SSLError);
    assert.throws(() => context.loadCertChain(certfile, stranger().keyfile), SSLError);
    assert.throws(() => context.loadCertChain(certfile, encrypted(localhost(), "secret"), "wrong"), SSLError);
    assert.throws(() => new SSLContext({ cert: "nonsense", key: "nonsense" }), SSLError);
    assert.equal(context.secureContext(), before);
  });

  test("places without a certificate are errors", () => {
    assert.throws(() => createDefaultContext({ cafile: nowhere }), FileNotFoundError);
    assert.throws(() => createDefaultContext({ capath: nowhere }), FileNotFoundError);
    assert.throws(() => createDefaultContext({ cafile: tmpdir() }), OSError);
    assert.throws(() => createDefaultContext({ cafile: writeFile("empty.pem", "nothing") }), SSLError);
    assert.throws(() => createDefaultContext({ cadata: "nothing" }), SSLError);
    assert.throws(() => createDefaultContext().loadVerifyLocations({}), TypeError);
  });

  const places = {
    cafile: () => ({ cafile: authority().certfile }),
    cadata: () => ({ cadata: authority().cert }),
    "cadata in bytes": () => ({ cadata: Buffer.from(authority().cert) }),
    capath: () => ({ capath: directoryOf(authority().cert) }),
  };
  for (const [name, place] of Object.entries(places)) {
    inEachBackend(`who is trusted is given as ${name}`, async (bench) => {
      const port = await serveTls(bench, () => new Echo());
      await connectTls(bench, new Recorder(bench.loop), port, { ssl: createDefaultContext(place()) });
      const later = createDefaultContext();
      later.loadVerifyLocations(place());
      await connectTls(bench, new Recorder(bench.loop), port, { ssl: later });
    });
  }

  inEachBackend("those who are trusted later are trusted besides the others", async (bench) => {
    const context = createDefaultContext({ cadata: stranger().cert });
    context.loadVerifyLocations({ cadata: authority().cert });
    const port = await serveTls(bench, () => new Echo());
    await connectTls(bench, new Recorder(bench.loop), port, { ssl: context });
    const other = await serveTls(bench, () => new Echo(), { ssl: serverContext(stranger()) });
    await connectTls(bench, new Recorder(bench.loop), other, {
      ssl: new SSLContext({ ca: stranger().cert, allowPartialTrustChain: true }),
    });
  });
});

/** A directory with a certificate, and with what is none. */
function directoryOf(cert: string): string {
  const directory = mkdtempSync(join(tmpdir(), "asyncio-ca-"));
  process.on("exit", () => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, "private"));
  writeFileSync(join(directory, "README"), "these are trusted");
  writeFileSync(join(directory, "authority.pem"), cert);
  return directory;
}
