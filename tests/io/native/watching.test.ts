import assert from "node:assert/strict";
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { EventLoop, PermissionError, sleep, socketpair, timeout } from "../../../src/index.ts";
import { type Flavour, flavours, type Steps } from "../../flavours.ts";
import { foreign, makePipe, makePty, pipesSkip } from "../pipes-support.ts";

const NONBLOCK = 0o4000;

interface Bench extends Pick<Flavour, "on"> {
  readonly loop: EventLoop;
  defer(cleanUp: () => unknown): void;
}

const openFiles = () => readdirSync("/proc/self/fd").length;

/** Register a test per flavour, in a native loop; it must leave no file open. */
function inNativeLoop(name: string, body: (bench: Bench) => Steps<void>): void {
  for (const { name: flavour, on, body: flavoured } of flavours) {
    test(`${name} (${flavour})`, async () => {
      const before = openFiles();
      const cleanUps: (() => unknown)[] = [];
      const loop = new EventLoop({ backend: "native" });
      function* main(): Steps<void> {
        yield* on(
          timeout(
            30,
            flavoured(() => body({ loop, on, defer: (f) => cleanUps.push(f) })),
          ),
        );
      }
      try {
        await loop.runUntilComplete(flavoured(main));
      } finally {
        loop.close();
        for (const cleanUp of cleanUps.reverse()) cleanUp();
      }
      assert.equal(openFiles(), before);
    });
  }
}

/** An fd of the C function `definition`, closed after the test. */
function opened({ defer }: Bench, definition: string, ...args: unknown[]): number {
  const fd = foreign(definition)(...args);
  assert.ok(fd >= 0, definition);
  defer(() => closeSync(fd));
  return fd;
}

/** Wait until `fd` is readable, and read from it. */
function* nextRead({ loop, on }: Bench, fd: number): Steps<Buffer> {
  const ready = loop.createFuture<void>();
  loop.addReader(fd, () => {
    loop.removeReader(fd);
    ready.setResult(undefined);
  });
  yield* on(ready);
  return readNow(fd);
}

function readNow(fd: number): Buffer {
  const buffer = Buffer.alloc(4096);
  return buffer.subarray(0, readSync(fd, buffer));
}

