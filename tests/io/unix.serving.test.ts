import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe } from "node:test";
import {
  AF_UNIX,
  CancelledError,
  createTask,
  FileNotFoundError,
  OSError,
  PermissionError,
  SOCK_STREAM,
  Socket,
  sleep,
} from "../../src/index.ts";
import { CapturedLog } from "../core/captured-log.ts";
import { failure, idle, inEachBackend, nativeSkip } from "./backends.ts";
import { Echo, Recorder } from "./recorder.ts";
import { ask, forbid, newPath, serveUnix, unixSkip } from "./unix-support.ts";

describe("a unix server", { skip: unixSkip }, () => {
  inEachBackend("accepts connections when it is made, and knows its path", async (bench) => {
    const { path, server } = await serveUnix(bench, () => new Echo());
    assert.equal(server.isServing(), true);
    const [socket, ...others] = server.sockets;
    assert.deepEqual(others, []);
    assert.deepEqual([socket!.family, socket!.type, socket!.proto], [AF_UNIX, SOCK_STREAM, 0]);
    assert.equal(socket!.getsockname(), path);
    assert.equal(String(server), `<Server serving sockets=['${path}']>`);
    await ask(bench.loop, path);
    await Promise.all(Array.from({ length: 20 }, () => ask(bench.loop, path)));
  });

  inEachBackend("that does not serve yet accepts when told", async (bench) => {
    const { path, server } = await serveUnix(bench, () => new Echo(), { startServing: false });
    assert.equal(server.isServing(), false);
    await server.startServing();
    await ask(bench.loop, path);
  });

  inEachBackend("may be closed by the factory that makes a protocol for it", async (bench) => {
    const ours = new Recorder(bench.loop);
    const { path, server } = await serveUnix(bench, () => {
      server.close();
      return ours;
    });
    const theirs = new Recorder(bench.loop);
    await bench.loop.createUnixConnection(() => theirs, path);
    theirs.transport.write("served all the same");
    await ours.receives(19);
    theirs.transport.close();
    await server.waitClosed();
  });

  inEachBackend("waits for its last connection, but not for new ones", async (bench) => {
    const ours = new Recorder(bench.loop);
    const { path, server } = await serveUnix(bench, () => ours);
    const theirs = new Recorder(bench.loop);
    await bench.loop.createUnixConnection(() => theirs, path);
    await ours.called("connectionMade");
    server.close();
    await failure(
      bench.loop.createUnixConnection(() => new Echo(), path),
      FileNotFoundError,
    );
    const closed = createTask(server.waitClosed());
    await idle();
    assert.equal(closed.done(), false);
    theirs.transport.close();
    await closed;
  });

  inEachBackend("cannot be where something else is, which stays: EADDRINUSE names it", async (bench) => {
    const path = newPath(bench);
    writeFileSync(path, "precious");
    for (const where of [path, dirname(path)]) {
      const error = await failure(
        bench.loop.createUnixServer(() => new Echo(), where),
        OSError,
      );
      assert.deepEqual([error.code, error.errno], ["EADDRINUSE", 98]);
      assert.equal(error.message, `Address '${where}' is already in use`);
    }
    assert.equal(readFileSync(path, "utf8"), "precious");
  });

  inEachBackend("cannot be in a directory that is not there", async (bench) => {
    const path = join(newPath(bench), "socket");
    const error = await failure(
      bench.loop.createUnixServer(() => new Echo(), path),
      FileNotFoundError,
    );
    assert.deepEqual([error.code, error.errno, error.syscall], ["ENOENT", 2, "bind"]);
    assert.ok(error.message.includes(path), error.message);
  });

  inEachBackend("cannot be in a directory that one may not write to, nor below it", async (bench) => {
    const path = newPath(bench);
    mkdirSync(path);
    forbid(bench, dirname(path));
    using _log = new CapturedLog();
    for (const where of [`${path}.sock`, join(path, "socket")]) {
      const error = await failure(
        bench.loop.createUnixServer(() => new Echo(), where),
        PermissionError,
      );
      assert.equal(error.code, "EACCES");
    }
  });

  inEachBackend("has a path of at most 107 bytes", async (bench) => {
    const directory = dirname(newPath(bench));
    const room = 107 - Buffer.byteLength(directory) - 1;
    const name = (bytes: number) => join(directory, "x".repeat(bytes));
    await serveUnix(bench, () => new Echo(), {}, name(room));
    await ask(bench.loop, name(room));
    for (const attempt of [
      bench.loop.createUnixServer(() => new Echo(), name(room + 1)),
      bench.loop.createUnixConnection(() => new Echo(), name(room + 1)),
      bench.loop.createUnixConnection(() => new Echo(), join(directory, "ä".repeat(room / 2 + 1))),
    ]) {
      const error = await failure(attempt, OSError);
      assert.deepEqual([error.code, error.errno], ["ENAMETOOLONG", 36]);
    }
    assert.equal(existsSync(name(room + 1)), false);
  });

  inEachBackend("leaves nothing if its making is cancelled", async (bench) => {
    const path = newPath(bench);
    const making = createTask(bench.loop.createUnixServer(() => new Echo(), path));
    await sleep(0);
    assert.equal(existsSync(path), true);
    making.cancel();
    await failure(making, CancelledError);
    assert.equal(existsSync(path), false);
  });

  inEachBackend(
    "can be made of a bound socket, whose file it removes",
    async (bench) => {
      const path = newPath(bench);
      const sock = new Socket(AF_UNIX);
      sock.bind(path);
      const ours = new Recorder(bench.loop);
      const server = await bench.loop.createUnixServer(() => ours, null, { sock });
      assert.equal(server.sockets[0]!.getsockname(), path);
      const theirs = new Recorder(bench.loop);
      await bench.loop.createUnixConnection(() => theirs, path);
      await ours.called("connectionMade");
      assert.equal(ours.transport.getExtraInfo("sockname"), path);
      theirs.transport.close();
      server.close();
      assert.equal(existsSync(path), false);
      await server.waitClosed();
      await theirs.called("connectionLost");
    },
    { skip: nativeSkip },
  );
});
