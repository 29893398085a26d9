import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  type Address,
  AF_INET,
  AF_INET6,
  AF_UNIX,
  BrokenPipeError,
  CancelledError,
  ConnectionRefusedError,
  createTask,
  type EventLoop,
  gaierror,
  gather,
  OSError,
  RuntimeError,
  SOCK_DGRAM,
  Socket,
  sleep,
  socketpair,
  ValueError,
} from "../../../src/index.ts";
import type { Steps } from "../../flavours.ts";
import { rejects } from "../../helpers.ts";
import { pattern, Recorder } from "../recorder.ts";
import { inEachFlavourNatively, type NativeBench } from "./flavoured.ts";
import { listener, skipIPv6 } from "./support.ts";

const MiB = 1024 * 1024;

/** Use sockets, and close them in any case. */
function* closing<S extends Socket[]>(sockets: [...S], body: (...sockets: S) => Steps<void>): Steps<void> {
  try {
    yield* body(...sockets);
  } finally {
    for (const socket of sockets) socket.close();
  }
}

/** All that comes in until the end of the stream. */
function* receiveAll({ on, loop }: NativeBench, sock: Socket): Steps<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = yield* on(loop.sockRecv(sock, 100_000));
    if (chunk.length === 0) return Buffer.concat(chunks);
    chunks.push(chunk);
  }
}

describe("sockRecv", () => {
  inEachFlavourNatively("gives at once what is there", function* ({ on, loop }) {
    yield* closing(socketpair(), function* (left, right) {
      left.send("hello");
      let turned = false;
      loop.callSoon(() => {
        turned = true;
      });
      const received = yield* on(loop.sockRecv(right, 3));
      assert.equal(received.toString(), "hel");
      assert.equal(turned, false);
      assert.equal((yield* on(loop.sockRecv(right, 100))).toString(), "lo");
    });
  });

  inEachFlavourNatively("waits for what comes, and for the end of the stream", function* ({ on, loop }) {
    yield* closing(socketpair(), function* (left, right) {
      loop.callLater(0.01, () => left.send("late"));
      assert.equal((yield* on(loop.sockRecv(right, 100))).toString(), "late");
      loop.callLater(0.01, () => left.close());
      assert.equal((yield* on(loop.sockRecv(right, 100))).length, 0);
    });
  });

  inEachFlavourNatively("what was received is the reader's to keep", function* ({ on, loop }) {
    yield* closing(socketpair(), function* (left, right) {
      left.send("first");
      const first = yield* on(loop.sockRecv(right, 100));
      left.send("XXXXX");
      yield* on(loop.sockRecv(right, 100));
      assert.equal(first.toString(), "first");
    });
  });

  inEachFlavourNatively("a cancelled one loses nothing, and leaves nothing behind", function* ({ on, loop }) {
    yield* closing(socketpair(), function* (left, right) {
      const task = createTask(loop.sockRecv(right, 100));
      yield* on(sleep(0));
      left.send("kept");
      task.cancel();
      yield* rejects(on(task), CancelledError);
      assert.equal(loop.removeReader(right), false);
      assert.equal((yield* on(loop.sockRecv(right, 100))).toString(), "kept");
    });
  });

  inEachFlavourNatively(
    "one that is cancelled after its wake-up loses nothing either",
    function* ({ on, loop }) {
      yield* closing(socketpair(), function* (left, right) {
        for (let turns = 0; turns < 6; turns++) {
          const task = createTask(loop.sockRecv(right, 100));
          yield* on(sleep(0));
          left.send("kept");
          for (let i = 0; i < turns; i++) yield* on(sleep(0));
          let received: Buffer;
          if (task.cancel()) {
            yield* rejects(on(task), CancelledError);
            received = yield* on(loop.sockRecv(right, 100));
          } else {
            received = yield* on(task);
          }
          assert.equal(received.toString(), "kept");
        }
      });
    },
  );

  inEachFlavourNatively("tasks that wait for the same socket are served in turn", function* ({ on, loop }) {
    yield* closing(socketpair(), function* (left, right) {
      const tasks = ["a", "b", "c"].map(() => createTask(loop.sockRecv(right, 1)));
      yield* on(sleep(0));
      left.send("1");
      assert.equal((yield* on(tasks[0]!)).toString(), "1");
      tasks[1]!.cancel();
      yield* rejects(on(tasks[1]!), CancelledError);
      left.send("2");
      assert.equal((yield* on(tasks[2]!)).toString(), "2");
      assert.equal(loop.removeReader(right), false);
    });
  });

  inEachFlavourNatively("a callback that has taken the socket over stays", function* ({ on, loop }) {
    yield* closing(socketpair(), function* (left, right) {
      const task = createTask(loop.sockRecv(right, 100));
      yield* on(sleep(0));
      const called = loop.createFuture<void>();
      loop.addReader(right, () => {
        loop.removeReader(right);
        called.setResult(undefined);
      });
      task.cancel();
      yield* rejects(on(task), CancelledError);
      left.send("x");
      yield* on(called);
    });
  });

  inEachFlavourNatively("reading and writing wait at the same time", function* ({ on, loop }) {
    yield* closing(socketpair(), function* (left, right) {
      const data = pattern(4 * MiB);
      const writing = createTask(loop.sockSendall(left, data));
      const reading = createTask(loop.sockRecv(left, 100));
      yield* on(sleep(0));
      right.send("answer");
      assert.equal((yield* on(reading)).toString(), "answer");
      let size = 0;
      while (size < data.length) size += (yield* on(loop.sockRecv(right, MiB))).length;
      yield* on(writing);
    });
  });
});

