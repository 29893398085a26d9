import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { ValueError } from "../../../src/core/errors.ts";
import { libc } from "../../../src/io/native/libc.ts";
import type { Socket } from "../../../src/io/native/socket.ts";
import { SOCK_DGRAM } from "../../../src/io/socket-constants.ts";
import { collect, pair, skip } from "./support.ts";

const { EAGAIN, EBADF, EPIPE } = constants.errno;
const run = promisify(execFile);
const here = JSON.stringify(new URL("../../../src/io/native/libc.ts", import.meta.url));

/** Runs a module in a process of its own, in which `koffi` cannot be found. */
async function withoutKoffi(code: string): Promise<string> {
  const hide = `
    import { registerHooks } from "node:module";
    registerHooks({ resolve(name, context, next) {
      if (name === "koffi") throw new Error("no such package");
      return next(name, context);
    } });`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", hide + code]);
  return stdout.trim();
}

test("without koffi the module loads, and says why native I/O is not available", async () => {
  const code = `const { nativeAvailable } = await import(${here}); console.log(JSON.stringify(nativeAvailable()));`;
  assert.deepEqual(JSON.parse(await withoutKoffi(code)), {
    available: false,
    reason: "koffi does not load (no such package)",
  });
});

test("without koffi, asking for system calls is a NotImplementedError with the reason", async () => {
  const code = `
    const { libc } = await import(${here});
    try { libc(); } catch (error) { console.log(error.name + ": " + error.message); }`;
  assert.equal(
    await withoutKoffi(code),
    "NotImplementedError: native I/O is not available: koffi does not load (no such package)",
  );
});

