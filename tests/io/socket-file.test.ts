import assert from "node:assert/strict";
import {
  existsSync,
  lstatSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { ConnectionRefusedError, type EventLoop, OSError } from "../../src/index.ts";
import { CapturedLog } from "../core/captured-log.ts";
import { backends, failure, inEachBackend } from "./backends.ts";
import { Recorder } from "./recorder.ts";
import { newPath, serveUnix, unixSkip } from "./unix-support.ts";

const isSocket = (path: string) => lstatSync(path).isSocket();

/** A server whose protocols greet with `name`. */
function greeter(loop: EventLoop, name: string) {
  return () => new Recorder(loop, { onMade: (transport) => transport.write(name) });
}

/** The name of the server at `path`. */
async function whoIsAt(loop: EventLoop, path: string): Promise<string> {
  const client = new Recorder(loop);
  const [transport] = await loop.createUnixConnection(() => client, path);
  const name = await client.receives(1);
  transport.close();
  await client.called("connectionLost");
  return name.toString();
}

describe("the file of a unix server's socket", { skip: unixSkip }, () => {
  inEachBackend("is there as soon as the server, and goes with it", async (bench) => {
    const { path, server } = await serveUnix(bench, greeter(bench.loop, "one"));
    assert.ok(isSocket(path));
    server.close();
    assert.equal(existsSync(path), false);
    server.close();
  });

  inEachBackend("stays if cleanupSocket is false", async (bench) => {
    const { path, server } = await serveUnix(bench, greeter(bench.loop, "one"), { cleanupSocket: false });
    const { ino } = statSync(path, { bigint: true });
    server.close();
    assert.equal(statSync(path, { bigint: true }).ino, ino);
    await failure(
      bench.loop.createUnixConnection(() => new Recorder(bench.loop), path),
      ConnectionRefusedError,
    );
  });

  inEachBackend("that nobody listens at any more is replaced", async (bench) => {
    const { path, server } = await serveUnix(bench, greeter(bench.loop, "one"), { cleanupSocket: false });
    server.close();
    await serveUnix(bench, greeter(bench.loop, "two"), {}, path);
    assert.equal(await whoIsAt(bench.loop, path), "two");
  });

  inEachBackend("is the next server's once that has replaced it", async (bench) => {
    const { path, server: one } = await serveUnix(bench, greeter(bench.loop, "one"));
    assert.equal(await whoIsAt(bench.loop, path), "one");
    const { server: two } = await serveUnix(bench, greeter(bench.loop, "two"), {}, path);
    assert.equal(await whoIsAt(bench.loop, path), "two");
    one.close();
    assert.equal(await whoIsAt(bench.loop, path), "two");
    two.close();
    assert.equal(existsSync(path), false);
  });

  inEachBackend("may have become something else, which stays", async (bench) => {
    const { path, server } = await serveUnix(bench, greeter(bench.loop, "one"));
    unlinkSync(path);
    writeFileSync(path, "precious");
    server.close();
    assert.equal(readFileSync(path, "utf8"), "precious");
  });

  inEachBackend("may be gone already", async (bench) => {
    using log = new CapturedLog();
    const { path, server } = await serveUnix(bench, greeter(bench.loop, "one"));
    unlinkSync(path);
    server.close();
    assert.deepEqual(log.entries, []);
  });

  inEachBackend("may have moved: it stays where it is now", async (bench) => {
    const { path, server } = await serveUnix(bench, greeter(bench.loop, "one"));
    renameSync(path, `${path}.moved`);
    assert.equal(await whoIsAt(bench.loop, `${path}.moved`), "one");
    server.close();
    assert.ok(isSocket(`${path}.moved`));
    assert.equal(existsSync(path), false);
  });

  inEachBackend("is replaced, not its target, where a link leads to it", async (bench) => {
    const { path } = await serveUnix(bench, greeter(bench.loop, "one"));
    const link = newPath(bench);
    symlinkSync(path, link);
    await serveUnix(bench, greeter(bench.loop, "two"), {}, link);
    assert.ok(isSocket(link));
    assert.equal(await whoIsAt(bench.loop, path), "one");
    assert.equal(await whoIsAt(bench.loop, link), "two");
  });

  inEachBackend("that cannot be looked at is logged, and binding tells why", async (bench) => {
    using log = new CapturedLog();
    const path = newPath(bench);
    symlinkSync(path, path);
    const error = await failure(
      bench.loop.createUnixServer(greeter(bench.loop, "one"), join(path, "socket")),
      OSError,
    );
    assert.equal(error.code, "ELOOP");
    assert.deepEqual(log.of("error"), [`cannot check or remove the stale unix socket '${path}/socket'`]);
    assert.equal((log.entries[0]!.details[0] as NodeJS.ErrnoException).code, "ELOOP");
  });

  inEachBackend("that cannot be removed is logged, and the server is closed", async (bench) => {
    using log = new CapturedLog();
    const { path, server } = await serveUnix(bench, greeter(bench.loop, "one"));
    const moved = `${path}.moved`;
    renameSync(path, moved);
    symlinkSync(path, path);
    server.close();
    await server.waitClosed();
    assert.deepEqual(log.of("error"), [`cannot remove the unix socket '${path}'`]);
    assert.equal((log.entries[0]!.details[0] as NodeJS.ErrnoException).code, "ELOOP");
    await failure(
      bench.loop.createUnixConnection(() => new Recorder(bench.loop), moved),
      ConnectionRefusedError,
    );
  });

  for (const { name, skip, makeLoop } of backends) {
    test(`stays when a loop closes that has not closed its server (${name})`, { skip }, async (t) => {
      const path = newPath({ defer: (cleanUp) => t.after(() => void cleanUp()) });
      const loop = makeLoop();
      await loop.runUntilComplete(loop.createUnixServer(greeter(loop, "one"), path));
      loop.close();
      assert.deepEqual([isSocket(path), existsSync(dirname(path))], [true, true]);
    });
  }
});