describe("sockRecvInto", () => {
  inEachFlavourNatively("fills the buffer, and gives the number of bytes", function* ({ on, loop }) {
    yield* closing(socketpair(), function* (left, right) {
      const buffer = new Uint8Array(8).fill(0x2e);
      loop.callLater(0.01, () => left.send("hello"));
      assert.equal(yield* on(loop.sockRecvInto(right, buffer.subarray(1, 4))), 3);
      assert.equal(Buffer.from(buffer).toString(), ".hel....");
      assert.equal(yield* on(loop.sockRecvInto(right, buffer)), 2);
      left.close();
      assert.equal(yield* on(loop.sockRecvInto(right, buffer)), 0);
    });
  });

  inEachFlavourNatively("takes every kind of buffer", function* ({ on, loop }) {
    yield* closing(socketpair(), function* (left, right) {
      const memory = new ArrayBuffer(16);
      const parts = [
        memory,
        new DataView(memory, 8, 2),
        new Float64Array(memory, 8, 1),
        new Uint16Array(memory, 2, 3),
        new Uint8Array(new SharedArrayBuffer(4)),
      ];
      for (const part of parts) {
        new Uint8Array(memory).fill(0);
        left.send(Buffer.alloc(16, "x"));
        assert.equal(yield* on(loop.sockRecvInto(right, part)), part.byteLength);
        const view = ArrayBuffer.isView(part) ? part : new Uint8Array(part);
        const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
        assert.equal(String(bytes), "x".repeat(part.byteLength));
        if (part.byteLength < 16) right.recv(16);
      }
    });
  });
});

describe("a read of no bytes", () => {
  inEachFlavourNatively("gives none at once, though the socket has nothing", function* ({ on, loop }) {
    yield* closing(socketpair(), function* (left, right) {
      assert.equal((yield* on(loop.sockRecv(right, 0))).length, 0);
      assert.equal(yield* on(loop.sockRecvInto(right, new Uint8Array(0))), 0);
      assert.equal(right.recv(0).length, 0);
      assert.equal(right.recvInto(new Uint8Array(0)), 0);
      left.send("kept");
      assert.equal((yield* on(loop.sockRecv(right, 0))).length, 0);
      assert.equal(String(yield* on(loop.sockRecv(right, 10))), "kept");
    });
  });
});

