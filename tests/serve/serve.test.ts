import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectNode } from "node:net";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { CancelledError, OSError, serve } from "../../src/index.ts";
import { rejects } from "../helpers.ts";
import { children, isAlive, skip } from "../process/support.ts";
import { HANDLERS, handler, inEachWorld, until } from "./support.ts";

inEachWorld("serve serves until it is cancelled, and throws that", function* ({ on, loop, kind }) {
  const initializer = handler("greet");
  const task = loop.createTask(
    serve(handler("who"), { host: "127.0.0.1", workers: 1, kind, initializer, initargs: ["x"] }),
  );
  yield* until(on, () => !loop.tasks.empty && (kind === "thread" || children().length === 1));
  task.cancel();
  yield* rejects(on(task), CancelledError);
});

inEachWorld("serve throws what keeps it from starting", function* ({ on, kind }) {
  const serving = serve(handler("who"), { host: "192.0.2.1", workers: 1, kind });
  const error = yield* rejects(on(serving), OSError);
  assert.equal(error.code, "EADDRNOTAVAIL");
});

/** A server in a process group of its own, with one client whose request has begun. */
async function begin(kind: string, request: string, options = ""): Promise<Running> {
  const index = JSON.stringify(new URL("../../src/index.ts", import.meta.url).href);
  const program = `
    import { Cluster, run, work } from ${index};
    await run(async () => {
      const cluster = new Cluster(work(${JSON.stringify(HANDLERS.href)}, "obey"), {
        host: "127.0.0.1", kind: "${kind}", workers: 2, ${options}
      });
      await cluster.start();
      console.log(cluster.addresses[0][1]);
      try {
        await cluster.serveForever();
      } finally {
        console.log(String(cluster), cluster.workers.length);
      }
    }, { signals: true });
  `;
  const server = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const output = collect(server.stdout!);
  const port = Number(await output.line());
  const client = connectNode(port, "127.0.0.1");
  client.on("error", () => {});
  const answers = collect(client);
  client.write(`${request}\n`);
  assert.equal(await answers.line(), "begun");
  return { server, output, answers, client, workers: childrenOf(server.pid!) };
}

interface Running {
  readonly server: ChildProcess;
  readonly output: Lines;
  readonly answers: Lines;
  readonly client: { destroy(): void; end(): void };
  readonly workers: readonly number[];
}

interface Lines {
  line(): Promise<string | undefined>;
}

function collect(stream: NodeJS.ReadableStream): Lines {
  const lines = createInterface({ input: stream })[Symbol.asyncIterator]();
  return { line: async () => (await lines.next()).value };
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter(Boolean)
    .map(Number);
}

async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 5));
}

const options = { skip, timeout: 90_000 };

for (const kind of ["process", "thread"]) {
  for (const [how, signal, group, status] of [
    ["Ctrl-C", "SIGINT", true, 130],
    ["SIGTERM to the program alone", "SIGTERM", false, 143],
    ["SIGTERM to the whole group", "SIGTERM", true, 143],
  ] as const) {
    test(`on ${how} what has begun is finished, and nothing stays behind (${kind})`, options, async () => {
      const { server, output, answers, client, workers } = await begin(kind, "slow");
      assert.equal(workers.length, kind === "process" ? 2 : 0);
      process.kill(group ? -server.pid! : server.pid!, signal);
      const exit = once(server, "exit");
      assert.equal(await answers.line(), "finished");
      client.end();
      assert.equal(await output.line(), `<Cluster closed kind=${kind} workers=2> 0`);
      assert.deepEqual(await exit, [status, null]);
      await gone(workers);
    });
  }

  test(`the workers of a program that is killed end, too (${kind})`, options, async () => {
    const { server, client, workers } = await begin(kind, "endless");
    process.kill(server.pid!, "SIGKILL");
    await once(server, "exit");
    await gone(workers);
    client.destroy();
  });

  test(`a worker that spins does not survive Ctrl-C (${kind})`, options, async () => {
    const { server, client, workers } = await begin(kind, "spin", "drain: 0, grace: 0.2, maxCrashes: 1,");
    process.kill(-server.pid!, "SIGINT");
    await once(server, "exit");
    await gone(workers);
    client.destroy();
  });
}
