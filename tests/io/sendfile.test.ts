import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
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
  CancelledError,
  ConnectionError,
  createTask,
  OSError,
  RuntimeError,
  SendfileNotAvailableError,
  sleep,
  type Task,
  type Transport,
  ValueError,
} from "../../src/index.ts";
import { type Bench, failure, idle, inEachBackend, stuck } from "./backends.ts";
import { fill, pattern, Recorder, recorders, serve } from "./recorder.ts";

const MiB = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), "sendfile-"));
after(() => rmSync(folder, { recursive: true }));

/** More than the buffers of two sockets hold. */
const bytes = pattern(16 * MiB);
const path = join(folder, "bytes");
writeFileSync(path, bytes);
writeFileSync(join(folder, "empty"), "");

const noPython = spawnSync("python3", ["--version"]).status === 0 ? false : "no python3";

/** The file, open until the test ends. */
function opened({ defer }: Bench, name = path, flags: string | number = "r"): number {
  const fd = openSync(name, flags);
  defer(() => closeSync(fd));
  return fd;
}

/** Where the file is read next: only reading on can tell. Moves the position. */
function nextByte(fd: number): number {
  const byte = Buffer.alloc(1);
  return readSync(fd, byte, 0, 1, null) === 0 ? -1 : byte[0]!;
}

/** The file's position must be behind the first `count` bytes; the portable backend leaves it where it was. */
function assertPosition({ backend }: Bench, fd: number, count: number): void {
  const position = backend === "native" ? count : 0;
  assert.equal(nextByte(fd), bytes[position] ?? -1);
}

const pauses = { onMade: (transport: Transport) => transport.pauseReading() };

/** A file on its way to a peer that does not read: some of it has gone out, and no more does. */
async function sending(
  bench: Bench,
): Promise<[left: Recorder, right: Recorder, fd: number, task: Task<number>]> {
  const [left, right] = await recorders(bench, {}, pauses);
  const fd = opened(bench);
  const task = createTask(bench.loop.sendfile(left.transport, fd));
  await stuck(bench, left.transport);
  assert.equal(task.done(), false);
  return [left, right, fd, task];
}

