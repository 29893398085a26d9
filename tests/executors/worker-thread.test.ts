import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { ThreadPoolExecutor } from "../../src/index.ts";
import { nativeSkip } from "../io/backends.ts";
import { job } from "./pools.ts";

/** A program with threads that hold up their loop while its connections have something to read. */
const PROGRAM = `
  import { createServer } from "node:net";
  import { once } from "node:events";
  import { ThreadPoolExecutor } from ${JSON.stringify(new URL("../../src/index.ts", import.meta.url).href)};
  const index = ${JSON.stringify(new URL("../../src/index.ts", import.meta.url).href)};
  const server = createServer((socket) => {
    const timer = setInterval(() => socket.write("x"), 0);
    socket.on("error", () => {}).on("close", () => clearInterval(timer));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const spin = async (index, port) => {
    const { openConnection, run } = await import(index);
    await run(async () => {
      const [reader] = await openConnection("127.0.0.1", port);
      await reader.readexactly(10);
      for (;;);
    });
  };
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  for (let n = 0; n < 3; n++) {
    const connected = once(server, "connection");
    const future = pool.with({ terminate: 0.02 }).submit(spin, index, server.address().port);
    await connected;
    future.cancel();
    await future.catch((error) => console.log(error.name));
  }
  console.log(await pool.submit((n) => n, 5));
  process.exit();
`;

test("a thread that holds up its native loop can be ended, and the process lives on", {
  skip: nativeSkip,
}, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", PROGRAM], {
    env: { ...process.env, ASYNCIO_BACKEND: "native" },
  });
  assert.equal(stdout, "CancelledError\n".repeat(3).concat("5\n"));
});

test("what a thread writes is there when its pool has shut down", async () => {
  const source = `
    import { ThreadPoolExecutor } from ${JSON.stringify(new URL("../../src/index.ts", import.meta.url).href)};
    const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
    await pool.submit(() => {
      for (let i = 0; i < 1000; i++) console.log("line", i);
    });
    await pool.shutdown();
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", source]);
  assert.equal(stdout.split("\n").length, 1001);
});

test("threads keep no descriptor when they have ended", async () => {
  const { readdirSync } = await import("node:fs");
  if (process.platform !== "linux") return;
  const count = () => readdirSync("/proc/self/fd").length;
  const use = async () => {
    await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
    await pool.submit(job("slowDouble"), 1);
  };
  await use();
  const before = count();
  for (let i = 0; i < 3; i++) await use();
  assert.equal(count(), before);
});
