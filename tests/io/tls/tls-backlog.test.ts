import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST_AT_ONCE } from "../../../src/io/tls/openssl-object.ts";
import { TlsBacklog } from "../../../src/io/tls/tls-backlog.ts";

/** Stands for TLS: notes what it is given, and can refuse it, as TLS does while it wants new keys. */
class Encrypter {
  readonly records: string[] = [];
  refuses = false;

  encrypt(bytes: Uint8Array): boolean {
    if (!this.refuses) this.records.push(Buffer.from(bytes).toString());
    return !this.refuses;
  }
}

test("what is written goes on at once", () => {
  const tls = new Encrypter();
  const backlog = new TlsBacklog(tls);
  backlog.write(Buffer.from("one"));
  backlog.write(Buffer.from("two"));
  assert.deepEqual(tls.records, ["one", "two"]);
  assert.equal(backlog.size, 0);
});

test("while it is paused, or TLS refuses, it waits, and goes on in its order", () => {
  const tls = new Encrypter();
  const backlog = new TlsBacklog(tls);
  backlog.pause();
  backlog.write(Buffer.from("one "));
  backlog.write(Buffer.from("two "));
  assert.equal(backlog.size, 8);
  backlog.resume();
  tls.refuses = true;
  backlog.flush();
  backlog.write(Buffer.from("three"));
  assert.deepEqual([backlog.size, tls.records], [13, []]);
  tls.refuses = false;
  backlog.flush();
  assert.deepEqual([backlog.size, tls.records], [0, ["one two three"]]);
});

test("much is cut into pieces, and pausing ends after one of them", () => {
  const tls = new Encrypter();
  const backlog = new TlsBacklog({
    encrypt(bytes) {
      backlog.pause();
      return tls.encrypt(bytes);
    },
  });
  backlog.write(Buffer.alloc(2 * MOST_AT_ONCE + 1));
  assert.equal(backlog.size, MOST_AT_ONCE + 1);
  for (let i = 0; i < 2; i++) {
    backlog.resume();
    backlog.flush();
  }
  assert.deepEqual(
    tls.records.map(({ length }) => length),
    [MOST_AT_ONCE, MOST_AT_ONCE, 1],
  );
});

test("clearing it leaves nothing", () => {
  const backlog = new TlsBacklog(new Encrypter());
  backlog.pause();
  backlog.write(Buffer.from("x"));
  backlog.clear();
  assert.equal(backlog.size, 0);
});
