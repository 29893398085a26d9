import assert from "node:assert/strict";
import { test } from "node:test";
import { parseWorkerArguments } from "../../src/cli/worker-options.ts";

test("a module is enough, and the rest has defaults", () => {
  const { redis, ...rest } = parseWorkerArguments(["jobs.ts", "more=./other.ts"]);
  assert.equal(redis, process.env.REDIS_URL || "redis://127.0.0.1:6379");
  assert.deepEqual(rest, {
    queue: "asyncio",
    prefix: "bull",
    concurrency: 1,
    threads: 0,
    lock: 30,
    deaths: 3,
    grace: 10,
    patience: 5,
    allowSource: false,
    modules: ["jobs.ts", "more=./other.ts"],
  });
});

test("there are as many jobs at once as threads, unless it is said otherwise", () => {
  assert.equal(parseWorkerArguments(["--threads", "3", "jobs.ts"]).concurrency, 3);
  assert.equal(parseWorkerArguments(["--threads", "3", "--concurrency", "5", "jobs.ts"]).concurrency, 5);
});

test("what makes no sense is refused, with the name of the option", () => {
  const wrong: [string[], RegExp][] = [
    [[], /needs a module/],
    [["--nonsense", "jobs.ts"], /--nonsense/],
    [["--queue"], /--queue/],
    [["--concurrency", "0", "jobs.ts"], /--concurrency must be a whole number from 1 on, not 0/],
    [["--threads", "many", "jobs.ts"], /--threads/],
    [["--deaths", "1.5", "jobs.ts"], /--deaths/],
    [["--lock", "0", "jobs.ts"], /--lock/],
    [["--lock", "3000000", "jobs.ts"], /--lock/],
    [["--grace", "1s", "jobs.ts"], /--grace/],
    [["--queue", "a:b", "jobs.ts"], /--queue/],
    [["--prefix", "", "jobs.ts"], /--prefix/],
  ];
  for (const [args, message] of wrong) {
    assert.throws(() => parseWorkerArguments(args), { name: "UsageError", message }, args.join(" "));
  }
});
