import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe } from "node:test";
import {
  AF_UNIX,
  BrokenPipeError,
  CancelledError,
  createTask,
  ensureFuture,
  OSError,
  SendfileNotAvailableError,
  SOCK_DGRAM,
  type Socket,
  sleep,
  socketpair,
  ValueError,
} from "../../../src/index.ts";
import type { Steps } from "../../flavours.ts";
import { rejects } from "../../helpers.ts";
import { pattern } from "../recorder.ts";
import { inEachFlavourNatively, type NativeBench } from "./flavoured.ts";

const MiB = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), "sock-sendfile-"));
after(() => rmSync(folder, { recursive: true }));

const bytes = pattern(5 * MiB);
const path = join(folder, "bytes");
writeFileSync(path, bytes);

/** Two connected sockets and the file, closed in any case. */
function* prepared(
  body: (left: Socket, right: Socket, fd: number) => Steps<void>,
  file: { path: string; flags?: string | number } = { path },
): Steps<void> {
  const [left, right] = socketpair();
  const fd = openSync(file.path, file.flags ?? "r");
  try {
    yield* body(left, right, fd);
  } finally {
    closeSync(fd);
    left.close();
    right.close();
  }
}

/** What comes in until the end of the stream. */
function* receiveAll({ on, loop }: NativeBench, sock: Socket): Steps<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = yield* on(loop.sockRecv(sock, 256 * 1024));
    if (chunk.length === 0) return Buffer.concat(chunks);
    chunks.push(chunk);
  }
}

/** Where the file's position is, which must be inside of it: what follows is unique there. Moves it. */
function positionOf(fd: number): number {
  const following = Buffer.alloc(16);
  const count = readSync(fd, following, 0, 16, null);
  return count === 0 ? bytes.length : bytes.indexOf(following.subarray(0, count));
}

