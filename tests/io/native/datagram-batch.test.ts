import assert from "node:assert/strict";
import { constants } from "node:os";
import { describe, test } from "node:test";
import { decodeAddress } from "../../../src/io/native/address.ts";
import { batchFor, DatagramBatch } from "../../../src/io/native/datagram-batch.ts";
import { Socket } from "../../../src/io/native/socket.ts";
import { AF_INET, AF_INET6, AF_UNIX, SOCK_DGRAM } from "../../../src/io/socket-constants.ts";
import { closedAfter, pair, skip } from "./support.ts";

const { EAGAIN, EBADF } = constants.errno;

describe("a batch of datagrams", { skip }, () => {
  test("has what was waiting, in its order, each with its sender", (t) => {
    const sockets = closedAfter(
      t,
      [1, 2, 3].map(() => new Socket(AF_INET, SOCK_DGRAM)),
    );
    const [receiver, one, other] = sockets as [Socket, Socket, Socket];
    for (const socket of sockets) socket.bind(["127.0.0.1", 0]);
    const sent = [
      ["first", one],
      ["", other],
      ["x".repeat(65507), one],
    ] as const;
    const batch = new DatagramBatch(65536);
    for (let round = 0; round < 2; round++) {
      for (const [text, sender] of sent) sender.sendto(text, receiver.getsockname());
      assert.equal(batch.receive(receiver.fileno()), 3);
      for (const [i, [text, sender]] of sent.entries()) {
        assert.equal(batch.data(i).toString(), text);
        assert.deepEqual(decodeAddress(batch.name(i), batch.nameLength(i)), sender.getsockname());
      }
    }
  });

  test("takes no more than fit, and leaves the rest", (t) => {
    const [left, right] = pair(t, SOCK_DGRAM);
    const batch = new DatagramBatch(1024 * 1024);
    for (const text of ["1", "2", "3"]) left.send(text);
    assert.equal(batch.receive(right.fileno()), 2);
    assert.deepEqual([batch.data(0).toString(), batch.data(1).toString()], ["1", "2"]);
    assert.equal(batch.receive(right.fileno()), 1);
    assert.equal(batch.data(0).toString(), "3");
  });

  test("knows a sender without a name by its length", (t) => {
    const [left, right] = pair(t, SOCK_DGRAM);
    const batch = batchFor(AF_UNIX);
    left.send("anonymous");
    assert.equal(batch.receive(right.fileno()), 1);
    assert.equal(batch.nameLength(0), 0);
  });

  test("gives the negative error number, and never waits, also at a socket that does", (t) => {
    const [, right] = pair(t, SOCK_DGRAM);
    right.setblocking(true);
    assert.equal(batchFor(AF_UNIX).receive(right.fileno()), -EAGAIN);
    assert.equal(batchFor(AF_INET).receive(-1), -EBADF);
  });

  test("gives datagrams that the next one does not change", (t) => {
    const [left, right] = pair(t, SOCK_DGRAM);
    const batch = batchFor(AF_UNIX);
    left.send("mine");
    batch.receive(right.fileno());
    const mine = batch.data(0);
    left.send("next");
    batch.receive(right.fileno());
    assert.equal(mine.toString(), "mine");
  });

  test("is shared by the sockets of families whose datagrams are as long", () => {
    assert.equal(batchFor(AF_INET), batchFor(AF_INET6));
    assert.notEqual(batchFor(AF_INET), batchFor(AF_UNIX));
  });
});