describe("datagrams", () => {
  inEachFlavourNatively("come with their senders, one at a time, and cut", function* ({ on, loop }) {
    const sockets = [new Socket(AF_INET, SOCK_DGRAM), new Socket(AF_INET, SOCK_DGRAM)] as [Socket, Socket];
    yield* closing(sockets, function* (left, right) {
      for (const sock of sockets) sock.bind(["127.0.0.1", 0]);
      const to = right.getsockname();
      const waiting = createTask(loop.sockRecvfrom(right, 100));
      yield* on(sleep(0));
      assert.equal(yield* on(loop.sockSendto(left, "first", to)), 5);
      assert.deepEqual(yield* on(waiting), [Buffer.from("first"), left.getsockname()]);
      yield* on(loop.sockSendto(left, "second", to));
      yield* on(loop.sockSendto(left, "", to));
      assert.deepEqual(yield* on(loop.sockRecvfrom(right, 3)), [Buffer.from("sec"), left.getsockname()]);
      assert.deepEqual(yield* on(loop.sockRecvfrom(right, 3)), [Buffer.alloc(0), left.getsockname()]);
    });
  });

  inEachFlavourNatively("go into a buffer, or into a part of it", function* ({ on, loop }) {
    const sockets = [new Socket(AF_INET, SOCK_DGRAM), new Socket(AF_INET, SOCK_DGRAM)] as [Socket, Socket];
    yield* closing(sockets, function* (left, right) {
      for (const sock of sockets) sock.bind(["127.0.0.1", 0]);
      const buffer = Buffer.alloc(6, ".");
      for (const nbytes of [2, 0]) {
        const waiting = createTask(loop.sockRecvfromInto(right, buffer, nbytes));
        yield* on(sleep(0));
        yield* on(loop.sockSendto(left, "abcd", right.getsockname()));
        assert.deepEqual(yield* on(waiting), [nbytes || 4, left.getsockname()]);
        assert.equal(buffer.toString(), nbytes === 2 ? "ab...." : "abcd..");
      }
      assert.throws(() => loop.sockRecvfromInto(right, buffer, 7), ValueError);
    });
  });

  inEachFlavourNatively("wait for room, and go out whole", function* ({ on, loop }) {
    yield* closing(socketpair(AF_UNIX, SOCK_DGRAM), function* (left, right) {
      const sent = createTask(function* () {
        for (let i = 0; i < 500; i++) yield* loop.sockSendall(left, Buffer.alloc(1000, i));
        yield* loop.sockSendall(left, "");
      });
      for (let i = 0; i < 500; i++) {
        const datagram = yield* on(loop.sockRecv(right, 2000));
        assert.deepEqual(datagram, Buffer.alloc(1000, i));
      }
      assert.equal((yield* on(loop.sockRecv(right, 2000))).length, 0);
      yield* on(sent);
    });
  });

  inEachFlavourNatively("to a host name are refused: it must be resolved first", function* ({ loop }) {
    yield* closing([new Socket(AF_INET, SOCK_DGRAM)], function* (sock) {
      assert.throws(() => loop.sockSendto(sock, "x", ["localhost", 1]), gaierror);
      assert.throws(() => loop.sockSendto(sock, "x", "localhost"), TypeError);
    });
  });
});

