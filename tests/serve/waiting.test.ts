import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, connect, inEachWorld, portOf, until } from "./support.ts";

inEachWorld(
  "those who came while a worker was busy are served though the cluster is closed",
  function* (world) {
    const { on, loop, cluster } = world;
    const directory = mkdtempSync(join(tmpdir(), "asyncio-serve-"));
    try {
      const serving = cluster("obey", { workers: 1 });
      yield* on(serving.start());
      const port = portOf(serving);
      const first = yield* connect(on, port);
      assert.equal(yield* first.ask(`blocked until there is ${join(directory, "go")}`), "begun");
      const clients: Client[] = [];
      for (let i = 0; i < 50; i++) clients.push(yield* connect(on, port));
      const close = loop.createTask(serving.close({ drain: 60 }));
      yield* until(on, () => serving.workers.every(({ state }) => state === "draining"));
      writeFileSync(join(directory, "go"), "");
      for (const client of clients) {
        assert.match(yield* client.ask("who"), /^\d+$/);
        client.close();
      }
      first.close();
      yield* on(close);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
  ["process", "thread"],
  ["native"],
);
