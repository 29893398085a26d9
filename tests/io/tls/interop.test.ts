/** Our TLS against programs that share no code with us. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { describe } from "node:test";
import {
  CERT_REQUIRED,
  openConnection,
  type StreamReader,
  type StreamWriter,
  startServer,
  type TlsServerOptions,
} from "../../../src/index.ts";
import { type Bench, inEachBackend } from "../backends.ts";
import { converse, LINES, missing } from "../programs.ts";
import { portOf } from "../recorder.ts";
import { authority, client, localhost, opensslSkip } from "./certificates.ts";
import { clientContext, serverContext } from "./support.ts";

const python = missing("python3", ["-c", "import ssl; print(ssl.OPENSSL_VERSION)"]);

/** Sends what it reads on its standard input, a line at the end, and prints what it gets until the end of TLS. */
const PYTHON_CLIENT = `
import asyncio, ssl, sys

async def send(writer, data):
    for start in range(0, len(data), 5000):
        writer.write(data[start:start + 5000])
        await writer.drain()

async def main():
    port, cafile, certfile, keyfile = sys.argv[1:]
    context = ssl.create_default_context(cafile=cafile)
    if certfile:
        context.load_cert_chain(certfile, keyfile)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port), ssl=context)
    data = sys.stdin.buffer.read()
    sending = asyncio.ensure_future(send(writer, data))
    sys.stdout.buffer.write(await reader.readexactly(len(data)))
    await sending
    writer.close()
    await writer.wait_closed()

asyncio.run(main())
`;

/** Prints its port, and echoes lines; with "starttls", only after a line in the clear. */
const PYTHON_SERVER = `
import asyncio, ssl, sys

context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(sys.argv[1], sys.argv[2])
upgrade = sys.argv[3] == "starttls"

async def echo(reader, writer):
    if upgrade:
        writer.write(await reader.readline())
        await writer.start_tls(context)
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()

async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=None if upgrade else context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
`;

/** A server that sends everything back, until the other side ends. */
async function echoServer({ defer }: Bench, options: TlsServerOptions = {}): Promise<number> {
  const echo = async (reader: StreamReader, writer: StreamWriter) => {
    for (let data = await reader.read(65536); data.length > 0; data = await reader.read(65536)) {
      writer.write(data);
      await writer.drain();
    }
    writer.close();
  };
  const server = await startServer(echo, "127.0.0.1", 0, { ssl: serverContext(), ...options });
  defer(async () => {
    server.close();
    await server.waitClosed();
  });
  return portOf(server.sockets[0]!);
}

/** Start a server that prints its port. */
async function pythonServer({ defer }: Bench, mode: "tls" | "starttls"): Promise<number> {
  const { certfile, keyfile } = localhost();
  const args = ["-c", PYTHON_SERVER, certfile, keyfile, mode];
  const child: ChildProcess = spawn("python3", args, { stdio: ["ignore", "pipe", "inherit"] });
  defer(() => child.kill());
  const [port] = (await once(child.stdout!, "data")) as [Buffer];
  return Number(port);
}

/** Send the lines, and get them back, all at once. */
async function exchange(reader: StreamReader, writer: StreamWriter): Promise<void> {
  const text = `${LINES}\n`;
  const receiving = reader.readexactly(Buffer.byteLength(text));
  const received = (async () => await receiving)();
  for (let i = 0; i < text.length; i += 5000) {
    writer.write(text.slice(i, i + 5000));
    await writer.drain();
  }
  assert.equal(`${await received}`, text);
}

describe("TLS with others", { skip: opensslSkip }, () => {
  inEachBackend(
    "an asyncio program gets its bytes back from our server",
    async (bench) => {
      const args = ["-c", PYTHON_CLIENT, `${await echoServer(bench)}`, authority().certfile, "", ""];
      assert.equal(await converse("python3", args, LINES), LINES);
    },
    { skip: python },
  );

  inEachBackend(
    "an asyncio program with a certificate is let in by our server",
    async (bench) => {
      const ssl = serverContext(localhost(), { ca: authority().cert, verifyMode: CERT_REQUIRED });
      const { certfile, keyfile } = client();
      const args = [`${await echoServer(bench, { ssl })}`, authority().certfile, certfile, keyfile];
      assert.equal(await converse("python3", ["-c", PYTHON_CLIENT, ...args], LINES), LINES);
    },
    { skip: python },
  );

  inEachBackend(
    "our client gets its bytes back from an asyncio server, and both end TLS in order",
    async (bench) => {
      const port = await pythonServer(bench, "tls");
      const [reader, writer] = await openConnection("127.0.0.1", port, { ssl: clientContext() });
      await exchange(reader, writer);
      writer.close();
      await writer.waitClosed();
    },
    { skip: python },
  );

  inEachBackend(
    "our client upgrades a connection to an asyncio server",
    async (bench) => {
      const [reader, writer] = await openConnection("127.0.0.1", await pythonServer(bench, "starttls"));
      writer.write("STARTTLS\n");
      assert.equal(`${await reader.readline()}`, "STARTTLS\n");
      await writer.startTls(clientContext(), { serverHostname: "127.0.0.1" });
      await exchange(reader, writer);
      writer.close();
      await writer.waitClosed();
    },
    { skip: missing("python3", ["-c", "import sys; print(sys.version_info >= (3, 11))"], /True/) || python },
  );

  inEachBackend("openssl s_client verifies our server, and gets its bytes back", async (bench) => {
    const port = await echoServer(bench);
    const args = [
      "s_client",
      "-connect",
      `127.0.0.1:${port}`,
      "-CAfile",
      authority().certfile,
      "-verify_return_error",
    ];
    const child = spawn("openssl", [...args, "-verify_ip", "127.0.0.1", "-quiet"], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    bench.defer(() => child.kill());
    child.stdin.write("hello\n");
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    assert.equal(`${line}`, "hello\n");
    child.stdin.end();
    child.kill();
    await once(child, "close");
  });

  for (const version of ["-tls1_2", "-tls1_3"]) {
    inEachBackend(`our client talks to openssl s_server ${version}`, async (bench) => {
      const { certfile, keyfile } = localhost();
      const args = [
        "s_server",
        "-accept",
        "127.0.0.1:0",
        "-cert",
        certfile,
        "-key",
        keyfile,
        "-rev",
        version,
      ];
      const child = spawn("openssl", args, { stdio: ["pipe", "pipe", "ignore"] });
      bench.defer(() => child.kill());
      let said = "";
      while (!/ACCEPT .*:\d+\n/.test(said)) said += `${(await once(child.stdout, "data"))[0]}`;
      const port = Number(/ACCEPT .*:(\d+)\n/.exec(said)![1]);
      const [reader, writer] = await openConnection("127.0.0.1", port, { ssl: clientContext() });
      writer.write("abc\n");
      assert.equal(`${await reader.readline()}`, "cba\n");
      writer.close();
      await writer.waitClosed();
    });
  }

  inEachBackend(
    "curl gets a page from our server",
    async ({ defer }) => {
      const page = async (reader: StreamReader, writer: StreamWriter) => {
        await reader.readuntil("\r\n\r\n");
        writer.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
        writer.close();
      };
      const server = await startServer(page, "127.0.0.1", 0, { ssl: serverContext() });
      defer(() => server.close());
      const url = `https://127.0.0.1:${portOf(server.sockets[0]!)}/`;
      assert.equal(
        await converse("curl", ["-sS", "--noproxy", "*", "--cacert", authority().certfile, url]),
        "hello",
      );
    },
    { skip: missing("curl", ["--version"], /https/) },
  );
});