describe("system calls", { skip }, () => {
  /** Two connected sockets, closed after the test, and their fds. */
  function fds(t: TestContext, type?: number): [Socket, Socket, number, number] {
    const [left, right] = pair(t, type);
    return [left, right, left.fileno(), right.fileno()];
  }

  test("loading twice gives the same bindings", () => {
    assert.equal(libc(), libc());
  });

  test("a refused call gives the negative error number and does not throw", (t) => {
    const [, , left] = fds(t);
    assert.equal(libc().recv(left, Buffer.alloc(1), 0, 1), -EAGAIN);
    assert.equal(libc().close(-1), -EBADF);
    assert.equal(libc().epoll_wait(-1, new Int32Array(4), 1, 0), -EBADF);
  });

  test("a send to a closed peer is EPIPE and no SIGPIPE", (t) => {
    const [, right, left] = fds(t);
    right.close();
    assert.equal(libc().send(left, Buffer.from("x"), 0, 1), -EPIPE);
    assert.equal(libc().writev(left, [Buffer.from("x")]), -EPIPE);
  });

  test("data is sent from an offset and received at an offset, without touching the rest", (t) => {
    const [, , left, right] = fds(t);
    const buffer = new Uint8Array(8).fill(0x2e);
    assert.equal(libc().send(left, Buffer.from("hello"), 1, 3), 3);
    assert.equal(libc().recv(right, buffer, 2, 5), 3);
    assert.equal(Buffer.from(buffer).toString(), "..ell...");
  });

  test("read and write do the same for any fd", (t) => {
    const [, , left, right] = fds(t);
    const buffer = Buffer.from("......");
    assert.equal(libc().write(left, Buffer.from("hello"), 2, 3), 3);
    assert.equal(libc().read(right, buffer, 1, 5), 3);
    assert.equal(buffer.toString(), ".llo..");
  });

  test("sendfile sends a part of a file, and leaves its position; seek sets it", (t) => {
    const [, , left, right] = fds(t);
    const file = openSync(import.meta.filename, "r");
    t.after(() => closeSync(file));
    const text = readFileSync(import.meta.filename);
    const buffer = Buffer.alloc(10);
    assert.equal(libc().sendfile(left, file, 7, 10), 10);
    assert.equal(libc().recv(right, buffer, 0, 10), 10);
    assert.deepEqual(buffer, text.subarray(7, 17));
    assert.equal(libc().read(file, buffer, 0, 10), 10);
    assert.deepEqual(buffer, text.subarray(0, 10));
    assert.equal(libc().seek(file, 3), 3);
    assert.equal(libc().read(file, buffer, 0, 10), 10);
    assert.deepEqual(buffer, text.subarray(3, 13));
    assert.equal(libc().sendfile(left, file, text.length, 10), 0);
    assert.equal(libc().sendfile(-1, file, 0, 10), -EBADF);
    // Beyond 4 GiB: the offset has 64 bits.
    assert.equal(libc().seek(file, 2 ** 40), 2 ** 40);
    assert.equal(libc().sendfile(left, file, 2 ** 40, 10), 0);
  });

  test("a view into the middle of an ArrayBuffer is read and written in its place", (t) => {
    const [, , left, right] = fds(t);
    const memory = new Uint8Array(new ArrayBuffer(16));
    libc().send(left, Buffer.from("ab<cd>ef").subarray(2, 6), 0, 4);
    assert.equal(libc().recv(right, memory.subarray(4, 12), 1, 7), 4);
    assert.equal(Buffer.from(memory.subarray(5, 9)).toString(), "<cd>");
    assert.equal(memory[4], 0);
    assert.equal(memory[9], 0);
  });

  test("shared and resizable memory can be sent", (t) => {
    const [, , left, right] = fds(t);
    const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(1);
    const resizable = new Uint8Array(new ArrayBuffer(4, { maxByteLength: 4096 })).fill(2);
    libc().send(left, shared, 0, 4);
    libc().send(left, resizable, 0, 4);
    const buffer = new Uint8Array(8);
    libc().recv(right, buffer, 0, 8);
    assert.deepEqual([...buffer], [1, 1, 1, 1, 2, 2, 2, 2]);
  });

  test("a length beyond the buffer is refused before the kernel writes past it", (t) => {
    const [, , left] = fds(t);
    const beyond = (offset: number, length: number) => () =>
      libc().recv(left, Buffer.alloc(8), offset, length);
    for (const [offset, length] of [
      [0, 9],
      [8, 1],
      [-1, 2],
      [0, -1],
      [Number.NaN, 1],
      [0, Number.NaN],
    ] as const) {
      assert.throws(beyond(offset, length), ValueError, `${length} at ${offset}`);
    }
    assert.throws(beyond(4, 5), { message: "5 bytes at 4 are not inside a buffer of 8 bytes" });
  });

  test("memory that was transferred away counts as empty", (t) => {
    const [, , left] = fds(t);
    const buffer = new Uint8Array(8);
    structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
    assert.throws(() => libc().recv(left, buffer, 0, 8), ValueError);
  });

  for (const [kind, sizes] of [
    ["many small buffers", new Array<number>(3000).fill(7)],
    ["large buffers", [20_000, 1, 30_000]],
    ["an empty buffer between large ones", [9000, 0, 9000]],
    ["no buffer at all", []],
  ] as const) {
    test(`writev sends ${kind} in order`, (t) => {
      const [, , left, right] = fds(t);
      const buffers = sizes.map((size, i) => new Uint8Array(size).fill(i));
      const expected = Buffer.concat(buffers);
      const received = Buffer.alloc(expected.length + 1);
      assert.equal(libc().writev(left, buffers), expected.length);
      assert.equal(Math.max(libc().recv(right, received, 0, received.length), 0), expected.length);
      assert.deepEqual(received.subarray(0, -1), expected);
    });
  }

  test("writev takes more buffers than the kernel does, and says how far it came", (t) => {
    const [, , left] = fds(t);
    const buffers = new Array<Uint8Array>(2000).fill(new Uint8Array(5000));
    const sent = libc().writev(left, buffers);
    assert.ok(sent > 0 && sent < 2000 * 5000);
  });

  test("small typed arrays, which V8 moves, keep their place while several are written", async (t) => {
    const [, , left, right] = fds(t);
    const large = new Uint8Array(100_000);
    const small = Array.from({ length: 1000 }, (_, i) => new Uint8Array(16).fill(i));
    const path = mkdtempSync(join(tmpdir(), "libc-"));
    const fd = openSync(join(path, "out"), "w");
    for (let round = 0; round < 3; round++) {
      await collect();
      // Together they are too large to be copied: the address of each is looked up.
      const buffers = [...small.slice(0, 10), large, ...small.slice(10, 20)];
      assert.equal(libc().writev(fd, buffers), 100_320);
      assert.equal(libc().send(left, small[round]!, 0, 16), 16);
      const buffer = new Uint8Array(16);
      libc().recv(right, buffer, 0, 16);
      assert.deepEqual(buffer, small[round]);
    }
    closeSync(fd);
    const round = Buffer.concat([...small.slice(0, 10), large, ...small.slice(10, 20)]);
    assert.deepEqual(readFileSync(join(path, "out")), Buffer.concat([round, round, round]));
    rmSync(path, { recursive: true });
  });

  test("a datagram of a sender without a name comes without an address", (t) => {
    const [, , left, right] = fds(t, SOCK_DGRAM);
    libc().send(left, Buffer.from("one"), 0, 3);
    const length = Uint32Array.of(128);
    const buffer = Buffer.alloc(8);
    assert.equal(libc().recvfrom(right, buffer, 8, 0, new Uint8Array(128), length), 3);
    assert.equal(length[0], 0);
  });

  test("an interface has a number, and 0 stands for none", () => {
    assert.ok(libc().if_nametoindex("lo") > 0);
    assert.equal(libc().if_nametoindex("no-such-interface"), 0);
  });
});
