/** Sending a file that goes wrong half-way: disks that are full on the other side, files that shrink or cannot be read. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, describe } from "node:test";
import {
  ConnectionError,
  createTask,
  NotImplementedError,
  OSError,
  RuntimeError,
  Socket,
  type Transport,
} from "../../src/index.ts";
import { type Bench, failure, inEachBackend, stuck } from "./backends.ts";
import { leavingNoFile } from "./carriers.ts";
import { Echo, pattern, Recorder, recorders, serve } from "./recorder.ts";

const MiB = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), "sendfile-full-"));
/** More than a full disk holds, and than the buffers of two sockets do. */
const bytes = pattern(32 * MiB);
const path = join(folder, "bytes");
writeFileSync(path, bytes);

/** A disk of 1 MiB, or why there is none. */
const disk = join(folder, "disk");
const noDisk = mountDisk();
after(() => {
  if (noDisk === false) spawnSync("sh", ["-c", 'umount "$0"', disk]);
  rmSync(folder, { recursive: true });
});

function mountDisk(): string | false {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "only root can mount a small disk";
  if (spawnSync("python3", ["--version"]).status !== 0) return "no python3";
  mkdirSync(disk);
  const { status, stderr } = spawnSync("sh", ["-c", 'mount -t tmpfs -o size=1m tmpfs "$0"', disk]);
  if (status !== 0) return `a small disk cannot be mounted: ${stderr}`;
  return false;
}

/** Stores what it gets, until that is no longer possible; says how much it could. */
const PYTHON_STORE = `
import errno, os, socket, sys

stored = 0
with socket.create_server(("127.0.0.1", 0)) as server, open(sys.argv[1], "wb", buffering=0) as file:
    print(server.getsockname()[1], flush=True)
    connection, _ = server.accept()
    with connection:
        try:
            while data := connection.recv(65536):
                while data:
                    count = file.write(data)
                    stored += count
                    data = data[count:]
        except OSError as error:
            assert error.errno == errno.ENOSPC, error
            # Something is always left unread: so the end is a reset.
            connection.recv(1)
print(stored)
`;