describe("sockSendfile", () => {
  inEachFlavourNatively("sends the whole file, and moves its position to the end", function* (bench) {
    const { on, loop } = bench;
    yield* prepared(function* (left, right, fd) {
      const receiving = createTask(bench.coroutine(() => receiveAll(bench, right))());
      assert.equal(yield* on(loop.sockSendfile(left, fd)), bytes.length);
      left.close();
      assert.ok((yield* on(receiving)).equals(bytes));
      assert.equal(positionOf(fd), bytes.length);
      assert.equal(loop.removeWriter(right), false);
    });
  });

  inEachFlavourNatively("sends a part of it, as far as there is any", function* ({ on, loop }) {
    yield* prepared(function* (left, right, fd) {
      assert.equal(yield* on(loop.sockSendfile(left, fd, { offset: 7, count: 5 })), 5);
      assert.equal(positionOf(fd), 12);
      const offset = bytes.length - 3;
      assert.equal(yield* on(loop.sockSendfile(left, fd, { offset, count: 5 })), 3);
      assert.equal(yield* on(loop.sockSendfile(left, fd, { offset: bytes.length })), 0);
      const expected = Buffer.concat([bytes.subarray(7, 12), bytes.subarray(-3)]);
      assert.deepEqual(yield* on(loop.sockRecv(right, 100)), expected);
    });
  });

  inEachFlavourNatively("is done as soon as the kernel has it all", function* ({ on, loop }) {
    yield* prepared(function* (left, right, fd) {
      // So much that the socket is not writable again until somebody reads; and nobody does.
      let count = 0;
      for (let last = 1; last > 0; ) {
        try {
          last = left.send(bytes.subarray(0, 4096));
          count += last;
        } catch {
          last = 0;
        }
      }
      for (let size = 0; size < count; ) size += right.recv(MiB).length;
      count -= 8192;
      assert.equal(yield* on(loop.sockSendfile(left, fd, { count })), count);
    });
  });

  inEachFlavourNatively("when it is cancelled, the position tells what was sent", function* (bench) {
    const { on, loop } = bench;
    yield* prepared(function* (left, right, fd) {
      const task = createTask(loop.sockSendfile(left, fd));
      yield* on(sleep(0));
      yield* on(loop.sockRecv(right, 100_000));
      yield* on(sleep(0));
      task.cancel();
      yield* rejects(on(task), CancelledError);
      assert.equal(loop.removeWriter(left), false);
      const position = positionOf(fd);
      left.close();
      assert.equal((yield* receiveAll(bench, right)).length, position - 100_000);
      assert.ok(position > 100_000);
    });
  });

  inEachFlavourNatively("when the peer is gone, it throws what the kernel says", function* ({ on, loop }) {
    yield* prepared(function* (left, right, fd) {
      const task = createTask(loop.sockSendfile(left, fd));
      yield* on(sleep(0));
      right.close();
      yield* rejects(on(task), BrokenPipeError);
      assert.ok(positionOf(fd) > 0);
      yield* rejects(on(loop.sockSendfile(left, fd, { fallback: false })), BrokenPipeError);
    });
  });

  inEachFlavourNatively(
    "a socket that is closed meanwhile, and one that is not connected",
    function* (bench) {
      const { on, loop } = bench;
      yield* prepared(function* (left, right, fd) {
        const early = loop.sockSendfile(left, fd);
        left.close();
        assert.equal((yield* rejects(on(early), OSError)).code, "EBADF");
        assert.equal((yield* receiveAll(bench, right)).length, 0);
      });
    },
  );

  inEachFlavourNatively("a file that is closed meanwhile is a ValueError", function* ({ on, loop }) {
    yield* prepared(function* (left, right) {
      const handle = yield* on(ensureFuture(open(path)));
      const task = createTask(loop.sockSendfile(left, handle));
      yield* on(sleep(0));
      yield* on(ensureFuture(handle.close()));
      yield* on(loop.sockRecv(right, 10 * MiB));
      yield* rejects(on(task), ValueError, "the file is closed");
    });
  });

  inEachFlavourNatively("a file that becomes shorter ends where it ends", function* (bench) {
    const { on, loop } = bench;
    const shrinking = join(folder, `shrinking-${bench.name}`);
    writeFileSync(shrinking, bytes);
    yield* prepared(
      function* (left, right, fd) {
        const task = createTask(loop.sockSendfile(left, fd, { count: bytes.length }));
        yield* on(sleep(0));
        writeFileSync(shrinking, "");
        const receiving = createTask(bench.coroutine(() => receiveAll(bench, right))());
        const sent = yield* on(task);
        left.close();
        assert.ok(sent > 0 && sent < bytes.length);
        assert.equal((yield* on(receiving)).length, sent);
      },
      { path: shrinking },
    );
  });
});

describe("sockSendfile of what the kernel cannot send", () => {
  const fifo = join(folder, "fifo");

  inEachFlavourNatively("reads and sends it", function* ({ on, loop }) {
    assert.equal(spawnSync("sh", ["-c", 'mkfifo "$0"', fifo]).status, 0);
    yield* prepared(
      function* (left, right, fd) {
        writeSync(fd, "through a pipe");
        const refused = loop.sockSendfile(left, fd, { count: 14, fallback: false });
        yield* rejects(on(refused), SendfileNotAvailableError);
        assert.equal(yield* on(loop.sockSendfile(left, fd, { count: 14 })), 14);
        assert.equal((yield* on(loop.sockRecv(right, 100))).toString(), "through a pipe");
      },
      { path: fifo, flags: constants.O_RDWR },
    );
    rmSync(fifo);
  });

  inEachFlavourNatively("throws what reading throws", function* ({ on, loop }) {
    yield* prepared(
      function* (left, _right, fd) {
        assert.equal((yield* rejects(on(loop.sockSendfile(left, fd)), OSError)).code, "EISDIR");
      },
      { path: folder },
    );
  });

  inEachFlavourNatively("is refused for datagrams", function* ({ loop }) {
    const [left, right] = socketpair(AF_UNIX, SOCK_DGRAM);
    assert.throws(() => loop.sockSendfile(left, 0), { name: "ValueError", message: /SOCK_STREAM/ });
    left.close();
    right.close();
  });
});
