import assert from "node:assert/strict";
import { dirname } from "node:path";
import { describe } from "node:test";
import { pathToFileURL } from "node:url";
import {
  AF_UNIX,
  BlockingIOError,
  CancelledError,
  ConnectionRefusedError,
  createTask,
  FileNotFoundError,
  PermissionError,
  SOCK_STREAM,
  Socket,
  sleep,
  socketpair,
} from "../../src/index.ts";
import { failure, inEachBackend, nativeSkip } from "./backends.ts";
import { Echo, fill, Recorder } from "./recorder.ts";
import { ask, forbid, newPath, serveUnix, unixSkip } from "./unix-support.ts";

describe("a unix connection", { skip: unixSkip }, () => {
  inEachBackend("carries bytes both ways, and each end ends alone", async (bench) => {
    const ours = new Recorder(bench.loop, { onEof: () => true });
    const { path } = await serveUnix(bench, () => ours);
    const theirs = new Recorder(bench.loop);
    const [transport, protocol] = await bench.loop.createUnixConnection(() => theirs, path);
    assert.equal(protocol, theirs);
    transport.write("question");
    assert.equal(transport.canWriteEof(), true);
    transport.writeEof();
    await ours.called("eofReceived");
    assert.equal(ours.received.toString(), "question");
    ours.transport.write("answer");
    ours.transport.close();
    await theirs.called("connectionLost");
    assert.equal(theirs.received.toString(), "answer");
    assert.deepEqual([ours.lostWith, theirs.lostWith], [null, null]);
  });

  inEachBackend(
    "has the names that Python gives: the path, and an empty one for the client",
    async (bench) => {
      const ours = new Recorder(bench.loop);
      const { path } = await serveUnix(bench, () => ours);
      const theirs = new Recorder(bench.loop);
      const [transport] = await bench.loop.createUnixConnection(() => theirs, path);
      await ours.called("connectionMade");
      const names = ({ transport }: Recorder) => [
        transport.getExtraInfo("sockname"),
        transport.getExtraInfo("peername"),
      ];
      assert.deepEqual(names(theirs), ["", path]);
      assert.deepEqual(names(ours), [path, ""]);
      const socket = transport.getExtraInfo("socket")!;
      assert.deepEqual([socket.family, socket.type, socket.proto], [AF_UNIX, SOCK_STREAM, 0]);
      assert.deepEqual([socket.getsockname(), socket.getpeername()], ["", path]);
    },
  );

  inEachBackend("pauses its writer while nobody reads, and loses nothing", async (bench) => {
    const ours = new Recorder(bench.loop, { onMade: (transport) => transport.pauseReading() });
    const { path } = await serveUnix(bench, () => ours);
    const theirs = new Recorder(bench.loop);
    await bench.loop.createUnixConnection(() => theirs, path);
    await ours.called("connectionMade");
    const sent = fill(theirs);
    ours.transport.resumeReading();
    await theirs.called("resumeWriting");
    assert.deepEqual(await ours.receives(sent.length), sent);
    theirs.transport.close();
    await theirs.called("connectionLost");
  });

  inEachBackend("may be named by bytes, or by a URL", async (bench) => {
    const { path } = await serveUnix(bench, () => new Echo(), {}, newPath(bench, "ä b"));
    await ask(bench.loop, Buffer.from(path));
    await ask(bench.loop, new TextEncoder().encode(path));
    await ask(bench.loop, pathToFileURL(path));
  });

  inEachBackend("fails with FileNotFoundError where there is no file", async (bench) => {
    const path = newPath(bench);
    const error = await failure(
      bench.loop.createUnixConnection(() => new Echo(), path),
      FileNotFoundError,
    );
    assert.deepEqual([error.code, error.errno, error.syscall], ["ENOENT", 2, "connect"]);
    assert.ok(error.message.includes(path), error.message);
  });

  inEachBackend("fails with ConnectionRefusedError where nobody listens", async (bench) => {
    const { path, server } = await serveUnix(bench, () => new Echo(), { cleanupSocket: false });
    server.close();
    for (const where of [path, dirname(path)]) {
      const error = await failure(
        bench.loop.createUnixConnection(() => new Echo(), where),
        ConnectionRefusedError,
      );
      assert.deepEqual([error.code, error.errno, error.syscall], ["ECONNREFUSED", 111, "connect"]);
    }
  });

  inEachBackend("fails with PermissionError where that is missing", async (bench) => {
    const path = newPath(bench);
    forbid(bench, dirname(path));
    await failure(
      bench.loop.createUnixConnection(() => new Echo(), path),
      PermissionError,
    );
  });

  inEachBackend(
    "fails with BlockingIOError where the backlog is full",
    async (bench) => {
      const path = newPath(bench);
      using listening = new Socket(AF_UNIX);
      listening.bind(path);
      listening.listen(0);
      const waiting = new Recorder(bench.loop);
      await bench.loop.createUnixConnection(() => waiting, path);
      const error = await failure(
        bench.loop.createUnixConnection(() => new Echo(), path),
        BlockingIOError,
      );
      assert.equal(error.code, "EAGAIN");
      waiting.transport.abort();
      await waiting.called("connectionLost");
    },
    { skip: nativeSkip },
  );

  inEachBackend("is closed if its making is cancelled", async (bench) => {
    const ours = new Recorder(bench.loop);
    const { path } = await serveUnix(bench, () => ours);
    const connecting = createTask(bench.loop.createUnixConnection(() => new Recorder(bench.loop), path));
    await sleep(0);
    connecting.cancel();
    await failure(connecting, CancelledError);
    await ours.called("connectionLost");
  });

  inEachBackend("is closed if the factory throws", async (bench) => {
    const ours = new Recorder(bench.loop);
    const { path } = await serveUnix(bench, () => ours);
    const error = new Error("no protocol today");
    const factory = (): Echo => {
      throw error;
    };
    await assert.rejects(bench.loop.createUnixConnection(factory, path), error);
    await ours.called("connectionLost");
  });

  inEachBackend(
    "can be made of a connected socket",
    async (bench) => {
      const [sock, other] = socketpair();
      bench.defer(() => other.close());
      const client = new Recorder(bench.loop);
      const [transport] = await bench.loop.createUnixConnection(() => client, null, { sock });
      assert.deepEqual([transport.getExtraInfo("sockname"), transport.getExtraInfo("peername")], ["", ""]);
      other.send("hello");
      assert.equal((await client.receives(5)).toString(), "hello");
      transport.close();
      await client.called("connectionLost");
      assert.equal(sock.fileno(), -1);
    },
    { skip: nativeSkip },
  );
});
