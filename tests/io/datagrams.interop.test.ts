/** Our endpoints against programs that share no code with them. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AF_UNIX } from "../../src/index.ts";
import { type Bench, inEachBackend } from "./backends.ts";
import { type DatagramRecorder, endpoint, hostAddress, LOOPBACK } from "./datagram-recorder.ts";
import { converse, missing } from "./programs.ts";

const PYTHON_CLIENT = `
import asyncio, sys

class Client(asyncio.DatagramProtocol):
    def __init__(self, done):
        self.done = done
        self.got = []

    def connection_made(self, transport):
        self.transport = transport
        for size in 1, 10, 1000, 65507:
            transport.sendto(b"x" * size)

    def datagram_received(self, data, addr):
        self.got.append(len(data))
        if len(self.got) == 4:
            self.done.set_result(None)

async def main():
    loop = asyncio.get_running_loop()
    remote = "127.0.0.1", int(sys.argv[1])
    done = loop.create_future()
    transport, client = await loop.create_datagram_endpoint(lambda: Client(done), remote_addr=remote)
    await done
    print(client.got)
    transport.close()

asyncio.run(main())
`;

/** Prints its port, and answers with the datagrams in brackets: before 3.13 it sends no empty ones. */
const PYTHON_SERVER = `
import asyncio

class Server(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(b"<%b>" % data, addr)

async def main():
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    print(transport.get_extra_info("sockname")[1], flush=True)
    await loop.create_future()

asyncio.run(main())
`;

/** An endpoint that sends every datagram back. */
async function echo(bench: Bench): Promise<DatagramRecorder> {
  const server = await endpoint(bench, LOOPBACK, {
    onDatagram: (data, addr) => server.transport.sendto(data, addr),
  });
  return server;
}

// Each ends by itself when it got its datagram back.
const clients: [string, (port: number) => [string, string[]], string | false][] = [
  [
    "nc",
    (port) => ["nc", ["-u", "-W", "1", "127.0.0.1", `${port}`]],
    missing("nc", ["-h"], /-W recvlimit|-[a-zA-Z]*W/),
  ],
  [
    "socat",
    (port) => ["socat", ["-t", "10", "-", `UDP4:127.0.0.1:${port},readbytes=6`]],
    missing("socat", ["-V"]),
  ],
];

for (const [name, command, skip] of clients) {
  inEachBackend(
    `${name} gets its datagram back from our echo endpoint`,
    async (bench) => {
      const server = await echo(bench);
      assert.equal(await converse(...command(hostAddress(server)[1]), "hello\n"), "hello\n");
      assert.equal(server.datagrams.length, 1);
    },
    { skip },
  );
}

inEachBackend(
  "an asyncio program gets its datagrams back from our echo endpoint",
  async (bench) => {
    const [, port] = hostAddress(await echo(bench));
    const output = await converse("python3", ["-c", PYTHON_CLIENT, `${port}`]);
    assert.equal(output, "[1, 10, 1000, 65507]\n");
  },
  { skip: missing("python3") },
);

inEachBackend(
  "our endpoint gets its datagrams back from an asyncio program",
  async (bench) => {
    const child = spawn("python3", ["-c", PYTHON_SERVER], { stdio: ["ignore", "pipe", "inherit"] });
    bench.defer(() => child.kill());
    const [port] = (await once(child.stdout, "data")) as [Buffer];
    const client = await endpoint(bench, { remoteAddr: ["127.0.0.1", Number(port)] });
    for (const text of ["one", "", "three"]) client.transport.sendto(text);
    assert.deepEqual(await client.receives(3), ["<one>", "<>", "<three>"]);
  },
  { skip: missing("python3") },
);

inEachBackend(
  "socat sends a unix datagram",
  async (bench) => {
    if (bench.backend === "portable") return;
    const directory = mkdtempSync(join(tmpdir(), "datagrams-"));
    bench.defer(() => rmSync(directory, { recursive: true }));
    const path = join(directory, "socket");
    const server = await endpoint(bench, { localAddr: path, family: AF_UNIX });
    await converse("socat", ["-u", "-", `UNIX-SENDTO:${path}`], "hello");
    assert.deepEqual(await server.receives(1), ["hello"]);
  },
  { skip: missing("socat", ["-V"]) },
);