describe("sockSendall", () => {
  inEachFlavourNatively("sends all, however slow the peer is", function* (bench) {
    const { on, loop } = bench;
    yield* closing(socketpair(), function* (left, right) {
      const data = pattern(5 * MiB);
      const sending = createTask(loop.sockSendall(left, data));
      yield* on(sleep(0));
      assert.equal(sending.done(), false);
      loop.callSoon(() => sending.addDoneCallback(() => left.close()));
      assert.ok((yield* receiveAll(bench, right)).equals(data));
      assert.equal(yield* on(sending), undefined);
    });
  });

  inEachFlavourNatively("takes strings and array buffers, and nothing but bytes", function* ({ on, loop }) {
    yield* closing(socketpair(), function* (left, right) {
      yield* on(loop.sockSendall(left, "é"));
      yield* on(loop.sockSendall(left, new Uint8Array([33]).buffer));
      assert.equal((yield* on(loop.sockRecv(right, 10))).toString(), "é!");
      assert.throws(() => loop.sockSendall(left, 42 as never), TypeError);
    });
  });

  inEachFlavourNatively("throws what the kernel says, also in the middle", function* ({ on, loop }) {
    yield* closing(socketpair(), function* (left, right) {
      const sending = createTask(loop.sockSendall(left, Buffer.alloc(5 * MiB)));
      yield* on(sleep(0));
      right.close();
      yield* rejects(on(sending), BrokenPipeError);
      yield* rejects(on(loop.sockSendall(left, "x")), BrokenPipeError);
      assert.equal(loop.removeWriter(left), false);
    });
  });

  inEachFlavourNatively("what a cancelled one had sent is a beginning of the data", function* (bench) {
    const { on, loop } = bench;
    yield* closing(socketpair(), function* (left, right) {
      const data = pattern(3 * MiB);
      const sending = createTask(loop.sockSendall(left, data));
      yield* on(sleep(0));
      yield* on(loop.sockRecv(right, 1000));
      sending.cancel();
      yield* rejects(on(sending), CancelledError);
      assert.equal(loop.removeWriter(left), false);
      left.close();
      const rest = yield* receiveAll(bench, right);
      assert.ok(rest.equals(data.subarray(1000, 1000 + rest.length)));
    });
  });
});

describe("sockAccept", () => {
  inEachFlavourNatively("waits for a connection, and gives it non-blocking", function* ({ on, loop }) {
    yield* closing([listener(), new Socket()], function* (server, client) {
      const accepting = createTask(loop.sockAccept(server));
      yield* on(sleep(0));
      yield* on(loop.sockConnect(client, server.getsockname()));
      const [connection, address] = yield* on(accepting);
      yield* closing([connection], function* (_connection) {
        assert.deepEqual(address, client.getsockname());
        assert.equal(connection.gettimeout(), 0);
        assert.deepEqual(connection.getpeername(), address);
      });
    });
  });

  inEachFlavourNatively("a cancelled one leaves the connection in the backlog", function* ({ on, loop }) {
    yield* closing([listener(), new Socket()], function* (server, client) {
      const accepting = createTask(loop.sockAccept(server));
      yield* on(sleep(0));
      client.connectEx(server.getsockname());
      accepting.cancel();
      yield* rejects(on(accepting), CancelledError);
      const [connection] = yield* on(loop.sockAccept(server));
      connection.close();
    });
  });

  inEachFlavourNatively("several acceptors get a connection each", function* ({ on, loop }) {
    yield* closing([listener(), new Socket(), new Socket()], function* (server, one, two) {
      const accepting = gather(loop.sockAccept(server), loop.sockAccept(server));
      yield* on(sleep(0));
      yield* on(loop.sockConnect(one, server.getsockname()));
      yield* on(loop.sockConnect(two, server.getsockname()));
      const accepted = yield* on(accepting);
      assert.deepEqual(
        accepted.map(([, address]) => address),
        [one.getsockname(), two.getsockname()],
      );
      for (const [connection] of accepted) connection.close();
    });
  });

  inEachFlavourNatively("is refused where nobody listens", function* ({ on, loop }) {
    yield* closing([new Socket()], function* (sock) {
      const error = yield* rejects(on(loop.sockAccept(sock)), OSError);
      assert.equal(error.code, "EINVAL");
    });
  });
});