describe("watching file descriptors", { skip: pipesSkip }, () => {
  inNativeLoop("a pipe is readable when something was written, and at its end", function* (bench) {
    const { reader, writer } = makePipe(bench);
    bench.loop.callSoon(() => writeSync(writer, "x"));
    assert.equal(String(yield* nextRead(bench, reader)), "x");
    bench.loop.callSoon(() => closeSync(writer));
    assert.equal((yield* nextRead(bench, reader)).length, 0);
  });

  inNativeLoop("a pipe is writable until it is full, and again when it is emptied", function* (bench) {
    const { loop, on } = bench;
    const { reader, writer } = makePipe(bench);
    let written = 0;
    loop.addWriter(writer, () => {
      written += writeSync(writer, Buffer.alloc(4096));
    });
    while (written < 65536) yield* on(sleep(0));
    for (let i = 0; i < 10; i++) yield* on(sleep(0));
    assert.equal(written, 65536);
    readSync(reader, Buffer.alloc(65536));
    while (written < 2 * 65536) yield* on(sleep(0));
    assert.equal(loop.removeWriter(writer), true);
  });

  inNativeLoop("the writing end of a pipe is readable when the reader has gone", function* (bench) {
    const { loop, on } = bench;
    const { reader, writer } = makePipe(bench);
    const gone = loop.createFuture<void>();
    loop.addReader(writer, () => {
      loop.removeReader(writer);
      gone.setResult(undefined);
    });
    loop.callSoon(() => closeSync(reader));
    yield* on(gone);
  });

  inNativeLoop("an eventfd is readable when it was counted up", function* (bench) {
    const fd = opened(bench, "int eventfd(unsigned int, int)", 0, NONBLOCK);
    const count = (n: bigint) => writeSync(fd, new BigUint64Array([n]));
    bench.loop.callSoon(() => {
      count(2n);
      count(40n);
    });
    assert.equal((yield* nextRead(bench, fd)).readBigUInt64LE(), 42n);
  });

  inNativeLoop("a timerfd is readable when its time has come", function* (bench) {
    const fd = opened(bench, "int timerfd_create(int, int)", 1, NONBLOCK);
    const oneMillisecondOnce = new BigInt64Array([0n, 0n, 0n, 1_000_000n]);
    foreign("int timerfd_settime(int, int, const void *, void *)")(fd, 0, oneMillisecondOnce, null);
    assert.equal((yield* nextRead(bench, fd)).readBigUInt64LE(), 1n);
  });

  inNativeLoop("a signalfd is readable when a signal has come", function* (bench) {
    const [SIG_BLOCK, SIG_SETMASK] = [0, 2];
    const { SIGUSR2 } = constants.signals;
    const signals = new BigUint64Array(16);
    const before = new BigUint64Array(16);
    signals[0] = 1n << BigInt(SIGUSR2 - 1);
    const setMask = foreign("int pthread_sigmask(int, const void *, void *)");
    assert.equal(setMask(SIG_BLOCK, signals, before), 0);
    bench.defer(() => setMask(SIG_SETMASK, before, null));
    const fd = opened(bench, "int signalfd(int, const void *, int)", -1, signals, NONBLOCK);
    // To this thread only: the others of Node's do not block it, and it would end the process.
    const raise = foreign("int raise(int)");
    bench.loop.callSoon(() => raise(SIGUSR2));
    assert.equal((yield* nextRead(bench, fd)).readUInt32LE(0), SIGUSR2);
  });

  inNativeLoop("an inotify instance is readable when a file has changed", function* (bench) {
    const directory = mkdtempSync(join(tmpdir(), "watching-"));
    bench.defer(() => rmSync(directory, { recursive: true }));
    const file = join(directory, "watched");
    writeFileSync(file, "");
    const fd = opened(bench, "int inotify_init1(int)", NONBLOCK);
    const [IN_MODIFY, IN_DELETE] = [0x2, 0x200];
    foreign("int inotify_add_watch(int, const char *, uint32_t)")(fd, directory, IN_MODIFY | IN_DELETE);
    bench.loop.callSoon(() => appendFileSync(file, "more"));
    const event = yield* nextRead(bench, fd);
    assert.equal(event.readUInt32LE(4), IN_MODIFY);
    assert.equal(event.subarray(16, 23).toString(), "watched");
    bench.loop.callSoon(() => rmSync(file));
    assert.equal((yield* nextRead(bench, fd)).readUInt32LE(4), IN_DELETE);
  });

  inNativeLoop("a terminal is watched from both its sides", function* (bench) {
    const { master, slave } = makePty(bench);
    bench.loop.callSoon(() => writeSync(slave, "up"));
    assert.equal(String(yield* nextRead(bench, master)), "up");
    bench.loop.callSoon(() => writeSync(master, "down"));
    assert.equal(String(yield* nextRead(bench, slave)), "down");
  });

  inNativeLoop("an epoll set is readable when one of its descriptors is ready", function* (bench) {
    const set = opened(bench, "int epoll_create1(int)", 0);
    const { reader, writer } = makePipe(bench);
    const [EPOLL_CTL_ADD, EPOLLIN] = [1, 1];
    const control = foreign("int epoll_ctl(int, int, int, const void *)");
    assert.equal(control(set, EPOLL_CTL_ADD, reader, new Uint32Array([EPOLLIN, reader, 0, 0])), 0);
    const { loop, on } = bench;
    const ready = loop.createFuture<void>();
    loop.addReader(set, () => {
      loop.removeReader(set);
      ready.setResult(undefined);
    });
    for (let i = 0; i < 10; i++) yield* on(sleep(0));
    assert.equal(ready.done(), false);
    writeSync(writer, "x");
    yield* on(ready);
  });

  inNativeLoop("a reader can put another one in its own place", function* (bench) {
    const { loop, on } = bench;
    const { reader, writer } = makePipe(bench);
    const calls: string[] = [];
    const done = loop.createFuture<void>();
    loop.addReader(reader, () => {
      calls.push("first");
      loop.addReader(
        reader,
        (name: string) => {
          calls.push(name);
          loop.removeReader(reader);
          loop.addReader(reader, () => {
            calls.push("third");
            loop.removeReader(reader);
            done.setResult(undefined);
          });
        },
        "second",
      );
    });
    writeSync(writer, "x");
    yield* on(done);
    assert.deepEqual(calls, ["first", "second", "third"]);
    assert.equal(loop.removeReader(reader), false);
  });

  inNativeLoop("both directions of one descriptor are watched, and ended, apart", function* (bench) {
    const { loop, on } = bench;
    const [near, far] = socketpair();
    bench.defer(() => near.close());
    bench.defer(() => far.close());
    const counts = { reads: 0, writes: 0 };
    loop.addReader(near, () => {
      counts.reads += near.recv(1).length;
    });
    loop.addWriter(near, () => {
      counts.writes++;
    });
    far.send("abc");
    while (counts.reads < 3 || counts.writes < 3) yield* on(sleep(0));
    assert.equal(loop.removeWriter(near), true);
    const { writes } = counts;
    far.send("d");
    while (counts.reads < 4) yield* on(sleep(0));
    assert.equal(counts.writes, writes);
    loop.addWriter(near, () => {
      counts.writes++;
    });
    assert.equal(loop.removeReader(near), true);
    far.send("e");
    while (counts.writes < writes + 3) yield* on(sleep(0));
    assert.equal(counts.reads, 4);
    assert.equal(loop.removeWriter(near), true);
    assert.equal(loop.removeReader(near), false);
  });

  inNativeLoop("a regular file, a directory and /dev/null cannot be watched", function* ({ loop, defer }) {
    for (const path of [import.meta.filename, import.meta.dirname, "/dev/null"]) {
      const fd = openSync(path, "r");
      defer(() => closeSync(fd));
      for (const call of [() => loop.addReader(fd, () => {}), () => loop.addWriter(fd, () => {})]) {
        assert.throws(call, (error) => error instanceof PermissionError && error.code === "EPERM");
      }
      assert.equal(loop.removeReader(fd), false);
    }
  });
});