describe("sendfile", () => {
  inEachBackend("sends the whole file, and gives its size", async (bench) => {
    const [left, right] = await recorders(bench);
    const fd = opened(bench);
    assert.equal(await bench.loop.sendfile(left.transport, fd), bytes.length);
    assert.ok((await right.receives(bytes.length)).equals(bytes));
    assertPosition(bench, fd, bytes.length);
  });

  inEachBackend(
    "sends 64 MiB to a peer in Python",
    async (bench) => {
      const large = pattern(64 * MiB, 3);
      const name = join(folder, `large-${bench.backend}`);
      writeFileSync(name, large);
      const server = new Recorder(bench.loop);
      const { port } = await serve(bench, () => server);
      const program = `
import hashlib, socket
with socket.create_connection(("127.0.0.1", ${port})) as sock:
    digest = hashlib.sha256()
    while data := sock.recv(1 << 20): digest.update(data)
print(digest.hexdigest())`;
      const python = spawn("python3", ["-c", program], { stdio: ["ignore", "pipe", "inherit"] });
      bench.defer(() => python.kill());
      const output = python.stdout.setEncoding("utf8").toArray();
      await server.called("connectionMade");
      assert.equal(await bench.loop.sendfile(server.transport, opened(bench, name)), large.length);
      server.transport.close();
      assert.equal((await output).join("").trim(), createHash("sha256").update(large).digest("hex"));
      rmSync(name);
    },
    { skip: noPython },
  );

  inEachBackend("sends a part of it, as far as there is any", async (bench) => {
    const [left, right] = await recorders(bench);
    const fd = opened(bench);
    const send = (options: object) => bench.loop.sendfile(left.transport, fd, options);
    assert.equal(await send({ offset: 10, count: 5 }), 5);
    assertPosition(bench, fd, 15);
    assert.equal(await send({ offset: 1000, count: 3 * MiB }), 3 * MiB);
    assert.equal(await send({ offset: bytes.length - 7 }), 7);
    assert.equal(await send({ offset: bytes.length - 7, count: 100 }), 7);
    assert.equal(await send({ offset: bytes.length + 7 }), 0);
    const tail = bytes.subarray(-7);
    const expected = Buffer.concat([
      bytes.subarray(10, 15),
      bytes.subarray(1000, 1000 + 3 * MiB),
      tail,
      tail,
    ]);
    assert.ok((await right.receives(expected.length)).equals(expected));
  });

  inEachBackend("an empty file is sent at once", async (bench) => {
    const [left] = await recorders(bench);
    assert.equal(await bench.loop.sendfile(left.transport, opened(bench, join(folder, "empty"))), 0);
  });

  inEachBackend("the file begins at 0 wherever its position is", async (bench) => {
    const [left, right] = await recorders(bench);
    const fd = opened(bench);
    nextByte(fd);
    await bench.loop.sendfile(left.transport, fd, { count: 3 });
    assert.ok((await right.receives(3)).equals(bytes.subarray(0, 3)));
  });

  inEachBackend("takes an fd, and whatever has one", async (bench) => {
    const [left, right] = await recorders(bench);
    const handle = await open(path);
    bench.defer(() => handle.close());
    const fd = opened(bench);
    for (const file of [fd, handle, { fileno: () => fd }]) {
      assert.equal(await bench.loop.sendfile(left.transport, file, { count: 3 }), 3);
    }
    const three = bytes.subarray(0, 3);
    assert.ok((await right.receives(9)).equals(Buffer.concat([three, three, three])));
  });

  inEachBackend("comes behind what was written before, and before what is written after", async (bench) => {
    const [left, right] = await recorders(bench, {}, pauses);
    const before = fill(left);
    assert.ok(left.transport.getWriteBufferSize() > 0);
    const sending = createTask(bench.loop.sendfile(left.transport, opened(bench)));
    await idle();
    right.transport.resumeReading();
    assert.equal(await sending, bytes.length);
    left.transport.write("after");
    const all = Buffer.concat([before, bytes, Buffer.from("after")]);
    assert.ok((await right.receives(all.length)).equals(all));
  });

  inEachBackend("receives nothing meanwhile, and goes on with it after", async (bench) => {
    const [left, right, , task] = await sending(bench);
    assert.equal(left.transport.isReading(), false);
    right.transport.write("answer");
    await idle();
    assert.equal(left.size, 0);
    right.transport.resumeReading();
    await task;
    assert.equal(left.transport.isReading(), true);
    await left.receives(6);
  });

  inEachBackend("a transport that was paused stays paused", async (bench) => {
    const [left] = await recorders(bench, pauses);
    await bench.loop.sendfile(left.transport, opened(bench), { count: 3 });
    assert.equal(left.transport.isReading(), false);
  });

  inEachBackend("nothing else may be written meanwhile", async (bench) => {
    const [left, right, fd, task] = await sending(bench);
    assert.throws(() => left.transport.write("x"), { name: "RuntimeError", message: /sendfile/ });
    assert.throws(() => left.transport.writelines(["x"]), RuntimeError);
    assert.throws(() => left.transport.writeEof(), RuntimeError);
    await failure(bench.loop.sendfile(left.transport, fd), RuntimeError);
    right.transport.resumeReading();
    await task;
    left.transport.writeEof();
    await right.called("eofReceived");
    assert.ok(right.received.equals(bytes));
  });

  inEachBackend("pauseWriting and resumeWriting alternate all the same", async (bench) => {
    const [left, right] = await recorders(bench);
    await bench.loop.sendfile(left.transport, opened(bench));
    await right.receives(bytes.length);
    await idle();
    const calls = left.calls.filter((call) => call.endsWith("Writing"));
    for (const [i, call] of calls.entries()) assert.equal(call, i % 2 ? "resumeWriting" : "pauseWriting");
    assert.equal(calls.length % 2, 0);
  });
});

