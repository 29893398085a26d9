import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { describe, test } from "node:test";
import {
  BaseEventLoop,
  FileNotFoundError,
  NotImplementedError,
  openUnixConnection,
  type StreamReader,
  type StreamWriter,
  startUnixServer,
  ValueError,
} from "../../src/index.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { asyncFlavour, type Flavour, flavours } from "../flavours.ts";
import { type Bench, failure, inEachBackend } from "./backends.ts";
import { converse, LINES, missing } from "./programs.ts";
import { newPath, unixSkip } from "./unix-support.ts";

/** Sends what it reads on its standard input while it prints what it gets. */
const PYTHON_CLIENT = `
import asyncio, sys

async def send(writer):
    data = sys.stdin.buffer.read()
    for start in range(0, len(data), 5000):
        writer.write(data[start:start + 5000])
        await writer.drain()
    writer.write_eof()

async def main():
    reader, writer = await asyncio.open_unix_connection(sys.argv[1])
    sending = asyncio.ensure_future(send(writer))
    sys.stdout.buffer.write(await reader.read())
    await sending
    writer.close()
    await writer.wait_closed()

asyncio.run(main())
`;

/** Says when it listens, and echoes lines. */
const PYTHON_SERVER = `
import asyncio, sys

async def echo(reader, writer):
    while True:
        line = await reader.readline()
        if not line:
            break
        writer.write(line)
        await writer.drain()
    writer.close()

async def main():
    server = await asyncio.start_unix_server(echo, sys.argv[1])
    print("listening", flush=True)
    await server.serve_forever()

asyncio.run(main())
`;

/** What a server calls to send every line back, until the other side ends. */
function echoOf({ on, coroutine }: Flavour) {
  return coroutine(function* (reader: StreamReader, writer: StreamWriter) {
    for (;;) {
      const line = yield* on(reader.readline());
      if (line.length === 0) break;
      writer.write(line);
      yield* on(writer.drain());
    }
    writer.close();
    yield* on(writer.waitClosed());
  });
}

/** An echo server at a path of its own. */
async function echoServer(bench: Bench, flavour = asyncFlavour): Promise<string> {
  const path = newPath(bench);
  const server = await startUnixServer(echoOf(flavour), path);
  bench.defer(() => server.close());
  return path;
}

for (const flavour of flavours) {
  const { name, on, coroutine } = flavour;

  inEachBackend(
    `lines are echoed over a unix socket, with ${name} functions on both sides`,
    async (bench) => {
      const path = await echoServer(bench, flavour);
      const client = coroutine(function* () {
        const [reader, writer] = yield* on(openUnixConnection(path));
        for (const line of ["one\n", "two\n", `${"x".repeat(60_000)}\n`, "end"]) {
          writer.write(line);
          yield* on(writer.drain());
          if (line === "end") writer.writeEof();
          assert.equal((yield* on(reader.readline())).toString(), line);
        }
        assert.equal((yield* on(reader.read())).length, 0);
        writer.close();
        yield* on(writer.waitClosed());
      });
      await client();
    },
    { skip: unixSkip },
  );
}

inEachBackend(
  "the limits of both sides are those of their readers",
  async (bench) => {
    const path = newPath(bench);
    const refused = bench.loop.createFuture<Error>();
    const callback = async (reader: StreamReader, writer: StreamWriter) => {
      refused.setResult(await failure(reader.readline(), ValueError));
      writer.write("0123456789\n");
      writer.close();
    };
    await using _server = await startUnixServer(callback, path, { limit: 5 });
    const [reader, writer] = await openUnixConnection(path, { limit: 5 });
    writer.write("0123456789\n");
    assert.ok((await refused) instanceof ValueError);
    await failure(reader.readline(), ValueError);
    writer.close();
    await writer.waitClosed();
  },
  { skip: unixSkip },
);

inEachBackend(
  "at the end of an `await using` block a unix server is closed, and its file gone",
  async (bench) => {
    const path = newPath(bench);
    {
      await using server = await startUnixServer(() => {}, path, { startServing: false, backlog: 5 });
      assert.deepEqual([server.isServing(), existsSync(path)], [false, true]);
    }
    await failure(openUnixConnection(path), FileNotFoundError);
  },
  { skip: unixSkip },
);

inEachBackend("no path, or a limit of 0, is a ValueError", async () => {
  await failure(openUnixConnection(), ValueError);
  await failure(openUnixConnection("/x", { limit: 0 }), ValueError);
  await failure(
    startUnixServer(() => {}),
    ValueError,
  );
  assert.throws(() => startUnixServer(null as unknown as () => void, "/x"), {
    name: "TypeError",
    message: "startUnixServer() needs a function to call for each client, not null",
  });
});

test("a loop without a network has no unix sockets either", async () => {
  const loop = new BaseEventLoop(new VirtualClock());
  await assert.rejects(loop.runUntilComplete(openUnixConnection("/x")), NotImplementedError);
  await assert.rejects(loop.runUntilComplete(startUnixServer(() => {}, "/x")), NotImplementedError);
  loop.close();
});

describe("over a unix socket", { skip: unixSkip }, () => {
  const clients: [string, (path: string) => [string, string[]], string | false][] = [
    ["nc", (path) => ["nc", ["-N", "-U", path]], missing("nc", ["-h"], /-\w*N\w*U/)],
    ["socat", (path) => ["socat", ["-t", "10", "-", `UNIX-CONNECT:${path}`]], missing("socat", ["-V"])],
    ["an asyncio program", (path) => ["python3", ["-c", PYTHON_CLIENT, path]], missing("python3")],
  ];
  for (const [name, command, skip] of clients) {
    inEachBackend(
      `${name} gets its bytes back from our echo server`,
      async (bench) => {
        assert.equal(await converse(...command(await echoServer(bench)), LINES), LINES);
      },
      { skip },
    );
  }

  inEachBackend(
    "curl gets its request back from our server",
    async (bench) => {
      const path = newPath(bench);
      const mirror = async (reader: StreamReader, writer: StreamWriter) => {
        writer.write(await reader.readuntil("\r\n\r\n"));
        writer.close();
      };
      const server = await startUnixServer(mirror, path);
      bench.defer(() => server.close());
      const args = ["-sS", "--http0.9", "--unix-socket", path, "http://localhost/some/path"];
      assert.match(await converse("curl", args), /^GET \/some\/path HTTP\/1\.1\r\n.*\r\n\r\n$/s);
    },
    { skip: missing("curl", ["--http0.9", "--version"]) },
  );

  inEachBackend(
    "our client gets its bytes back from an asyncio server",
    async (bench) => {
      const path = newPath(bench);
      const child = spawn("python3", ["-c", PYTHON_SERVER, path], { stdio: ["ignore", "pipe", "inherit"] });
      bench.defer(() => child.kill());
      await once(child.stdout, "data");
      const [reader, writer] = await openUnixConnection(path);
      const reading = (async () => {
        const pieces: Buffer[] = [];
        for await (const line of reader) pieces.push(line);
        return Buffer.concat(pieces).toString();
      })();
      for (let rest = LINES; rest.length > 0; rest = rest.slice(5000)) {
        writer.write(rest.slice(0, 5000));
        await writer.drain();
      }
      writer.writeEof();
      assert.equal(await reading, LINES);
      writer.close();
      await writer.waitClosed();
    },
    { skip: missing("python3") },
  );
});
