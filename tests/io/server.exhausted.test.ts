import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface, type Interface } from "node:readline";
import { describe, type TestContext, test } from "node:test";
import { backends } from "./backends.ts";

/** How many files the server may have open: too few for all clients, enough for half of them. */
const FILES = 100;
const CLIENTS = 100;

const index = JSON.stringify(new URL("../../src/index.ts", import.meta.url).href);

const ECHO_SERVER = `
  const { EventLoop, sleep, startServer } = await import(${index});
  const loop = new EventLoop({ backend: process.argv[1] });
  loop.setExceptionHandler((_loop, { message }) => console.log(message));
  const echo = async (reader, writer) => {
    for (let data = await reader.read(1); data.length > 0; data = await reader.read(1)) writer.write(data);
    writer.close();
  };
  await loop.runUntilComplete(async () => {
    const server = await startServer(echo, "127.0.0.1", 0);
    console.log(server.sockets[0].getsockname()[1]);
    await server.serveForever();
  });
`;

/** The server's process, its port, and what it says. */
async function serveWithFewFiles(
  t: TestContext,
  backend: string,
): Promise<{ child: ChildProcess; port: number; lines: Interface }> {
  const limited = `ulimit -n ${FILES}; exec "$0" "$@"`;
  const node = [process.execPath, "--input-type=module", "--eval", ECHO_SERVER, backend];
  const child = spawn("bash", ["-c", limited, ...node], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill());
  const lines = createInterface(child.stdout!);
  const [port] = (await once(lines, "line")) as [string];
  return { child, port: Number(port), lines };
}

/** A client that says something, and what became of it. */
class Client {
  readonly socket: Socket;
  /** True for an answer, false if the connection is lost. */
  readonly answered: Promise<boolean>;

  constructor(t: TestContext, port: number) {
    this.socket = connect(port, "127.0.0.1");
    t.after(() => this.socket.destroy());
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.answered = promise;
    this.socket.on("error", () => {});
    this.socket.on("close", () => resolve(false));
    this.socket.on("data", () => resolve(true));
    this.socket.write("x");
  }
}

function clients(t: TestContext, port: number): Client[] {
  return Array.from({ length: CLIENTS }, () => new Client(t, port));
}

/** The first half is served, and goes. */
async function freeHalf(all: readonly Client[]): Promise<void> {
  const half = all.slice(0, CLIENTS / 2);
  for (const { answered } of half) assert.equal(await answered, true);
  for (const { socket } of half) socket.destroy();
}

describe("a server whose process has no file descriptors left", { timeout: 20_000 }, () => {
  const [native, portable] = backends;

  test("pauses, says so, and serves those that wait when there are some again (native)", {
    skip: process.platform === "win32" || native!.skip,
  }, async (t) => {
    const { child, port, lines } = await serveWithFewFiles(t, "native");
    const reports: string[] = [];
    lines.on("line", (line) => reports.push(line));
    const all = clients(t, port);
    await once(lines, "line");
    await freeHalf(all);
    for (const { answered } of all.slice(CLIENTS / 2)) assert.equal(await answered, true);
    for (const report of reports) assert.equal(report, "socket.accept() out of system resource");
    assert.ok(reports.length <= 3, `it tried ${reports.length} times`);
    assert.equal(child.exitCode, null);
  });

  test("drops those that wait, and serves the next ones when there are some again (portable)", {
    skip: process.platform === "win32" || portable!.skip,
  }, async (t) => {
    const { child, port } = await serveWithFewFiles(t, "portable");
    const all = clients(t, port);
    assert.equal(await all.at(-1)!.answered, false);
    await freeHalf(all);
    let served = false;
    // The server learns only in time that those are gone.
    while (!served) served = await new Client(t, port).answered;
    assert.equal(child.exitCode, null);
  });
});