describe("sockConnect", () => {
  inEachFlavourNatively("resolves a host name", function* ({ on, loop }) {
    yield* closing([listener(), new Socket()], function* (server, client) {
      const [, port] = server.getsockname() as [string, number];
      yield* on(loop.sockConnect(client, ["localhost", port]));
      assert.deepEqual(client.getpeername(), server.getsockname());
    });
  });

  inEachFlavourNatively(
    "connects by IPv6",
    function* ({ on, loop }) {
      yield* closing([listener(AF_INET6), new Socket(AF_INET6)], function* (server, client) {
        const [, port] = server.getsockname() as [string, number, number, number];
        yield* on(loop.sockConnect(client, ["::1", port]));
        assert.deepEqual(client.getpeername(), server.getsockname());
      });
    },
    { skip: skipIPv6 },
  );

  inEachFlavourNatively("connects to a unix socket", function* ({ on, loop }) {
    yield* closing([new Socket(AF_UNIX), new Socket(AF_UNIX)], function* (server, client) {
      server.bind("");
      server.listen();
      yield* on(loop.sockConnect(client, server.getsockname()));
      const [connection] = yield* on(loop.sockAccept(server));
      connection.close();
    });
  });

  inEachFlavourNatively("is refused where nobody listens, with the address", function* ({ on, loop }) {
    const server = listener();
    const address = server.getsockname() as [string, number];
    server.close();
    yield* closing([new Socket()], function* (client) {
      yield* rejects(on(loop.sockConnect(client, address)), ConnectionRefusedError, RegExp(`:${address[1]}`));
      assert.equal(loop.removeWriter(client), false);
    });
  });

  inEachFlavourNatively("throws gaierror for a name that nobody has", function* ({ on, loop }) {
    yield* closing([new Socket()], function* (client) {
      yield* rejects(on(loop.sockConnect(client, ["no such.invalid", 1])), gaierror);
      yield* rejects(on(loop.sockConnect(client, ["::1", 1])), gaierror);
    });
  });

  inEachFlavourNatively("what is no address throws at the call", function* ({ loop }) {
    yield* closing([new Socket(), new Socket(AF_UNIX)], function* (client, unix) {
      for (const nonsense of ["localhost", ["localhost"], [1, 2], ["localhost", "80"], null]) {
        assert.throws(() => loop.sockConnect(client, nonsense as unknown as Address), TypeError);
      }
      assert.throws(() => loop.sockConnect(client, ["localhost", 65536]), ValueError);
      assert.throws(() => loop.sockConnect(unix, ["localhost", 1]), TypeError);
    });
  });

  inEachFlavourNatively("one that is cancelled can be taken up again", function* ({ on, loop }) {
    yield* closing([fullListener(), new Socket()], function* (server, client) {
      const connecting = createTask(loop.sockConnect(client, server.getsockname()));
      yield* on(sleep(0));
      connecting.cancel();
      yield* rejects(on(connecting), CancelledError);
      assert.equal(loop.removeWriter(client), false);
      const again = createTask(loop.sockConnect(client, server.getsockname()));
      yield* on(sleep(0));
      assert.equal(again.done(), false);
      again.cancel();
      yield* rejects(on(again), CancelledError);
    });
  });
});

describe("a sockConnect whose socket was closed", () => {
  inEachFlavourNatively("leaves alone who watches the fd of that number by then", function* ({ on, loop }) {
    yield* closing([fullListener(), new Socket()], function* (server, client) {
      const connecting = createTask(loop.sockConnect(client, server.getsockname()));
      yield* on(sleep(0));
      const fd = client.fileno();
      client.close();
      yield* closing(socketpair(), function* (left, right) {
        const next = [left, right].find((sock) => sock.fileno() === fd);
        assert.ok(next);
        loop.addWriter(next, () => {});
        connecting.cancel();
        yield* rejects(on(connecting), CancelledError);
        assert.equal(loop.removeWriter(next), true);
      });
    });
  });
});

/** A server whose backlog is full: whoever connects to it waits. Its two clients are gone, but still in there. */
function fullListener(): Socket {
  const server = new Socket();
  server.bind(["127.0.0.1", 0]);
  server.listen(0);
  for (let i = 0; i < 2; i++) {
    using client = new Socket();
    client.connectEx(server.getsockname());
  }
  return server;
}