describe("a sendfile that ends early", () => {
  inEachBackend("when it is cancelled, what was sent is known, and the connection goes on", async (bench) => {
    const [left, right, fd, task] = await sending(bench);
    task.cancel();
    await failure(task, CancelledError);
    left.transport.write("END");
    left.transport.close();
    right.transport.resumeReading();
    await right.called("eofReceived");
    const sent = right.size - 3;
    assert.ok(sent > 0);
    assert.ok(right.received.equals(Buffer.concat([bytes.subarray(0, sent), Buffer.from("END")])));
    assertPosition(bench, fd, sent);
  });

  inEachBackend("when the transport is aborted or closed, with a ConnectionError", async (bench) => {
    for (const end of ["abort", "close"] as const) {
      const [left, , fd, task] = await sending(bench);
      left.transport[end]();
      if (end === "close" && bench.backend === "portable") left.transport.abort();
      await failure(task, ConnectionError);
      if (bench.backend === "native") assert.notEqual(nextByte(fd), bytes[0]);
      await left.called("connectionLost");
    }
  });

  inEachBackend("when the peer is gone, with a ConnectionError", async (bench) => {
    const [, right, , task] = await sending(bench);
    right.transport.abort();
    await failure(task, ConnectionError);
  });

  inEachBackend("when the file is closed meanwhile, with a ValueError", async (bench) => {
    const [left, right] = await recorders(bench, {}, pauses);
    const handle = await open(path);
    const task = createTask(bench.loop.sendfile(left.transport, handle));
    await stuck(bench, left.transport);
    await handle.close();
    right.transport.resumeReading();
    await failure(task, ValueError);
    assert.equal(left.transport.isReading(), true);
  });

  inEachBackend("when the file cannot be read, with its OSError", async (bench) => {
    const [left] = await recorders(bench);
    const error = await failure(bench.loop.sendfile(left.transport, opened(bench, folder)), OSError);
    assert.equal(error.code, "EISDIR");
    left.transport.write("goes on");
  });

  inEachBackend("before it begins, is as if it had never been", async (bench) => {
    const [left, right] = await recorders(bench, {}, pauses);
    const before = fill(left);
    const fd = opened(bench);
    const task = createTask(bench.loop.sendfile(left.transport, fd));
    await idle();
    task.cancel();
    await failure(task, CancelledError);
    assert.equal(nextByte(fd), bytes[0]);
    left.transport.write("x");
    right.transport.resumeReading();
    await right.receives(before.length + 1);
  });

  inEachBackend("at any moment, has sent a beginning of the file", async (bench) => {
    for (let round = 0; round < 15; round++) {
      const [left, right] = await recorders(bench);
      const fd = opened(bench);
      const task = createTask(bench.loop.sendfile(left.transport, fd));
      for (let turns = 0; turns < round * round; turns++) await sleep(0);
      if (task.cancel()) await failure(task, CancelledError);
      left.transport.close();
      await right.called("eofReceived");
      assert.ok(right.received.equals(bytes.subarray(0, right.size)));
      assertPosition(bench, fd, right.size);
    }
  });
});

describe("where the kernel cannot do it", () => {
  inEachBackend("a pipe is read and written", async (bench) => {
    const [left, right] = await recorders(bench);
    const fifo = join(folder, `fifo-${bench.backend}`);
    assert.equal(spawnSync("sh", ["-c", 'mkfifo "$0"', fifo]).status, 0);
    const fd = opened(bench, fifo, constants.O_RDWR);
    writeSync(fd, "through a pipe");
    const { loop } = bench;
    const refused = loop.sendfile(left.transport, fd, { count: 14, fallback: false });
    await failure(refused, SendfileNotAvailableError);
    await failure(loop.sendfile(left.transport, fd, { offset: 1, count: 13 }), OSError);
    assert.equal(await loop.sendfile(left.transport, fd, { count: 14 }), 14);
    assert.equal((await right.receives(14)).toString(), "through a pipe");
  });

  inEachBackend("without the fallback it is done natively, or not at all", async (bench) => {
    const [left, right] = await recorders(bench);
    const sending = bench.loop.sendfile(left.transport, opened(bench), { fallback: false });
    if (bench.backend === "portable") {
      await failure(sending, SendfileNotAvailableError);
      assert.equal(left.transport.isReading(), true);
    } else {
      assert.equal(await sending, bytes.length);
      await right.receives(bytes.length);
    }
  });
});

describe("what sendfile is given", () => {
  inEachBackend("is checked at the call", async (bench) => {
    const { loop } = bench;
    const [left] = await recorders(bench);
    const { transport } = left;
    const fd = opened(bench);
    for (const file of ["path", null, {}, 1.5]) {
      assert.throws(() => loop.sendfile(transport, file as never), TypeError);
    }
    const handle = await open(path);
    await handle.close();
    assert.throws(() => loop.sendfile(transport, handle), {
      name: "ValueError",
      message: "the file is closed",
    });
    assert.throws(() => loop.sendfile(transport, fd, { offset: -1 }), ValueError);
    assert.throws(() => loop.sendfile(transport, fd, { offset: 0.5 }), TypeError);
    assert.throws(() => loop.sendfile(transport, fd, { count: 0 }), ValueError);
    assert.throws(() => loop.sendfile(transport, fd, { count: "1" as never }), TypeError);
    assert.throws(() => loop.sendfile({} as Transport, fd), {
      name: "RuntimeError",
      message: /not supported/,
    });
  });

  inEachBackend("must be a connection that is open for writing", async (bench) => {
    const { loop } = bench;
    const [left] = await recorders(bench, {}, { onEof: () => true });
    const fd = opened(bench);
    const early = loop.sendfile(left.transport, fd);
    left.transport.writeEof();
    await failure(loop.sendfile(left.transport, fd), RuntimeError);
    left.transport.close();
    assert.throws(() => loop.sendfile(left.transport, fd), { name: "RuntimeError", message: /closing/ });
    assert.match((await failure(early, RuntimeError)).message, /closing/);
  });
});
