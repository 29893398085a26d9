import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { inspect } from "node:util";
import {
  BlockingIOError,
  BrokenPipeError,
  ConnectionRefusedError,
  ConnectionResetError,
  FileNotFoundError,
  gaierror,
  NotImplementedError,
  OSError,
  ValueError,
} from "../../../src/core/errors.ts";
import type { Address } from "../../../src/io/address.ts";
import { libc } from "../../../src/io/native/libc.ts";
import { EVENT_READ, EVENT_WRITE } from "../../../src/io/native/selector.ts";
import { Socket, socketpair } from "../../../src/io/native/socket.ts";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  MSG_PEEK,
  MSG_TRUNC,
  SHUT_WR,
  SO_ERROR,
  SO_LINGER,
  SO_RCVBUF,
  SO_REUSEADDR,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
} from "../../../src/io/socket-constants.ts";
import {
  closedAfter,
  collect,
  connected,
  listener,
  openFiles,
  pair,
  ready,
  skip,
  skipIPv6,
  warningAfterGc,
} from "./support.ts";

const F_GETFD = 1;
const F_SETFD = 2;
const FD_CLOEXEC = 1;

/** A TCP address on loopback at which nobody listens. */
function unusedAddress(): Address {
  using socket = listener();
  return socket.getsockname();
}

/** Sends until the kernel takes no more; the number of bytes that it took. */
function fill(socket: Socket): number {
  const chunk = Buffer.alloc(100_000);
  let total = 0;
  for (;;) {
    try {
      total += socket.send(chunk);
    } catch (error) {
      assert.ok(error instanceof BlockingIOError);
      return total;
    }
  }
}

