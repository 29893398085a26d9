import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setImmediate as turn } from "node:timers/promises";
import type { Figures } from "../workload.ts";

/** Tell the other side of the pipe the port, and then, for each line that it sends, what memory this process has. */
export function tellMemory(port: number): void {
  console.log(JSON.stringify({ port }));
  const lines = createInterface(process.stdin);
  lines.on("line", async () => console.log(JSON.stringify(await memory())));
  lines.on("close", () => process.exit());
}

/** In bytes, without garbage, and without the room for young objects, which V8 gives back when a process idles for long. */
export async function memory(): Promise<Figures> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
    await turn();
  }
  const { heapUsed } = process.memoryUsage();
  return { ...residentMemory(), heap: heapUsed };
}

function residentMemory(): Figures {
  const rollup = readFileSync("/proc/self/smaps_rollup", "utf8");
  const kilobytes = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(rollup)?.[1]);
  return { rss: kilobytes("Rss") * 1024, pss: kilobytes("Pss") * 1024 };
}
