import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { describe, test } from "node:test";
import {
  createTask,
  FlowControlMixin,
  OSError,
  ReadTransport,
  RuntimeError,
  StreamReader,
  StreamReaderProtocol,
  StreamWriter,
  socketpair,
  Transport,
  ValueError,
  WriteTransport,
} from "../../src/index.ts";
import { flavours, type Steps } from "../flavours.ts";
import { type Bench, backends, failure, idle, inEachBackend } from "./backends.ts";
import { foreign, isClosed, makePipe, makePty, pipesSkip } from "./pipes-support.ts";
import { pattern, Recorder } from "./recorder.ts";

const options = { skip: pipesSkip };

/** A recorder that reads from a pipe, and the fd to write to. */
async function readingRecorder(
  bench: Bench,
  does: ConstructorParameters<typeof Recorder>[1] = {},
): Promise<{ recorder: Recorder; transport: ReadTransport; reader: number; writer: number }> {
  const ends = makePipe(bench);
  const recorder = new Recorder(bench.loop, does);
  const [transport] = await bench.loop.connectReadPipe(() => recorder, ends.reader);
  bench.defer(async () => {
    transport.close();
    while (!isClosed(ends.reader)) await idle();
  });
  return { recorder, transport, ...ends };
}

describe("the reading end of a pipe", options, () => {
  inEachBackend("gives what comes in, then the end, and is closed", async (bench) => {
    const { recorder, transport, reader, writer } = await readingRecorder(bench);
    assert.deepEqual(recorder.calls, ["connectionMade"]);
    writeSync(writer, "hello");
    assert.equal(String(await recorder.receives(5)), "hello");
    closeSync(writer);
    await recorder.called("connectionLost");
    assert.deepEqual(recorder.calls, ["connectionMade", "dataReceived", "eofReceived", "connectionLost"]);
    assert.equal(recorder.lostWith, null);
    assert.equal(transport.isClosing(), true);
    while (!isClosed(reader)) await idle();
  });

  inEachBackend("is a ReadTransport, and neither a WriteTransport nor a Transport", async (bench) => {
    const { transport, reader } = await readingRecorder(bench);
    assert.ok(transport instanceof ReadTransport);
    assert.ok(!((transport as unknown) instanceof WriteTransport));
    assert.ok(!((transport as unknown) instanceof Transport));
    assert.equal(transport.getExtraInfo("pipe"), reader);
    assert.equal(transport.getExtraInfo("peername"), null);
    assert.match(String(transport), /^<ReadPipeTransport open/);
  });

  inEachBackend("ends with the stream, although the protocol wants it open", async (bench) => {
    const { recorder, writer } = await readingRecorder(bench, { onEof: () => true });
    closeSync(writer);
    await recorder.called("connectionLost");
    assert.equal(recorder.lostWith, null);
  });

  inEachBackend("loses nothing of a lot, however often it pauses", async (bench) => {
    const { recorder, transport, writer } = await readingRecorder(bench);
    recorder.onData = () => {
      transport.pauseReading();
      assert.equal(transport.isReading(), false);
      bench.loop.callSoon(() => transport.resumeReading());
    };
    const sent = pattern(1_000_000);
    const child = spawn("sh", ["-c", "cat"], { stdio: ["pipe", writer, "inherit"] });
    closeSync(writer);
    child.stdin!.end(sent);
    await recorder.called("connectionLost");
    assert.ok(recorder.received.equals(sent));
  });

  inEachBackend("gives nothing while it is paused, and the rest afterwards", async (bench) => {
    const { recorder, transport, writer } = await readingRecorder(bench);
    transport.pauseReading();
    transport.pauseReading();
    writeSync(writer, "later");
    await idle();
    assert.deepEqual(recorder.calls, ["connectionMade"]);
    transport.resumeReading();
    transport.resumeReading();
    assert.equal(String(await recorder.receives(5)), "later");
  });

  inEachBackend("can be paused before it begins", async (bench) => {
    const { recorder, transport, writer } = await readingRecorder(bench, {
      onMade: (made) => made.pauseReading(),
    });
    writeSync(writer, "later");
    await idle();
    assert.deepEqual(recorder.calls, ["connectionMade"]);
    transport.resumeReading();
    await recorder.receives(5);
  });

  inEachBackend("is closed by close(), once, and says nothing of what is left", async (bench) => {
    const { recorder, transport, reader, writer } = await readingRecorder(bench);
    writeSync(writer, "unread");
    transport.pauseReading();
    transport.close();
    transport.close();
    transport.resumeReading();
    assert.equal(transport.isReading(), false);
    await recorder.called("connectionLost");
    await idle();
    assert.deepEqual(recorder.calls, ["connectionMade", "connectionLost"]);
    assert.match(String(transport), /^<ReadPipeTransport closed/);
    while (!isClosed(reader)) await idle();
  });

  inEachBackend("goes on after an error of the protocol, which is reported", async (bench) => {
    const { recorder, writer } = await readingRecorder(bench, {
      onData: (data) => {
        if (String(data) === "bad") throw new Error("cannot take that");
      },
    });
    writeSync(writer, "bad");
    await recorder.receives(3);
    writeSync(writer, "good");
    assert.equal(String(await recorder.receives(7)), "badgood");
    const [report] = bench.reports.splice(0);
    assert.match(String(report?.exception), /cannot take that/);
  });

  inEachBackend("feeds another protocol from when it is set", async (bench) => {
    const { recorder, transport, writer } = await readingRecorder(bench);
    const other = new Recorder(bench.loop);
    transport.setProtocol(other);
    assert.equal(transport.getProtocol(), other);
    writeSync(writer, "for the other");
    await other.receives(13);
    assert.deepEqual(recorder.calls, ["connectionMade"]);
  });

  inEachBackend("feeds a StreamReader", async (bench) => {
    const { reader: fd, writer } = makePipe(bench);
    const reader = new StreamReader();
    await bench.loop.connectReadPipe(() => new StreamReaderProtocol(reader), fd);
    writeSync(writer, "one\ntwo\nthr");
    assert.equal(String(await reader.readline()), "one\n");
    closeSync(writer);
    assert.equal(String(await reader.read()), "two\nthr");
  });

  inEachBackend("holds a fast writer back where nobody reads from its StreamReader", async (bench) => {
    const { reader: fd, writer } = makePipe(bench);
    const reader = new StreamReader({ limit: 1000 });
    const [transport] = await bench.loop.connectReadPipe(() => new StreamReaderProtocol(reader), fd);
    writeSync(writer, pattern(60_000));
    while (transport.isReading()) await idle();
    closeSync(writer);
    assert.ok((await reader.read()).equals(pattern(60_000)));
  });

  inEachBackend("is not shared by two transports", async (bench) => {
    const { loop } = bench;
    const stream = new PassThrough();
    const [transport] = await loop.connectReadPipe(() => new Recorder(loop), stream);
    await failure(
      loop.connectReadPipe(() => new Recorder(loop), stream),
      RuntimeError,
    );
    transport.close();
    if (bench.backend === "portable") return;
    const { reader, transport: first } = await readingRecorder(bench);
    await failure(
      loop.connectReadPipe(() => new Recorder(loop), reader),
      RuntimeError,
    );
    assert.equal(first.isReading(), true);
  });

  for (const { name, skip, makeLoop } of backends) {
    test(`is closed with the loop (${name})`, { skip }, async () => {
      const cleanUps: (() => unknown)[] = [];
      const { reader } = makePipe({ defer: (cleanUp) => cleanUps.push(cleanUp) });
      const stream = new PassThrough();
      const loop = makeLoop();
      const recorders = [new Recorder(loop), new Recorder(loop)] as const;
      await loop.runUntilComplete(async () => {
        await loop.connectReadPipe(() => recorders[0], reader);
        await loop.connectReadPipe(() => recorders[1], stream);
      });
      assert.equal(isClosed(reader), false);
      loop.close();
      while (!isClosed(reader)) await idle();
      assert.equal(stream.destroyed, true);
      for (const { calls } of recorders) assert.deepEqual(calls, ["connectionMade"]);
      for (const cleanUp of cleanUps) cleanUp();
    });
  }

  inEachBackend("is closed if the wait for it is cancelled", async (bench) => {
    const { loop } = bench;
    const { reader } = makePipe(bench);
    const recorder = new Recorder(loop, { onMade: () => void task.cancel() });
    const task = createTask(loop.connectReadPipe(() => recorder, reader));
    await assert.rejects(task);
    await recorder.called("connectionLost");
    while (!isClosed(reader)) await idle();
  });
});