describe("Socket", { skip }, () => {
  describe("creation", () => {
    test("makes a TCP socket over IPv4 by default", () => {
      using socket = new Socket();
      assert.equal(socket.family, AF_INET);
      assert.equal(socket.type, SOCK_STREAM);
      assert.equal(socket.proto, 0);
      assert.ok(socket.fileno() >= 0);
    });

    test("makes it non-blocking and closed on exec, as it does for accepted and copied ones", async (t) => {
      const [client, peer] = await connected(t);
      using copy = peer.dup();
      for (const socket of [client, peer, copy]) {
        assert.equal(socket.gettimeout(), 0);
        assert.equal(libc().fcntl(socket.fileno(), F_GETFD, 0) & FD_CLOEXEC, FD_CLOEXEC);
      }
    });

    test("tells whether child processes inherit it", () => {
      using socket = new Socket();
      assert.equal(socket.getInheritable(), false);
      libc().fcntl(socket.fileno(), F_SETFD, 0);
      assert.equal(socket.getInheritable(), true);
      socket.close();
      assert.throws(() => socket.getInheritable(), { code: "EBADF" });
    });

    test("reports an unknown family with its OSError", () => {
      assert.throws(() => new Socket(99), {
        name: "OSError",
        code: "EAFNOSUPPORT",
        errno: constants.errno.EAFNOSUPPORT,
        syscall: "socket",
      });
    });

    test("reports an unknown protocol with its OSError", () => {
      assert.throws(() => new Socket(AF_INET, SOCK_STREAM, 200), { code: "EPROTONOSUPPORT" });
    });

    test("takes over an open fd, and finds out what it is", () => {
      using first = new Socket(AF_INET, SOCK_DGRAM);
      first.setblocking(true);
      using second = new Socket(-1, -1, -1, { fileno: first.detach() });
      assert.equal(second.family, AF_INET);
      assert.equal(second.type, SOCK_DGRAM);
      assert.equal(second.proto, 17);
      assert.equal(second.getblocking(), false);
    });

    test("refuses an fd that is closed or no socket", () => {
      assert.throws(() => new Socket(-1, -1, -1, { fileno: 9999 }), { code: "EBADF" });
      assert.throws(() => new Socket(AF_INET, SOCK_STREAM, 0, { fileno: 9999 }), { code: "EBADF" });
      const epfd = libc().epoll_create1(0);
      assert.throws(() => new Socket(-1, -1, -1, { fileno: epfd }), { code: "ENOTSOCK" });
      for (const fileno of [epfd + 0.5, Number.NaN, "1" as never]) {
        assert.throws(() => new Socket(-1, -1, -1, { fileno }), TypeError);
      }
      libc().close(epfd);
    });
  });

  describe("connections", () => {
    test("carry bytes both ways over IPv4", async (t) => {
      const [client, peer, address] = await connected(t);
      assert.equal(client.send("ping"), 4);
      assert.equal(peer.recv(100).toString(), "ping");
      assert.equal(peer.send(Buffer.from("pong")), 4);
      assert.equal(client.recv(100).toString(), "pong");
      assert.deepEqual(address, client.getsockname());
      assert.deepEqual(client.getpeername(), peer.getsockname());
      assert.deepEqual(peer.getpeername(), client.getsockname());
      assert.equal(client.getsockname()[0], "127.0.0.1");
    });

    test("carry bytes over IPv6", { skip: skipIPv6 }, async (t) => {
      const [client, peer, address] = await connected(t, AF_INET6);
      client.send("six");
      assert.equal(peer.recv(100).toString(), "six");
      assert.deepEqual(address, ["::1", address[1], 0, 0]);
      assert.deepEqual(address, client.getsockname());
    });

    test("carry bytes over a Unix path", async (t) => {
      const directory = mkdtempSync(join(tmpdir(), "socket-"));
      t.after(() => rmSync(directory, { recursive: true }));
      const path = join(directory, "app.sock");
      using server = new Socket(AF_UNIX);
      server.bind(path);
      server.listen();
      assert.ok(existsSync(path));
      using client = new Socket(AF_UNIX);
      client.connect(path);
      const [peer, address] = server.accept();
      closedAfter(t, [peer]);
      assert.equal(address, "");
      assert.equal(client.getpeername(), path);
      client.send("unix");
      assert.equal(peer.recv(100).toString(), "unix");
    });

    test("carry bytes over an abstract Unix name", () => {
      const name = `\0asyncio-ts test ${process.pid}`;
      using server = new Socket(AF_UNIX);
      server.bind(name);
      server.listen();
      assert.equal(server.getsockname(), name);
      using client = new Socket(AF_UNIX);
      client.connect(name);
      using peer = server.accept()[0];
      assert.equal(peer.getsockname(), name);
    });

    test('let the kernel choose a name for a Unix socket bound to ""', () => {
      using server = new Socket(AF_UNIX);
      server.bind("");
      assert.match(server.getsockname() as string, /^\0[0-9a-f]+$/);
    });

    test("are refused where nobody listens", async () => {
      const address = unusedAddress();
      using client = new Socket();
      const errno = client.connectEx(address);
      const { EINPROGRESS, ECONNREFUSED } = constants.errno;
      assert.ok(errno === EINPROGRESS || errno === ECONNREFUSED);
      if (errno === EINPROGRESS) {
        await ready(client, EVENT_WRITE);
        assert.equal(client.getsockopt(SOL_SOCKET, SO_ERROR), ECONNREFUSED);
        assert.equal(client.getsockopt(SOL_SOCKET, SO_ERROR), 0);
      }
    });

    test("that a blocking socket makes are refused with a ConnectionRefusedError that says where", () => {
      const address = unusedAddress();
      using client = new Socket();
      client.setblocking(true);
      assert.throws(
        () => client.connect(address),
        (error: unknown) => {
          assert.ok(error instanceof ConnectionRefusedError);
          assert.equal(error.code, "ECONNREFUSED");
          assert.equal(error.errno, 111);
          assert.equal(error.syscall, "connect");
          assert.equal(error.message, `connect ECONNREFUSED 127.0.0.1:${address[1]}: Connection refused`);
          return true;
        },
      );
    });

    test("in progress are a BlockingIOError for connect and a number for connectEx", () => {
      using server = listener();
      using first = new Socket();
      assert.throws(() => first.connect(server.getsockname()), BlockingIOError);
      using second = new Socket();
      assert.equal(second.connectEx(server.getsockname()), constants.errno.EINPROGRESS);
    });

    test("to a path that is not there are a FileNotFoundError", () => {
      using client = new Socket(AF_UNIX);
      assert.throws(() => client.connect("/nonexistent/app.sock"), FileNotFoundError);
      assert.throws(() => client.connect("/nonexistent/app.sock"), /\/nonexistent\/app\.sock/);
    });

    test("to a name that is not resolved are a gaierror, even for connectEx", () => {
      using client = new Socket();
      assert.throws(() => client.connectEx(["localhost", 80]), gaierror);
    });

    test("to an address that is taken already are EADDRINUSE, which names it", () => {
      using server = listener();
      using second = new Socket();
      const address = server.getsockname();
      assert.throws(() => second.bind(address), {
        name: "OSError",
        code: "EADDRINUSE",
        message: `bind EADDRINUSE 127.0.0.1:${address[1]}: Address already in use`,
      });
    });

    test("that wait for nobody make accept a BlockingIOError", () => {
      using server = listener();
      assert.throws(() => server.accept(), BlockingIOError);
    });
  });

  describe("reading and writing", () => {
    test("reading nothing yet is a BlockingIOError with EAGAIN", (t) => {
      const [left] = pair(t);
      assert.throws(() => left.recv(10), {
        name: "BlockingIOError",
        code: "EAGAIN",
        errno: 11,
        syscall: "recv",
      });
      assert.throws(() => left.recvInto(Buffer.alloc(1)), BlockingIOError);
    });

    test("reading gives at most what was asked for, and keeps the rest", (t) => {
      const [left, right] = pair(t);
      left.send("abcdef");
      assert.equal(right.recv(2).toString(), "ab");
      assert.equal(right.recv(3, MSG_PEEK).toString(), "cde");
      assert.equal(right.recv(0).length, 0);
      assert.equal(right.recv(100).toString(), "cdef");
    });

    test("what was read before is not changed by what is read next", (t) => {
      const [left, right] = pair(t);
      left.send("first");
      const first = right.recv(5);
      left.send("other");
      right.recv(5);
      assert.equal(first.toString(), "first");
    });

    test("large reads are whole", (t) => {
      const [left, right] = pair(t);
      const data = Buffer.alloc(150_000, "x");
      const sent = left.send(data);
      assert.deepEqual(right.recv(1_000_000), data.subarray(0, sent));
    });

    test("reading into a buffer takes a count and leaves the rest alone", (t) => {
      const [left, right] = pair(t);
      const buffer = Buffer.from("......");
      left.send("abcdef");
      assert.equal(right.recvInto(buffer, 2), 2);
      assert.equal(buffer.toString(), "ab....");
      assert.equal(right.recvInto(buffer), 4);
      assert.equal(buffer.toString(), "cdef..");
      assert.throws(() => right.recvInto(buffer, 7), ValueError);
    });

    test("the end of the stream reads as nothing", (t) => {
      const [left, right] = pair(t);
      left.close();
      assert.equal(right.recv(10).length, 0);
      assert.equal(right.recvInto(Buffer.alloc(10)), 0);
    });

    test("a half-closed connection still reads", (t) => {
      const [left, right] = pair(t);
      left.shutdown(SHUT_WR);
      assert.equal(right.recv(10).length, 0);
      right.send("still here");
      assert.equal(left.recv(100).toString(), "still here");
      assert.throws(() => left.send("x"), BrokenPipeError);
    });

    test("the kernel takes a part of what is sent, then nothing until the peer reads", async (t) => {
      const [left, right] = pair(t);
      const data = Buffer.alloc(10_000_000);
      const sent = left.send(data);
      assert.ok(sent > 0 && sent < data.length);
      let total = sent + fill(left);
      assert.throws(() => left.send("x"), { name: "BlockingIOError", code: "EAGAIN" });
      while (total > 0) total -= right.recv(1_000_000).length;
      assert.equal(total, 0);
      assert.equal(left.send("x"), 1);
    });

    test("a string is sent as UTF-8", (t) => {
      const [left, right] = pair(t);
      assert.equal(left.send("ü"), 2);
      assert.deepEqual(right.recv(10), Buffer.from("ü"));
    });

    test("anything but bytes and strings is a TypeError", () => {
      using socket = new Socket();
      assert.throws(() => socket.send(7 as unknown as string), TypeError);
      assert.throws(() => socket.send([1] as unknown as Uint8Array), TypeError);
      assert.throws(() => socket.recv(-1), ValueError);
    });

    test("a peer that gives up is a ConnectionResetError", async (t) => {
      const [client, peer] = await connected(t);
      peer.setsockopt(SOL_SOCKET, SO_LINGER, new Uint8Array(Int32Array.of(1, 0).buffer));
      peer.close();
      await ready(client, EVENT_READ);
      assert.throws(() => client.recv(1), ConnectionResetError);
    });
  });

  describe("datagrams", () => {
    /** Two UDP sockets on loopback. */
    function udp(t: TestContext): [Socket, Socket] {
      const sockets: [Socket, Socket] = [new Socket(AF_INET, SOCK_DGRAM), new Socket(AF_INET, SOCK_DGRAM)];
      for (const socket of sockets) socket.bind(["127.0.0.1", 0]);
      return closedAfter(t, sockets);
    }

    test("arrive with the sender's address", async (t) => {
      const [left, right] = udp(t);
      assert.equal(left.sendto("hello", right.getsockname()), 5);
      await ready(right, EVENT_READ);
      const [data, sender] = right.recvfrom(100);
      assert.equal(data.toString(), "hello");
      assert.deepEqual(sender, left.getsockname());
    });

    test("are cut to the size of the read", async (t) => {
      const [left, right] = udp(t);
      left.sendto("hello", right.getsockname());
      left.sendto("world", right.getsockname());
      await ready(right, EVENT_READ);
      assert.equal(right.recv(3, MSG_TRUNC | MSG_PEEK).toString(), "hel");
      const buffer = Buffer.from("........");
      assert.equal(right.recvfromInto(buffer, 2)[0], 2);
      assert.equal(buffer.toString(), "he......");
      assert.equal(right.recvfrom(100)[0].toString(), "world");
    });

    test("of a sender without a name have no address", (t) => {
      const [left, right] = pair(t, SOCK_DGRAM);
      left.send("anonymous");
      assert.deepEqual(right.recvfrom(100), [Buffer.from("anonymous"), null]);
    });

    test("that are not there yet are a BlockingIOError", () => {
      using socket = new Socket(AF_INET, SOCK_DGRAM);
      assert.throws(() => socket.recvfrom(10), BlockingIOError);
    });

    test("that are too long are EMSGSIZE, which names the address", (t) => {
      const [left, right] = udp(t);
      assert.throws(() => left.sendto(Buffer.alloc(70_000), right.getsockname()), {
        code: "EMSGSIZE",
        message: /127\.0\.0\.1/,
      });
    });
  });

  describe("options", () => {
    test("are read and written as ints", () => {
      using socket = new Socket();
      assert.equal(socket.getsockopt(IPPROTO_TCP, TCP_NODELAY), 0);
      socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
      assert.notEqual(socket.getsockopt(IPPROTO_TCP, TCP_NODELAY), 0);
      socket.setsockopt(SOL_SOCKET, SO_RCVBUF, 10_000);
      assert.equal(socket.getsockopt(SOL_SOCKET, SO_RCVBUF), 20_000);
    });

    test("are read and written as bytes", () => {
      using socket = new Socket();
      const linger = new Uint8Array(Int32Array.of(1, 7).buffer);
      socket.setsockopt(SOL_SOCKET, SO_LINGER, linger);
      assert.deepEqual(new Uint8Array(socket.getsockopt(SOL_SOCKET, SO_LINGER, 64)), linger);
    });

    test("exist for IPv6", { skip: skipIPv6 }, () => {
      using socket = new Socket(AF_INET6);
      socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1);
      assert.equal(socket.getsockopt(IPPROTO_IPV6, IPV6_V6ONLY), 1);
    });

    test("that do not exist are ENOPROTOOPT, which names them", () => {
      using socket = new Socket();
      const expected = { name: "OSError", code: "ENOPROTOOPT", message: /level 1, option 9999/ };
      assert.throws(() => socket.setsockopt(SOL_SOCKET, 9999, 1), expected);
      assert.throws(() => socket.getsockopt(SOL_SOCKET, 9999), expected);
    });

    test("longer than 1024 bytes cannot be read", () => {
      using socket = new Socket();
      assert.throws(() => socket.getsockopt(SOL_SOCKET, SO_REUSEADDR, 1025), ValueError);
      assert.throws(() => socket.getsockopt(SOL_SOCKET, SO_REUSEADDR, -1), ValueError);
    });
  });

  describe("blocking mode", () => {
    test("is really set in the kernel, for all copies", () => {
      using socket = new Socket();
      using copy = socket.dup();
      socket.setblocking(true);
      assert.equal(copy.getblocking(), true);
      assert.equal(copy.gettimeout(), null);
      socket.setblocking(false);
      assert.equal(copy.getblocking(), false);
    });

    test("can be set as a timeout of 0 or null", () => {
      using socket = new Socket();
      socket.settimeout(null);
      assert.equal(socket.getblocking(), true);
      socket.settimeout(0);
      assert.equal(socket.gettimeout(), 0);
    });

    test("has no timeout in seconds: that is a NotImplementedError with the way out", () => {
      using socket = new Socket();
      assert.throws(() => socket.settimeout(5), NotImplementedError);
      assert.throws(() => socket.settimeout(5), /timeout\(seconds/);
    });
  });

  describe("closing", () => {
    test("twice is harmless", () => {
      const socket = new Socket();
      socket.close();
      socket.close();
      assert.equal(socket.fileno(), -1);
    });

    test("makes every use an EBADF that says so", () => {
      const socket = new Socket();
      socket.close();
      const uses: Record<string, () => unknown> = {
        bind: () => socket.bind(["", 0]),
        listen: () => socket.listen(),
        accept: () => socket.accept(),
        connect: () => socket.connect(["127.0.0.1", 1]),
        recv: () => socket.recv(1),
        send: () => socket.send("x"),
        recvfrom: () => socket.recvfrom(1),
        sendto: () => socket.sendto("x", ["127.0.0.1", 1]),
        getsockname: () => socket.getsockname(),
        getpeername: () => socket.getpeername(),
        getsockopt: () => socket.getsockopt(SOL_SOCKET, SO_ERROR),
        setsockopt: () => socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1),
        shutdown: () => socket.shutdown(SHUT_WR),
        fcntl: () => socket.setblocking(true),
      };
      for (const [syscall, use] of Object.entries(uses)) {
        const message = `${syscall} EBADF on a closed socket: Bad file descriptor`;
        assert.throws(use, { name: "OSError", code: "EBADF", syscall, message });
      }
      assert.throws(() => socket.dup(), { code: "EBADF" });
      assert.throws(() => socket.gettimeout(), { code: "EBADF" });
      assert.equal(socket.connectEx(["127.0.0.1", 1]), constants.errno.EBADF);
      assert.equal(socket.detach(), -1);
    });

    test("detaching keeps the fd open for the caller", (t) => {
      const [left, right] = pair(t);
      const fd = left.detach();
      assert.equal(left.fileno(), -1);
      left.close();
      using again = new Socket(AF_UNIX, SOCK_STREAM, 0, { fileno: fd });
      again.send("open");
      assert.equal(right.recv(10).toString(), "open");
    });

    test("a copy stays open without the original", (t) => {
      const [left, right] = pair(t);
      using copy = left.dup();
      assert.notEqual(copy.fileno(), left.fileno());
      left.close();
      copy.send("copy");
      assert.equal(right.recv(10).toString(), "copy");
    });

    test("an fd that somebody else closed is an EBADF that names it", () => {
      const socket = new Socket();
      const fd = socket.fileno();
      libc().close(fd);
      assert.throws(() => socket.close(), {
        code: "EBADF",
        message: `close EBADF fd ${fd}: Bad file descriptor`,
      });
      socket.close();
    });

    test("leaks nothing over 2,000 sockets", async () => {
      const before = openFiles();
      for (let i = 0; i < 1000; i++) {
        using _socket = new Socket();
      }
      for (let i = 0; i < 500; i++) {
        const [left, right] = socketpair();
        left.close();
        right.close();
      }
      assert.equal(openFiles(), before);
    });

    test("leaks nothing where a constructor throws", () => {
      const before = openFiles();
      for (let i = 0; i < 50; i++) assert.throws(() => new Socket(99), OSError);
      assert.equal(openFiles(), before);
    });
  });

  describe("forgetting to close", () => {
    /** A socket that nothing refers to any more; the number of its fd. */
    function forget(): number {
      return new Socket(AF_INET, SOCK_DGRAM).fileno();
    }

    test("closes the fd when the socket is collected, with a ResourceWarning that shows it", async () => {
      const before = openFiles();
      const fd = forget();
      const warning = await warningAfterGc();
      assert.equal(warning.name, "ResourceWarning");
      assert.match(
        warning.message,
        new RegExp(`^unclosed <Socket fd=${fd}, family=AF_INET, type=SOCK_DGRAM, proto=0`),
      );
      assert.equal(openFiles(), before);
    });

    test("never closes an fd that has the number of a closed or detached one", async () => {
      let detached = -1;
      (() => {
        new Socket().close();
        const first = new Socket();
        detached = first.detach();
      })();
      using owner = new Socket(AF_INET, SOCK_STREAM, 0, { fileno: detached });
      using reused = new Socket();
      const warnings: Error[] = [];
      const note = (warning: Error) => warnings.push(warning);
      process.on("warning", note);
      await collect();
      process.off("warning", note);
      assert.deepEqual(warnings, []);
      assert.equal(owner.getsockopt(SOL_SOCKET, SO_ERROR), 0);
      assert.equal(reused.getsockopt(SOL_SOCKET, SO_ERROR), 0);
    });
  });

  describe("text form", () => {
    test("shows what Python's repr shows", async (t) => {
      const [client] = await connected(t);
      const [laddr, raddr] = [client.getsockname(), client.getpeername()].map((name) => JSON.stringify(name));
      const text = `<Socket fd=${client.fileno()}, family=AF_INET, type=SOCK_STREAM, proto=0, laddr=${laddr}, raddr=${raddr}>`;
      assert.equal(String(client), text);
      assert.equal(inspect(client), text);
    });

    test("leaves out addresses that are not there", (t) => {
      const [left] = pair(t);
      assert.equal(String(left), `<Socket fd=${left.fileno()}, family=AF_UNIX, type=SOCK_STREAM, proto=0>`);
    });

    test("says that it is closed", () => {
      const socket = new Socket();
      socket.close();
      assert.equal(String(socket), "<Socket [closed] fd=-1, family=AF_INET, type=SOCK_STREAM, proto=0>");
    });

    test("shows numbers for families without a name here", () => {
      const AF_NETLINK = 16;
      const SOCK_RAW = 3;
      using socket = new Socket(AF_NETLINK, SOCK_RAW);
      assert.equal(String(socket), `<Socket fd=${socket.fileno()}, family=16, type=3, proto=0>`);
    });
  });
});

describe("socketpair", { skip }, () => {
  test("gives two connected sockets", (t) => {
    const [left, right] = pair(t);
    left.send("to the right");
    right.send("to the left");
    assert.equal(right.recv(100).toString(), "to the right");
    assert.equal(left.recv(100).toString(), "to the left");
    assert.equal(left.family, AF_UNIX);
  });

  test("keeps datagrams apart", (t) => {
    const [left, right] = pair(t, SOCK_DGRAM);
    left.send("one");
    left.send("two");
    assert.equal(right.recv(100).toString(), "one");
    assert.equal(right.recv(100).toString(), "two");
  });

  test("is not there for IPv4, and says so", () => {
    assert.throws(() => socketpair(AF_INET), { name: "OSError", code: "ENOTSUP", syscall: "socketpair" });
  });
});
