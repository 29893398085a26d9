/** Our streams against programs that share no code with them: each gets back the bytes that it sent. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { StreamReader } from "../../src/io/stream-reader.ts";
import type { StreamWriter } from "../../src/io/stream-writer.ts";
import { openConnection, startServer } from "../../src/io/streams.ts";
import { type Bench, inEachBackend } from "./backends.ts";
import { converse, LINES, missing } from "./programs.ts";
import { portOf } from "./recorder.ts";

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
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    sending = asyncio.ensure_future(send(writer))
    sys.stdout.buffer.write(await reader.read())
    await sending
    writer.close()
    await writer.wait_closed()

asyncio.run(main())
`;

/** Prints its port, and echoes lines. */
const PYTHON_SERVER = `
import asyncio

async def echo(reader, writer):
    while True:
        line = await reader.readline()
        if not line:
            break
        writer.write(line)
        await writer.drain()
    writer.close()

async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
`;

/** A server that sends every line back, until the other side ends. */
async function echoServer({ defer }: Bench): Promise<number> {
  const echo = async (reader: StreamReader, writer: StreamWriter) => {
    for await (const line of reader) {
      writer.write(line);
      await writer.drain();
    }
    writer.close();
    await writer.waitClosed();
  };
  const server = await startServer(echo, "127.0.0.1", 0);
  defer(() => server.close());
  return portOf(server.sockets[0]!);
}

const clients: [string, (port: number) => [string, string[]], string | false][] = [
  ["nc", (port) => ["nc", ["-N", "127.0.0.1", `${port}`]], missing("nc", ["-h"], /-[a-zA-Z]*N/)],
  ["socat", (port) => ["socat", ["-t", "10", "-", `TCP4:127.0.0.1:${port}`]], missing("socat", ["-V"])],
  ["an asyncio program", (port) => ["python3", ["-c", PYTHON_CLIENT, `${port}`]], missing("python3")],
];

for (const [name, command, skip] of clients) {
  inEachBackend(
    `${name} gets its bytes back from our echo server`,
    async (bench) => {
      const output = await converse(...command(await echoServer(bench)), LINES);
      assert.equal(output, LINES);
    },
    { skip },
  );
}

inEachBackend(
  "bash gets its bytes back from our echo server",
  async (bench) => {
    const port = await echoServer(bench);
    const script = `exec 3<>/dev/tcp/127.0.0.1/${port}; echo hello >&3; read -r line <&3; echo "got $line"`;
    assert.equal(await converse("bash", ["-c", script]), "got hello\n");
  },
  { skip: missing("bash", ["-c", "exec 3<>/dev/tcp/127.0.0.1/1"], /127\.0\.0\.1/) },
);

inEachBackend(
  "curl gets its request back from our server",
  async ({ defer }) => {
    const mirror = async (reader: StreamReader, writer: StreamWriter) => {
      writer.write(await reader.readuntil("\r\n\r\n"));
      writer.close();
    };
    const server = await startServer(mirror, "127.0.0.1", 0);
    defer(() => server.close());
    const port = portOf(server.sockets[0]!);
    const args = ["-sS", "--noproxy", "*", "--http0.9", `http://127.0.0.1:${port}/some/path`];
    const output = await converse("curl", args);
    assert.match(output, /^GET \/some\/path HTTP\/1\.1\r\n/);
    assert.match(output, /\r\n\r\n$/);
  },
  { skip: missing("curl", ["--http0.9", "--version"]) },
);

inEachBackend(
  "our client gets its bytes back from an asyncio server",
  async ({ defer }) => {
    const child: ChildProcess = spawn("python3", ["-c", PYTHON_SERVER], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    defer(() => child.kill());
    const [port] = (await once(child.stdout!, "data")) as [Buffer];
    const [reader, writer] = await openConnection("127.0.0.1", Number(port));
    let expected = LINES;
    const receive = (async () => {
      const pieces: Buffer[] = [];
      for await (const line of reader) pieces.push(line);
      return Buffer.concat(pieces).toString();
    })();
    for (; expected.length > 0; expected = expected.slice(5000)) {
      writer.write(expected.slice(0, 5000));
      await writer.drain();
    }
    writer.writeEof();
    assert.equal(await receive, LINES);
    writer.close();
    await writer.waitClosed();
  },
  { skip: missing("python3") },
);
