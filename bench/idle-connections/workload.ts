import { nativeAvailable } from "../../src/io/native/libc.ts";
import { missingInPython, PYTHON } from "../peers.ts";
import type { Comparison, Figures, Side, Workload } from "../workload.ts";
import { closeAll, connectAll, exchangeAll } from "./clients.ts";
import { ServerProcess } from "./server.ts";

/** Short: what malloc does with the memory of messages that are gone is not what is measured. */
const MESSAGE = Buffer.from(`${"x".repeat(63)}\n`);
const WARM_UP = 200;

const native = nativeAvailable();
const fileAt = (name: string) => new URL(name, import.meta.url).pathname;

const NODE_FLAGS = ["--expose-gc", "--disable-warning=ExperimentalWarning"];

function side(name: string, missing: string | null, command: string, args: readonly string[]): Side {
  return { name, missing, measure: (size) => measure(size, command, args) };
}

function ours(backend: "native" | "portable", api: "protocol" | "generator" | "async"): Side {
  const missing = backend === "portable" || native.available ? null : native.reason;
  const args = [...NODE_FLAGS, fileAt("ours.ts"), backend, api];
  return side(`${backend} ${api}`, missing, process.execPath, args);
}

function python(loop: "asyncio" | "uvloop", api: "protocol" | "streams"): Side {
  return side(`${loop} ${api}`, missingInPython(loop), PYTHON, [fileAt("python.py"), loop, api]);
}

/** How many bytes a server process grows by for each of `size` connections. */
async function measure(size: number, command: string, args: readonly string[]): Promise<Figures> {
  await using server = new ServerProcess(command, args);
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
    ["resident", "after another message"].map((figure) => ({ figure, ours, theirs: name, atMost: 1 })),
  );
}

export const idleConnections: Workload = {
  name: "idle-connections",
  about:
    "A server accepts connections from another process. Each sends 64 bytes, gets them back, and then idles. How much the\n" +
    "resident memory of the server has grown by then, and after another message on each. Garbage is collected first; what the\n" +
    "kernel holds is not counted.",
  unit: "bytes per connection",
  size: 10_000,
  sides: [
    ours("native", "protocol"),
    ours("portable", "protocol"),
    side("node:net", null, process.execPath, [...NODE_FLAGS, fileAt("node-net.ts")]),
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
