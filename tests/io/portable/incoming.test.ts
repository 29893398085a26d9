import assert from "node:assert/strict";
import { Socket } from "node:net";
import { test } from "node:test";
import { OSError } from "../../../src/index.ts";
import { Incoming } from "../../../src/io/portable/incoming.ts";

const KiB = 1024;

/** With the socket that it pauses. */
function newIncoming(): [Incoming, Socket] {
  const socket = new Socket();
  return [new Incoming(socket), socket];
}

test("what is pushed is taken out in order, and then the end, once", () => {
  const [incoming] = newIncoming();
  assert.equal(incoming.isEmpty(), true);
  incoming.push(Buffer.from("one"));
  incoming.push(Buffer.from("two"));
  incoming.end();
  assert.equal(incoming.isEmpty(), false);
  assert.equal(String(incoming.shift()), "one");
  incoming.unshift(Buffer.from("ne"));
  assert.equal(String(incoming.shift()), "ne");
  assert.equal(String(incoming.shift()), "two");
  assert.equal(incoming.isEmpty(), false);
  assert.equal(incoming.shift(), null);
  assert.equal(incoming.error, null);
  assert.equal(incoming.isEmpty(), true);
});

test("the end may be an error", () => {
  const [incoming] = newIncoming();
  const error = new OSError("ECONNRESET", "reset");
  incoming.fail(error);
  assert.equal(incoming.shift(), null);
  assert.equal(incoming.error, error);
});

test("the socket is paused when 256 KiB wait", () => {
  const [incoming, socket] = newIncoming();
  incoming.push(Buffer.alloc(256 * KiB - 1));
  assert.equal(socket.isPaused(), false);
  incoming.shift();
  incoming.push(Buffer.alloc(255 * KiB));
  assert.equal(socket.isPaused(), false);
  incoming.push(Buffer.alloc(KiB));
  assert.equal(socket.isPaused(), true);
});

test("nothing is left after clear", () => {
  const [incoming] = newIncoming();
  incoming.push(Buffer.alloc(1));
  incoming.end();
  incoming.clear();
  assert.equal(incoming.isEmpty(), true);
});