for (const { name, skip, makeLoop } of backends) {
  for (const { name: flavour, on, body } of flavours) {
    test(`a pipe is for both flavours, from end to end (${flavour}, ${name})`, { skip }, async () => {
      using loop = makeLoop();
      const cleanUps: (() => unknown)[] = [];
      const { reader, writer } = makePipe({ defer: (cleanUp) => cleanUps.push(cleanUp) });
      function* main(): Steps<void> {
        const incoming = new StreamReader();
        yield* on(loop.connectReadPipe(() => new StreamReaderProtocol(incoming), reader));
        const [transport, protocol] = yield* on(loop.connectWritePipe(() => new FlowControlMixin(), writer));
        const outgoing = new StreamWriter(transport, protocol, null, loop);
        const sent = pattern(300_000);
        outgoing.write(sent);
        assert.ok((yield* on(incoming.readexactly(200_000))).equals(sent.subarray(0, 200_000)));
        yield* on(outgoing.drain());
        outgoing.close();
        assert.ok((yield* on(incoming.read())).equals(sent.subarray(200_000)));
      }
      await loop.runUntilComplete(body(main));
      for (const cleanUp of cleanUps) cleanUp();
    });
  }
}

describe("what can be read from as a pipe", options, () => {
  inEachBackend("is a FIFO, from one writer to its last", async (bench) => {
    const directory = mkdtempSync(join(tmpdir(), "pipes-"));
    bench.defer(() => rmSync(directory, { recursive: true }));
    const path = join(directory, "fifo");
    assert.equal(foreign("int mkfifo(const char *, unsigned int)")(path, 0o600), 0);
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const child = spawn("sh", ["-c", `exec 3>${path}; echo one >&3; echo two >&3`], { stdio: "inherit" });
    bench.defer(() => child.kill());
    // A FIFO that nobody has opened for writing yet is at its end.
    const writer = openSync(path, constants.O_WRONLY);
    const recorder = new Recorder(bench.loop);
    await bench.loop.connectReadPipe(() => recorder, fd);
    await recorder.receives(8);
    closeSync(writer);
    await recorder.called("connectionLost");
    assert.equal(String(recorder.received), "one\ntwo\n");
  });

  inEachBackend("is a socket, which lets go of its descriptor or is closed with it", async (bench) => {
    const [near, far] = socketpair();
    bench.defer(() => far.close());
    const recorder = new Recorder(bench.loop);
    const [transport] = await bench.loop.connectReadPipe(() => recorder, near);
    assert.equal(transport.getExtraInfo("pipe"), near);
    far.send("hello");
    await recorder.receives(5);
    transport.close();
    await recorder.called("connectionLost");
    await idle();
    assert.equal(near.fileno(), -1);
    assert.equal((await closedByPeer(far)).length, 0);
  });

  inEachBackend("is a terminal, whose other side's end is no report", async (bench) => {
    const { master, slave } = makePty(bench);
    const recorder = new Recorder(bench.loop);
    await bench.loop.connectReadPipe(() => recorder, master);
    writeSync(slave, "hello");
    assert.equal(String(await recorder.receives(5)), "hello");
    closeSync(slave);
    await recorder.called("connectionLost");
    assert.ok(recorder.lostWith === null || (recorder.lostWith as OSError).code === "EIO");
  });

  inEachBackend("is a stream of Node's, of bytes or of text", async (bench) => {
    const stream = Readable.from(["one ", "two"], { objectMode: false }).setEncoding("utf8");
    const recorder = new Recorder(bench.loop);
    const [transport] = await bench.loop.connectReadPipe(() => recorder, stream);
    assert.equal(transport.getExtraInfo("pipe"), stream);
    await recorder.called("connectionLost");
    assert.equal(String(recorder.received), "one two");
    assert.deepEqual(
      [...new Set(recorder.calls)],
      ["connectionMade", "dataReceived", "eofReceived", "connectionLost"],
    );
    assert.equal(stream.destroyed, true);
  });

  inEachBackend("is a stream of Node's that has ended already", async (bench) => {
    const stream = new PassThrough();
    stream.end();
    for await (const _chunk of stream);
    const recorder = new Recorder(bench.loop);
    await bench.loop.connectReadPipe(() => recorder, stream);
    await recorder.called("connectionLost");
    assert.deepEqual(recorder.calls, ["connectionMade", "eofReceived", "connectionLost"]);
  });

  inEachBackend(
    "is a stream of Node's, whose error comes after its bytes, and is reported",
    async (bench) => {
      const stream = new PassThrough();
      const recorder = new Recorder(bench.loop, { onMade: (transport) => transport.pauseReading() });
      await bench.loop.connectReadPipe(() => recorder, stream);
      stream.write("before");
      stream.destroy(new Error("broken"));
      await idle();
      recorder.transport.resumeReading();
      await recorder.called("connectionLost");
      assert.match(String(recorder.lostWith), /broken/);
      assert.equal(bench.reports.splice(0).length, 1);
    },
  );

  inEachBackend("is a device, also one that cannot be watched", async (bench) => {
    const recorder = new Recorder(bench.loop);
    await bench.loop.connectReadPipe(() => recorder, openSync("/dev/null", "r"));
    await recorder.called("connectionLost");
    assert.deepEqual(recorder.calls, ["connectionMade", "eofReceived", "connectionLost"]);
    assert.equal(recorder.lostWith, null);
  });

  inEachBackend("is a device without an end, until it is paused or closed", async (bench) => {
    const recorder = new Recorder(bench.loop, { onData: () => recorder.transport.pauseReading() });
    await bench.loop.connectReadPipe(() => recorder, openSync("/dev/zero", "r"));
    await recorder.called("dataReceived");
    await idle();
    const { size } = recorder;
    assert.ok(size > 0);
    await idle();
    assert.equal(recorder.size, size);
    recorder.onData = () => recorder.transport.close();
    recorder.transport.resumeReading();
    await recorder.called("connectionLost");
    assert.ok(recorder.size > size);
    assert.equal(recorder.lostWith, null);
  });

  inEachBackend("is no regular file and no directory, and that is said at the call", async ({ loop }) => {
    const factory = () => new Recorder(loop);
    for (const [path, kind] of [
      [import.meta.filename, /regular file/],
      [import.meta.dirname, /directory/],
    ] as const) {
      await using file = await open(path);
      assert.throws(() => loop.connectReadPipe(factory, file.fd), ValueError);
      assert.throws(() => loop.connectReadPipe(factory, { fileno: () => file.fd }), kind);
      assert.throws(() => loop.connectWritePipe(factory, file.fd), kind);
    }
  });

  inEachBackend("is nothing that has no descriptor, and no descriptor that is closed", async ({ loop }) => {
    const factory = () => new Recorder(loop);
    for (const bad of [-1, 1.5, "3", null, {}]) {
      assert.throws(() => loop.connectReadPipe(factory, bad as number), TypeError);
      assert.throws(() => loop.connectWritePipe(factory, bad as number), TypeError);
    }
    assert.throws(() => loop.connectReadPipe(factory, "seven" as never), /'seven'/);
    assert.throws(() => loop.connectReadPipe("no function" as never, 0), /'no function'/);
    assert.throws(() => loop.connectReadPipe(factory, Readable.from([1])), /not one of objects/);
    assert.throws(
      () => loop.connectReadPipe(factory, 9999),
      (error) => error instanceof OSError && error.code === "EBADF",
    );
  });
});

async function closedByPeer(socket: { recv(size: number): Buffer }): Promise<Buffer> {
  for (;;) {
    try {
      return socket.recv(10);
    } catch (error) {
      if ((error as OSError).code !== "EAGAIN") throw error;
      await idle();
    }
  }
}