/** The port of a program that stores what it gets on the full disk, and how many bytes it could store. */
async function store({ defer }: Bench, name: string): Promise<{ port: number; stored: Promise<number> }> {
  const python = spawn("python3", ["-c", PYTHON_STORE, join(disk, name)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(python, "close");
  defer(async () => {
    python.kill();
    await exited;
    rmSync(join(disk, name));
  });
  const [first] = (await once(python.stdout, "data")) as [Buffer];
  return { port: Number(first), stored: text(python.stdout).then(Number) };
}

function opened({ defer }: Bench, name = path): number {
  const fd = openSync(name, "r");
  defer(() => closeSync(fd));
  return fd;
}

/** Where the file's position is: what follows is unique. Moves it. */
function positionOf(fd: number): number {
  const following = Buffer.alloc(32);
  const count = readSync(fd, following, 0, following.length, null);
  return count === 0 ? bytes.length : bytes.indexOf(following.subarray(0, count));
}

function leakFree(
  name: string,
  body: (bench: Bench) => Promise<void>,
  options: { skip?: string | false } = {},
): void {
  inEachBackend(name, (bench) => leavingNoFile(bench, body), { timeout: 60_000, ...options });
}

/** The loop goes on: it can connect, send and receive. */
async function assertAlive(bench: Bench): Promise<void> {
  const recorder = new Recorder(bench.loop);
  const { port } = await serve(bench, () => new Echo());
  await bench.loop.createConnection(() => recorder, "127.0.0.1", port);
  recorder.transport.write("hello");
  assert.equal(String(await recorder.receives(5)), "hello");
  recorder.transport.close();
  await recorder.called("connectionLost");
}

const full = { skip: noDisk };

describe("a file that is sent to where the disk is full", () => {
  for (const offset of [0, 4321]) {
    leakFree(
      `ends with a ConnectionError, its position behind what the kernel took, from ${offset} on`,
      async (bench) => {
        const { port, stored } = await store(bench, `transport-${bench.backend}-${offset}`);
        const recorder = new Recorder(bench.loop);
        await bench.loop.createConnection(() => recorder, "127.0.0.1", port);
        const fd = opened(bench);
        const sending = bench.loop.sendfile(recorder.transport, fd, { offset });
        const error = await failure(sending, ConnectionError);
        assert.match(error.message, /EPIPE|ECONNRESET/);
        // It is still its owner's.
        assert.equal(fstatSync(fd).size, bytes.length);
        const size = await stored;
        assert.ok(size > 0.9 * MiB && size <= MiB, `${size} bytes stored`);
        const position = positionOf(fd);
        if (bench.backend === "portable") assert.equal(position, 0);
        else assert.ok(position - offset > size && position < bytes.length, `at ${position}`);
        const onDisk = readFileSync(join(disk, `transport-${bench.backend}-${offset}`));
        assert.ok(onDisk.equals(bytes.subarray(offset, offset + size)));
        await abandon(recorder);
        await assertAlive(bench);
      },
      full,
    );
  }

  leakFree(
    "ends in the same way where it is sent in parts, or finds the transport closing",
    async (bench) => {
      const { port, stored } = await store(bench, `writes-${bench.backend}`);
      const recorder = new Recorder(bench.loop);
      await bench.loop.createConnection(() => recorder, "127.0.0.1", port);
      const sending = async () => {
        for (let start = 0; start < bytes.length; start += MiB) {
          await bench.loop.sendfile(recorder.transport, fd, { offset: start, count: MiB });
        }
      };
      const fd = opened(bench);
      const error = await failure(sending(), Error);
      assert.ok(error instanceof ConnectionError || error instanceof RuntimeError, String(error));
      await abandon(recorder);
      assert.ok((await stored) <= MiB);
    },
    full,
  );

  leakFree(
    "ends sockSendfile with a ConnectionError",
    async (bench) => {
      if (bench.backend === "portable") {
        assert.throws(() => bench.loop.sockSendfile({} as Socket, 0), NotImplementedError);
        return;
      }
      const { port, stored } = await store(bench, "socket");
      const sock = new Socket();
      bench.defer(() => sock.close());
      await bench.loop.sockConnect(sock, ["127.0.0.1", port]);
      const fd = opened(bench);
      await failure(bench.loop.sockSendfile(sock, fd), ConnectionError);
      const position = positionOf(fd);
      assert.ok(position > (await stored) && position < bytes.length, `at ${position}`);
      await assertAlive(bench);
    },
    full,
  );

  leakFree(
    "writing to a full device is its OSError, and there is no sendfile to a pipe",
    async (bench) => {
      const recorder = new Recorder(bench.loop);
      const device = openSync("/dev/full", "w");
      const [transport] = await bench.loop.connectWritePipe(() => recorder, device);
      assert.throws(() => bench.loop.sendfile(transport as Transport, opened(bench)), RuntimeError);
      transport.write(bytes.subarray(0, MiB));
      await recorder.called("connectionLost");
      assert.ok(recorder.lostWith instanceof OSError, String(recorder.lostWith));
      assert.equal(recorder.lostWith.code, "ENOSPC");
      assert.equal(transport.getWriteBufferSize(), 0);
      await assertAlive(bench);
    },
    { skip: process.platform !== "linux" && "no /dev/full" },
  );
});

describe("a file that", () => {
  leakFree("shrinks while it is sent is sent as far as it goes", async (bench) => {
    const name = join(folder, `shrinking-${bench.backend}`);
    writeFileSync(name, bytes);
    const [left, right] = await recorders(bench, {}, { onMade: (made) => made.pauseReading() });
    const task = createTask(bench.loop.sendfile(left.transport, opened(bench, name)));
    await stuck(bench, left.transport);
    assert.equal(task.done(), false);
    // Less than is on its way: the page in which the file ends now may be on its way, too, and is zeroed behind the end.
    truncateSync(name, 65536);
    right.transport.resumeReading();
    const sent = await task;
    assert.ok(sent > 65536 && sent < bytes.length, `${sent} bytes`);
    left.transport.write("END");
    await right.receives(sent + 3);
    assert.equal(right.size, sent + 3);
    assert.ok(right.received.subarray(0, 65536).equals(bytes.subarray(0, 65536)));
    assert.equal(String(right.received.subarray(-3)), "END");
    rmSync(name);
  });

  leakFree("grows while it is sent is sent to its new end", async (bench) => {
    const name = join(folder, `growing-${bench.backend}`);
    writeFileSync(name, bytes.subarray(0, 16 * MiB));
    const [left, right] = await recorders(bench, {}, { onMade: (made) => made.pauseReading() });
    const task = createTask(bench.loop.sendfile(left.transport, opened(bench, name)));
    await stuck(bench, left.transport);
    writeFileSync(name, bytes.subarray(16 * MiB), { flag: "a" });
    assert.equal(statSync(name).size, bytes.length);
    right.transport.resumeReading();
    assert.equal(await task, bytes.length);
    assert.ok((await right.receives(bytes.length)).equals(bytes));
    rmSync(name);
  });

  leakFree(
    "cannot be read ends with its OSError, nothing is sent, and the connection goes on",
    async (bench) => {
      const [left, right] = await recorders(bench);
      for (const [name, code] of [
        [folder, "EISDIR"],
        ["/proc/self/mem", "EIO"],
      ] as const) {
        const error = await failure(bench.loop.sendfile(left.transport, opened(bench, name)), OSError);
        assert.equal(error.code, code);
        assert.equal(left.transport.isReading(), true);
      }
      left.transport.write("goes on");
      assert.equal(String(await right.receives(7)), "goes on");
    },
    { skip: process.platform !== "linux" && "no /proc" },
  );
});

/** It may have learned of the reset by itself. */
async function abandon(recorder: Recorder): Promise<void> {
  recorder.transport.abort();
  await recorder.called("connectionLost");
}
