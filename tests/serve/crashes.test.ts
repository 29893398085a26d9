import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { ServeOptions } from "../../src/index.ts";
import { RuntimeError } from "../../src/index.ts";
import { rejects } from "../helpers.ts";
import {
  askOnce,
  connect,
  handler,
  idsOf,
  inEachWorld,
  portOf,
  reportOf,
  until,
  type World,
} from "./support.ts";

/** Have the one worker crash by what the line asks for; tells how the other side sees it. */
function* crash(world: World, line: string, how: RegExp, options: ServeOptions = {}) {
  const { on, cluster } = world;
  const { workers = 1 } = options;
  const serving = cluster("obey", { workers, ...options });
  yield* on(serving.start());
  const before = idsOf(serving);
  const client = yield* connect(on, portOf(serving));
  assert.equal(yield* client.ask(line), "");
  client.close();
  const report = yield* reportOf(world);
  assert.match(
    report,
    /^worker (process \d+|thread serve_\d) of a cluster crashed; another one takes its place \(/,
  );
  assert.match(report, how);
  // Those who come meanwhile wait for the next worker.
  assert.match(yield* askOnce(on, portOf(serving)), /^\d+$/);
  yield* until(on, () => serving.workers.every(({ state }) => state === "listening"));
  assert.equal(serving.workers.length, workers);
  assert.equal(idsOf(serving).filter((id) => !before.includes(id)).length, 1);
}

inEachWorld("a worker that exits is replaced", function* (world) {
  yield* crash(world, "exit", /exited with code 7\)$/);
});

inEachWorld(
  "a worker with an error that nobody catches is replaced, and the others go on",
  function* (world) {
    yield* crash(world, "throw", world.kind === "thread" ? /RangeError: uncaught/ : /exited with code 1\)$/, {
      workers: 2,
    });
  },
);

inEachWorld("a worker that runs out of memory is replaced, and its connections end", function* (world) {
  const options = {
    resourceLimits: { maxOldGenerationSizeMb: 40, maxYoungGenerationSizeMb: 2 },
    execArgv: ["--max-old-space-size=60"],
  };
  yield* crash(world, "hoard", /was ended by SIGABRT|ERR_WORKER_OUT_OF_MEMORY|memory limit/, options);
});

inEachWorld(
  "a worker that is killed is replaced, and loses no connection but its own",
  function* (world) {
    const { on, cluster } = world;
    const serving = cluster("who");
    yield* on(serving.start());
    const [victim, other] = idsOf(serving) as [number, number];
    process.kill(victim, "SIGKILL");
    const port = portOf(serving);
    const servedBy = new Set<number>();
    for (let i = 0; i < 40; i++) servedBy.add(Number((yield* askOnce(on, port)).split(" ")[0]));
    assert.match(yield* reportOf(world), /was ended by SIGKILL\)$/);
    const [next] = idsOf(serving) as [number];
    assert.deepEqual([...servedBy].sort(), [next, other].sort());
  },
  ["process"],
);

inEachWorld(
  "a worker that is sent SIGTERM by somebody is replaced before it ends",
  function* (world) {
    const { on, cluster } = world;
    const serving = cluster("obey", { workers: 1 });
    yield* on(serving.start());
    const [pid] = idsOf(serving) as [number];
    const client = yield* connect(on, portOf(serving));
    assert.equal(yield* client.ask("slow"), "begun");
    process.kill(pid, "SIGTERM");
    yield* untilReplaced();
    assert.equal(yield* client.line(), "finished");
    client.close();
    yield* until(on, () => serving.workers.length === 1);

    function* untilReplaced() {
      while (Number(yield* askOnce(on, portOf(serving))) === pid);
    }
  },
  ["process"],
);

/** A cluster that has started, and whose one worker crashes from now on, as do those that take its place. */
function* crashing({ on, cluster }: World, maxCrashes: number) {
  const directory = mkdtempSync(join(tmpdir(), "asyncio-serve-"));
  after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "crash");
  const initializer = handler("crashOnceThereIs");
  const serving = cluster("who", { workers: 1, maxCrashes, initializer, initargs: [file] });
  yield* on(serving.start());
  writeFileSync(file, "");
  return serving;
}

inEachWorld(
  "workers that crash again and again are given up, with the last error as the cause",
  function* (world) {
    const { on, reports } = world;
    const serving = yield* crashing(world, 2);
    const error = yield* rejects(
      on(serving.serveForever()),
      RuntimeError,
      /crash again and again, 3 times in a row/,
    );
    assert.match(String(error.cause), /exited with code 9$/);
    assert.equal(reports.splice(0).length, 3);
    assert.deepEqual([serving.workers, serving.addresses], [[], []]);
  },
);

inEachWorld("who does not wait in serveForever learns of that from the exception handler", function* (world) {
  const { on, reports } = world;
  const serving = yield* crashing(world, 1);
  yield* until(on, () => String(serving).startsWith("<Cluster closed"));
  assert.match(reports.splice(0).at(-1)!.message, /2 times in a row: it is closed$/);
});
