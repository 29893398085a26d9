/** Connections that a peer in Python resets: each wait ends with the very error that CPython 3.13 gives there. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import {
  type Awaitable,
  BrokenPipeError,
  ConnectionError,
  ConnectionResetError,
  Event,
  type EventLoop,
  type StreamReader,
  type StreamWriter,
  sleep,
  startServer,
} from "../../src/index.ts";
import { type Flavour, flavours, type Steps } from "../flavours.ts";
import { rejects } from "../helpers.ts";
import { type Bench, inEachBackend } from "./backends.ts";
import { HUGE, leavingNoFile } from "./carriers.ts";
import { missing } from "./programs.ts";
import { portOf } from "./recorder.ts";

/** Waits for a byte, then closes: with SO_LINGER of 0, or with something that it has not read, if there is. */
const PEER = `
import socket, struct, sys
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sock.sendall(b"hello")
sock.recv(1)
if sys.argv[2] == "reset":
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
sock.close()
`;

const noPython = missing("python3");

const folder = mkdtempSync(join(tmpdir(), "reset-"));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, "bytes");
writeFileSync(path, HUGE);

interface Served {
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
  readonly on: Flavour["on"];
  readonly loop: EventLoop;
  readonly backend: Bench["backend"];
}

/** A server whose handler is `handle`, which has got the peer's "hello"; the peer ends in this way. */
function withPeer(name: string, ends: "reset" | "close", handle: (served: Served) => Steps<void>): void {
  for (const flavour of flavours) {
    inEachBackend(
      `${name} (${flavour.name})`,
      (bench) => leavingNoFile(bench, (inner) => serve(inner, flavour, ends, handle)),
      { skip: noPython, timeout: 30_000 },
    );
  }
}

async function serve(
  { loop, backend, defer }: Bench,
  { on, coroutine }: Flavour,
  ends: "reset" | "close",
  handle: (served: Served) => Steps<void>,
): Promise<void> {
  const handled = new Event();
  const handler = coroutine(function* (reader: StreamReader, writer: StreamWriter) {
    try {
      assert.equal(String(yield* on(reader.readexactly(5))), "hello");
      yield* handle({ reader, writer, on, loop, backend });
    } finally {
      writer.transport.abort();
      handled.set();
    }
  });
  const server = await startServer(handler, "127.0.0.1", 0);
  defer(() => server.close());
  const args = ["-c", PEER, String(portOf(server.sockets[0]!)), ends];
  const python = spawn("python3", args, { stdio: ["ignore", "ignore", "inherit"] });
  const exited = once(python, "close");
  await handled.wait();
  await exited;
  await server.close({ drain: 5 });
}

function assertReset(error: ConnectionError): void {
  assert.deepEqual([error.code, error.errno], ["ECONNRESET", 104]);
}

for (const ends of ["reset", "close"] as const) {
  const how = ends === "reset" ? "SO_LINGER of 0" : "a close that leaves bytes unread";

  withPeer(`${how} in the middle of a write is a ConnectionResetError everywhere`, ends, function* (served) {
    const { reader, writer, on } = served;
    writer.write(HUGE);
    const waits: Awaitable<unknown>[] = [
      writer.drain(),
      writer.waitClosed(),
      reader.read(10),
      writer.drain(),
    ];
    for (const wait of waits) {
      assertReset(yield* rejects(on(wait), ConnectionResetError));
    }
    assert.equal(writer.transport.getWriteBufferSize(), 0);
  });

  withPeer(`${how} is found by a writer who does not read`, ends, function* ({ reader, writer, on }) {
    (writer.transport as unknown as { pauseReading(): void }).pauseReading();
    writer.write(HUGE);
    assertReset(yield* rejects(on(writer.drain()), ConnectionResetError));
    assertReset(yield* rejects(on(writer.waitClosed()), ConnectionResetError));
    assertReset(yield* rejects(on(reader.read(10)), ConnectionResetError));
  });

  withPeer(`${how} in the middle of sendfile is a ConnectionError`, ends, function* (served) {
    const { writer, on, loop, backend } = served;
    const file = openSync(path, "r");
    try {
      // Where the reset comes within the system call, the kernel keeps it to itself, and says EPIPE to the next one.
      const error = yield* rejects(on(loop.sendfile(writer.transport, file)), ConnectionError);
      assert.ok(error instanceof ConnectionResetError || error instanceof BrokenPipeError, String(error));
      assert.match(`${error.code} ${error.errno}`, /^(ECONNRESET 104|EPIPE 32)$/);
      const next = Buffer.alloc(32);
      readSync(file, next, 0, next.length, null);
      const position = HUGE.indexOf(next);
      assert.equal(position > 0, backend === "native", `the file is at ${position}`);
    } finally {
      closeSync(file);
    }
  });
}

withPeer("SO_LINGER of 0 is a ConnectionResetError for who reads", "reset", function* (served) {
  const { reader, writer, on } = served;
  writer.write("x");
  const waits: Awaitable<unknown>[] = [reader.read(), writer.drain(), writer.waitClosed()];
  for (const wait of waits) {
    assertReset(yield* rejects(on(wait), ConnectionResetError));
  }
});

withPeer("writing on to a peer that has closed is a BrokenPipeError", "close", function* (served) {
  const { reader, writer, on } = served;
  writer.write("x");
  assert.equal((yield* on(reader.read())).length, 0);
  const writing = function* (): Steps<void> {
    for (;;) {
      writer.write("y");
      yield* on(writer.drain());
      yield* on(sleep(0));
    }
  };
  yield* rejects(writing(), ConnectionError);
  const waits: Awaitable<unknown>[] = [writer.waitClosed(), reader.read(10)];
  for (const wait of waits) {
    const error = yield* rejects(on(wait), BrokenPipeError);
    assert.deepEqual([error.code, error.errno], ["EPIPE", 32]);
  }
});
