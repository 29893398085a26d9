import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { promisify } from "node:util";
import {
  certificateOptions,
  loadCommand,
  missingC,
  missingCertificate,
  temporaryPath,
} from "../../../bench/load/programs.ts";
import { ServerProcess } from "../../../bench/server-process.ts";
import { type Command, nodeCommand } from "../../../bench/sides.ts";

const fileAt = (path: string) => new URL(`../../../bench/${path}`, import.meta.url).pathname;

type Loader = (kind: string, ...args: string[]) => Command;

/** Both programs that make load. */
const LOADS: Readonly<Record<string, { skip: string | false; command: Loader }>> = {
  C: { skip: missingC ?? false, command: loadCommand },
  Node: { skip: false, command: (...args) => nodeCommand(fileAt("load/load.ts"), ...args) },
};

async function output([program, ...args]: Command): Promise<Record<string, number>> {
  const { stdout } = await promisify(execFile)(program, args, { timeout: 60_000 });
  return JSON.parse(stdout) as Record<string, number>;
}

/** Where a server of `kind` is, and the words that start it so. */
function place(kind: string): { path?: string; options: readonly string[] } {
  if (kind === "unix") {
    const path = temporaryPath(`test-${Math.random()}`);
    return { path, options: ["--path", path] };
  }
  return { options: kind === "tls" ? certificateOptions() : [] };
}

for (const [name, { skip, command }] of Object.entries(LOADS)) {
  for (const kind of ["tcp", "unix", "udp", "tls"]) {
    const reason = skip || (kind === "tls" && missingCertificate) || false;
    test(`the load in ${name} counts what comes back from a ${kind} server`, { skip: reason }, async () => {
      const { path, options } = place(kind);
      const protocol = kind === "udp" ? "udp" : "protocol";
      const words = ["--backend", "portable", "--kind", protocol, ...options];
      await using server = new ServerProcess(nodeCommand(fileAt("network/ours.ts"), ...words));
      const port = await server.port();
      const bytes = kind === "udp" ? 1000 : 1_000_000;
      const numbers = [3, bytes, 1, 50, server.pid].map(String);
      const figures = await output(command(kind, path ?? String(port), ...numbers));
      assert.deepEqual(Object.keys(figures), [
        "round trips/s",
        "p50 µs",
        "p99 µs",
        "server busy %",
        "load busy %",
      ]);
      assert.ok(figures["round trips/s"]! > 0);
      assert.ok(figures["p50 µs"]! > 0 && figures["p99 µs"]! >= figures["p50 µs"]!);
    });
  }

  const liars: Record<string, (socket: Socket, data: Buffer) => void> = {
    "sends too much": (socket, data) => socket.write(Buffer.concat([data, data])),
    "sends something else": (socket, data) => socket.write(Buffer.alloc(data.length)),
    "closes the connection": (socket) => socket.end(),
  };
  for (const [what, answer] of Object.entries(liars)) {
    test(`the load in ${name} fails at a server that ${what}`, { skip }, async () => {
      await using server = createServer((socket) => {
        socket.on("data", (data: Buffer) => answer(socket, data));
        socket.on("error", () => {});
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const numbers = [2, 10, 1, 1, process.pid].map(String);
      await assert.rejects(output(command("tcp", String(port), ...numbers)), /came back|closed a connection/);
    });
  }
}
