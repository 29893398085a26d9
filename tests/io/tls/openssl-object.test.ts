import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SSLContext } from "../../../src/index.ts";
import { opensslContext } from "../../../src/io/tls/openssl-context.ts";
import { MOST_AT_ONCE, OpensslObject } from "../../../src/io/tls/openssl-object.ts";
import { secureClient, secureServer } from "../../../src/io/tls/tls-settings.ts";
import { nativeSkip } from "../backends.ts";
import { pattern } from "../recorder.ts";
import { localhost, opensslSkip } from "./certificates.ts";
import { clientContext, serverContext } from "./support.ts";

/** One side; what it sends waits in `sent`. */
class Side {
  readonly sent: Buffer[] = [];
  readonly tls: OpensslObject;

  constructor(context: SSLContext) {
    const isClient = context.purpose === "SERVER_AUTH";
    const settings = isClient ? secureClient(context, "localhost", {}) : secureServer(context, {});
    this.tls = new OpensslObject(opensslContext(context)!, settings, (bytes) =>
      this.sent.push(Buffer.from(bytes)),
    );
  }

  /** Let the other side have what was sent. */
  to({ tls }: Side): void {
    for (const bytes of this.sent.splice(0)) tls.feed(bytes);
  }

  /** All that can be read, in pieces of a record or more. */
  read(limit = 1): Buffer[] {
    const chunks: Buffer[] = [];
    while (!this.tls.drained) {
      const chunk = this.tls.decrypt(limit);
      if (chunk !== null) chunks.push(chunk);
    }
    return chunks;
  }
}

function handshaken(context = serverContext()): [client: Side, server: Side] {
  const [client, server] = [new Side(clientContext()), new Side(context)];
  for (let [clientDone, serverDone] = [false, false]; !clientDone || !serverDone; ) {
    clientDone = client.tls.handshake();
    client.to(server);
    serverDone = server.tls.handshake();
    server.to(client);
  }
  return [client, server];
}

describe("TLS between memory and memory", { skip: opensslSkip || nativeSkip }, () => {
  test("what one side encrypts the other decrypts, record by record", () => {
    const [client, server] = handshaken();
    const data = pattern(MOST_AT_ONCE);
    assert.equal(client.tls.encrypt(data), true);
    client.to(server);
    assert.ok(server.tls.unreadSize > data.length);
    const chunks = server.read();
    assert.equal(chunks.length, 15);
    assert.ok(Buffer.concat(chunks).equals(data));
    assert.equal(server.tls.unreadSize, 0);
  });

  test("connections take turns at every step, and none gets another's bytes", () => {
    const pairs = Array.from({ length: 5 }, () => handshaken());
    const texts = pairs.map((_, index) => pattern(70_000, index));
    for (const [index, [client]] of pairs.entries()) client.tls.encrypt(texts[index]!);
    for (const [client, server] of pairs) client.to(server);
    const received = pairs.map((): Buffer[] => []);
    while (pairs.some(([, { tls }]) => !tls.drained)) {
      for (const [index, [, { tls }]] of pairs.entries()) {
        const chunk = tls.decrypt(1);
        if (chunk !== null) received[index]!.push(chunk);
      }
    }
    for (const [index, chunks] of received.entries()) assert.ok(Buffer.concat(chunks).equals(texts[index]!));
  });

  test("the end is told behind what came before it", () => {
    const [client, server] = handshaken();
    client.tls.encrypt(Buffer.from("the last words"));
    client.tls.shutdown();
    client.to(server);
    assert.equal(String(server.tls.decrypt(1)), "the last words");
    assert.equal(server.tls.notified, false);
    assert.equal(server.tls.decrypt(1), null);
    assert.deepEqual([server.tls.notified, server.tls.failure, server.tls.drained], [true, null, true]);
  });

  test("so is an error; the other side is told of it, too", () => {
    const [client, server] = handshaken();
    client.tls.encrypt(Buffer.from("right"));
    client.sent.push(Buffer.from("this is no record of TLS"));
    client.to(server);
    assert.deepEqual(server.read().map(String), ["right"]);
    assert.match(server.tls.failure!.code, /^ERR_SSL_/);
    server.to(client);
    assert.deepEqual(client.read(), []);
    assert.match(String(client.tls.failure!.reason), /alert/);
    assert.throws(() => client.tls.encrypt(Buffer.from("x")));
  });

  test("errors that others left in OpenSSL's queue are not taken for its own", () => {
    const [client, server] = handshaken();
    const { openssl } = opensslContext(serverContext())!;
    const leave = () => {
      const bio = openssl.BIO_new_mem_buf(Buffer.from("x"), 1);
      openssl.PEM_read_bio_X509_AUX(bio, 0, 0, "");
      openssl.BIO_free(bio);
      assert.notEqual(openssl.ERR_peek_last_error(), 0);
    };
    leave();
    assert.equal(client.tls.encrypt(Buffer.from("hello")), true);
    client.to(server);
    leave();
    assert.deepEqual(server.read().map(String), ["hello"]);
    assert.equal(server.tls.failure, null);
    openssl.ERR_clear_error();
  });

  test("when its memory is given back, it does nothing any more", () => {
    const [client, server] = handshaken(serverContext(localhost(), { maxVersion: "TLSv1.2" }));
    client.tls.encrypt(Buffer.from("x"));
    client.to(server);
    server.tls.free();
    server.tls.free();
    assert.deepEqual([server.tls.destroyed, server.tls.drained, server.tls.unreadSize], [true, true, 0]);
    server.tls.feed(Buffer.from("x"));
    assert.equal(server.tls.decrypt(1), null);
    assert.equal(server.tls.encrypt(Buffer.from("x")), false);
    assert.equal(server.tls.handshake(), false);
    server.tls.shutdown();
    assert.deepEqual(server.sent, []);
    assert.throws(() => server.tls.exportKeyingMaterial(1, "x"), /closed/);
  });
});
