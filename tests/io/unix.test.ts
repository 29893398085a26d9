import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { describe } from "node:test";
import {
  AF_INET,
  AF_UNIX,
  CancelledError,
  ConnectionRefusedError,
  createTask,
  OSError,
  SOCK_DGRAM,
  SOCK_STREAM,
  Socket,
  sleep,
  type UnixPath,
  ValueError,
} from "../../src/index.ts";
import { failure, idle, inEachBackend, nativeSkip } from "./backends.ts";
import { openFiles } from "./native/support.ts";
import { Echo, Recorder } from "./recorder.ts";
import { abstractSkip, ask, newPath, serveUnix, unixSkip } from "./unix-support.ts";

describe("an abstract name", { skip: abstractSkip }, () => {
  const name = (backend: string) => `\0asyncio-test-${process.pid}-${backend}`;

  inEachBackend("is no file, and is free when the server is closed", async (bench) => {
    const ours = new Recorder(bench.loop);
    const path = name(bench.backend);
    const { server } = await serveUnix(bench, () => ours, {}, path);
    assert.equal(server.sockets[0]!.getsockname(), path);
    const theirs = new Recorder(bench.loop);
    const [transport] = await bench.loop.createUnixConnection(() => theirs, Buffer.from(path));
    assert.equal(transport.getExtraInfo("peername"), path);
    await ours.called("connectionMade");
    assert.equal(ours.transport.getExtraInfo("sockname"), path);
    const error = await failure(
      bench.loop.createUnixServer(() => new Echo(), path),
      OSError,
    );
    assert.equal(error.message, `Address '\\x00${path.slice(1)}' is already in use`);
    transport.close();
    server.close();
    await server.waitClosed();
    await failure(
      bench.loop.createUnixConnection(() => new Echo(), path),
      ConnectionRefusedError,
    );
    await serveUnix(bench, () => new Echo(), {}, path);
    await ask(bench.loop, path);
  });

  inEachBackend("counts with every byte, up to 108 of them", async (bench) => {
    const path = `${name(bench.backend)}\0`;
    await serveUnix(bench, () => new Echo(), {}, path);
    await ask(bench.loop, path);
    await failure(
      bench.loop.createUnixConnection(() => new Echo(), path.slice(0, -1)),
      ConnectionRefusedError,
    );
    await serveUnix(bench, () => new Echo(), {}, path.padEnd(108, "x"));
    await ask(bench.loop, path.padEnd(108, "x"));
    const error = await failure(
      bench.loop.createUnixServer(() => new Echo(), path.padEnd(109, "x")),
      OSError,
    );
    assert.equal(error.code, "ENAMETOOLONG");
  });
});

describe("the arguments are checked at the call:", () => {
  inEachBackend("one of a path and a socket is needed", async ({ loop }) => {
    const sock = { fileno: () => -1 };
    const factory = () => new Echo();
    for (const call of [
      () => loop.createUnixConnection(factory, null),
      () => loop.createUnixServer(factory, null),
    ]) {
      assert.throws(call, { name: "ValueError", message: "neither a path nor sock was specified" });
    }
    for (const call of [
      () => loop.createUnixConnection(factory, "/x", { sock }),
      () => loop.createUnixServer(factory, "/x", { sock }),
    ]) {
      assert.throws(call, {
        name: "ValueError",
        message: "path and sock can not be specified at the same time",
      });
    }
  });

  inEachBackend(
    "a path is a string, bytes in UTF-8 or a file's URL, and has no NUL inside",
    async ({ loop }) => {
      const connect = (path: unknown) => () => loop.createUnixConnection(() => new Echo(), path as UnixPath);
      for (const path of ["", new Uint8Array(0), "/a\0b", Buffer.from([0x2f, 0xff])]) {
        assert.throws(connect(path), ValueError);
      }
      for (const path of [5, {}, new URL("http://localhost/")]) {
        assert.throws(connect(path), TypeError);
      }
      assert.throws(() => loop.createUnixServer(() => new Echo(), 5 as unknown as string), TypeError);
      assert.throws(() => loop.createUnixServer(null as unknown as () => Echo, "/x"), TypeError);
      assert.throws(() => loop.createUnixConnection(null as unknown as () => Echo, "/x"), TypeError);
    },
  );

  inEachBackend(
    "a socket is a unix stream socket",
    async ({ loop }) => {
      for (const [family, type] of [
        [AF_INET, SOCK_STREAM],
        [AF_UNIX, SOCK_DGRAM],
      ]) {
        using sock = new Socket(family, type);
        const expected = {
          name: "ValueError",
          message: /^A UNIX Domain Stream Socket was expected, got <Socket/,
        };
        assert.throws(() => loop.createUnixConnection(() => new Echo(), null, { sock }), expected);
        assert.throws(() => loop.createUnixServer(() => new Echo(), null, { sock }), expected);
      }
    },
    { skip: nativeSkip },
  );
});

inEachBackend(
  "whatever fails leaves no descriptor open",
  async (bench) => {
    const path = newPath(bench);
    const round = async () => {
      const { loop } = bench;
      const server = await loop.createUnixServer(() => new Echo(), path);
      await ask(loop, path);
      const cancelled = createTask(loop.createUnixConnection(() => new Echo(), path));
      await sleep(0);
      cancelled.cancel();
      await failure(cancelled, CancelledError);
      server.close();
      await server.waitClosed();
      await failure(
        loop.createUnixConnection(() => new Echo(), path),
        OSError,
      );
      await failure(
        loop.createUnixServer(() => new Echo(), dirname(path)),
        OSError,
      );
      await failure(
        loop.createUnixServer(() => new Echo(), join(path, "below")),
        OSError,
      );
      await idle();
    };
    await round();
    const before = openFiles();
    for (let i = 0; i < 10; i++) await round();
    assert.equal(openFiles(), before);
  },
  { skip: unixSkip || (process.platform === "linux" ? false : "needs /proc") },
);
