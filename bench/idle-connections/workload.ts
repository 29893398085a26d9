import { atMost } from "../aim.ts";
import { missingInPython } from "../peers.ts";
import { ServerProcess } from "../server-process.ts";
import { type Command, missingNative, nodeCommand, pythonCommand } from "../sides.ts";
import type { Comparison, Figures, Side, Workload } from "../workload.ts";
import { closeAll, connectAll, exchangeAll } from "./clients.ts";

/** Short: what malloc does with the memory of messages that are gone is not what is measured. */
const MESSAGE = Buffer.from(`${"x".repeat(63)}\n`);
const WARM_UP = 200;

const fileAt = (name: string) => new URL(name, import.meta.url).pathname;

function side(name: string, missing: string | null, command: Command): Side {
  return { name, missing, measure: (size) => measure(size, command) };
}

function ours(backend: "native" | "portable", api: "protocol" | "generator" | "async"): Side {
  const missing = backend === "portable" ? null : missingNative;
  return side(`${backend} ${api}`, missing, nodeCommand(fileAt("ours.ts"), backend, api));
}

function python(loop: "asyncio" | "uvloop", api: "protocol" | "streams"): Side {
  return side(`${loop} ${api}`, missingInPython(loop), pythonCommand(fileAt("python.py"), loop, api));
}

/** How many bytes a server process grows by for each of `size` connections. */
async function measure(size: number, command: Command): Promise<Figures> {
  await using server = new ServerProcess(command);
  const port = await server.port();
  await closeAll(await connectAll(port, Math.min(WARM_UP, size), MESSAGE));
  const before = await server.memory();
  const clients = await connectAll(port, size, MESSAGE);
  const idle = await server.memory();
  await exchangeAll(clients, MESSAGE);
  const again = await server.memory();
  const growth = (now: Figures, name: string) => (now[name]! - before[name]!) / size;
  // The end of the server's process ends the connections.
  await server[Symbol.asyncDispose]();
  for (const client of clients) client.destroy();
  return {
    resident: growth(idle, "rss"),
    "after another message": growth(again, "rss"),
    "JavaScript heap": growth(again, "heap"),
  };
}

function against(ours: string, ...theirs: string[]): Comparison[] {
  return theirs.flatMap((name) =>
    ["resident", "after another message"].map((figure) => ({ figure, ours, theirs: name, aim: atMost(1) })),
  );
}

export const idleConnections: Workload = {
  name: "idle-connections",
  about:
    "A server accepts connections from another process. Each sends 64 bytes, gets them back, and then idles. How much the\n" +
    "resident memory of the server has grown by then, and after another message on each. Garbage is collected first; what the\n" +
    "kernel holds is not counted.",
  unit: "bytes per connection",
  sizeUnit: "connections at a time",
  size: 10_000,
  sides: [
    ours("native", "protocol"),
    ours("portable", "protocol"),
    side("node:net", null, nodeCommand(fileAt("node-net.ts"))),
    python("uvloop", "protocol"),
    python("asyncio", "protocol"),
    ours("native", "generator"),
    ours("native", "async"),
    python("uvloop", "streams"),
    python("asyncio", "streams"),
  ],
  comparisons: [
    ...against("native protocol", "uvloop protocol", "node:net"),
    ...against("native generator", "uvloop streams", "node:net"),
    ...against("native async", "uvloop streams", "node:net"),
  ],
};