describe("which sockets are taken", () => {
  const calls: Record<string, (loop: EventLoop, sock: Socket) => unknown> = {
    sockRecv: (loop, sock) => loop.sockRecv(sock, 1),
    sockRecvInto: (loop, sock) => loop.sockRecvInto(sock, new Uint8Array(1)),
    sockRecvfrom: (loop, sock) => loop.sockRecvfrom(sock, 1),
    sockRecvfromInto: (loop, sock) => loop.sockRecvfromInto(sock, new Uint8Array(1)),
    sockSendall: (loop, sock) => loop.sockSendall(sock, "x"),
    sockSendto: (loop, sock) => loop.sockSendto(sock, "x", ["127.0.0.1", 1]),
    sockConnect: (loop, sock) => loop.sockConnect(sock, ["127.0.0.1", 1]),
    sockAccept: (loop, sock) => loop.sockAccept(sock),
    sockSendfile: (loop, sock) => loop.sockSendfile(sock, 0),
  };

  inEachFlavourNatively("a blocking one is refused at the call", function* ({ loop }) {
    yield* closing([new Socket()], function* (sock) {
      sock.setblocking(true);
      for (const call of Object.values(calls)) {
        assert.throws(() => call(loop, sock), { name: "ValueError", message: /must be non-blocking/ });
      }
    });
  });

  inEachFlavourNatively("a copy that was told to wait does not stop the loop", function* ({ on, loop }) {
    yield* closing(socketpair(), function* (sock, peer) {
      yield* closing([sock.dup()], function* (copy) {
        copy.setblocking(true);
        loop.callSoon(() => peer.send("x"));
        assert.equal((yield* on(loop.sockRecv(sock, 10))).toString(), "x");
        const data = Buffer.alloc(10_000_000, "long");
        const sending = loop.createTask(loop.sockSendall(sock, data));
        let received = 0;
        while (received < data.length) received += (yield* on(loop.sockRecv(peer, data.length))).length;
        yield* on(sending);
        assert.throws(() => loop.sockAccept(sock), { name: "ValueError", message: /must be non-blocking/ });
      });
    });
  });

  inEachFlavourNatively("a closed one is refused with EBADF", function* ({ loop }) {
    const sock = new Socket();
    sock.close();
    for (const call of Object.values(calls)) assert.throws(() => call(loop, sock), { code: "EBADF" });
  });

  inEachFlavourNatively("what is no Socket is refused", function* ({ loop }) {
    for (const nonsense of [7, null, {}, { fileno: () => 7 }]) {
      for (const call of Object.values(calls)) assert.throws(() => call(loop, nonsense as never), TypeError);
    }
  });

  inEachFlavourNatively("one that a transport has is refused", function* ({ on, loop }) {
    yield* closing([listener(), new Socket()], function* (server, sock) {
      sock.connectEx(server.getsockname());
      const early = loop.sockRecv(sock, 1);
      const made = loop.createConnection(() => new Recorder(loop), null, null, { sock });
      const [transport] = yield* on(made);
      for (const call of Object.values(calls)) assert.throws(() => call(loop, sock), RuntimeError);
      yield* rejects(on(early), RuntimeError, /used by a transport/);
      transport.abort();
      while (sock.fileno() >= 0) yield* on(sleep(0));
    });
  });
});

describe("sizes", () => {
  inEachFlavourNatively("that make no sense are refused at the call", function* ({ loop }) {
    yield* closing(socketpair(), function* (left, _right) {
      assert.throws(() => loop.sockRecv(left, -1), ValueError);
      assert.throws(() => loop.sockRecv(left, 1.5), TypeError);
      assert.throws(() => loop.sockRecv(left, undefined as never), TypeError);
      assert.throws(() => loop.sockRecvfrom(left, -1), ValueError);
      assert.throws(() => loop.sockRecvfromInto(left, new Uint8Array(1), -1), ValueError);
      assert.throws(() => loop.sockRecvInto(left, "x" as never), TypeError);
    });
  });
});
