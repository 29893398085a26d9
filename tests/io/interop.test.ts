/** Our streams against programs that share no code with them: each gets back the bytes that it sent. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { StreamReader } from "../../src/io/stream-reader.ts";
import type { StreamWriter } from "../../src/io/stream-writer.ts";
import { openConnection, startServer } from "../../src/io/streams.ts";
import { type Bench, inEachBackend } from "./backends.ts";
import { portOf } from "./recorder.ts";

/** Some lines, more than a pipe or a socket takes at once, and a last one without its end. */
const LINES = `${Array.from({ length: 20_000 }, (_, i) => `line ${i} äöü\n`).join("")}the end`;

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

/** Why a test is skipped: the program is missing, or cannot do that. */
function missing(program: string, args: string[] = ["--version"], knows = /./): string | false {
  const { error, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (error) return `${program} is not installed`;
  return knows.test(stdout + stderr) ? false : `this ${program} cannot do it`;
}

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

/** What the program prints when it is given `input`. */
async function converse(program: string, args: string[], input = ""): Promise<string> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], timeout: 30_000 });
  const closed = once(child, "close");
  child.stdin.end(input);
  const output = await text(child.stdout);
  const [code] = await closed;
  assert.equal(code, 0, `${program} exited with ${code}`);
  return output;
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
