import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import {
  concurrentAsCompleted,
  concurrentWait,
  FIRST_COMPLETED,
  ThreadPoolExecutor,
} from "../../src/index.ts";
import { CapturedLog } from "../core/captured-log.ts";
import { inEachPool } from "./pools.ts";

/** What CPython's executors do, a line for each thing. */
const PYTHON = `
import concurrent.futures as cf, logging, sys, threading, time
logging.disable(logging.CRITICAL)
def outcome(f):
    try:
        return f"result {f()}"
    except BaseException as error:
        return f"{type(error).__mro__[0].__name__}"
def double(n): return 2 * n
def fail(n): raise ValueError(n)
def nap(n): time.sleep(n)
if __name__ == "__main__":
    kind = cf.ThreadPoolExecutor if sys.argv[1] == "threads" else cf.ProcessPoolExecutor
    with kind(max_workers=1) as pool:
        print(outcome(pool.submit(double, 2).result))
        print(outcome(pool.submit(fail, 2).result))
        done = pool.submit(double, 1); done.result()
        print(done.cancel(), done.cancelled(), done.done(), done.running())
        pending = cf.Future()
        print(pending.cancel(), pending.cancel(), pending.cancelled(), outcome(pending.result))
        print(pending.set_running_or_notify_cancel(), outcome(lambda: pending.set_result(1)))
        print(list(pool.map(double, [3, 1, 2], chunksize=2)))
        print(outcome(lambda: list(pool.map(fail, [1]))))
        first, second = pool.submit(double, 1), pool.submit(double, 2)
        print(sorted(f.result() for f in cf.as_completed([first, second, first])))
        done, not_done = cf.wait([cf.Future(), first], return_when=cf.FIRST_COMPLETED)
        print(len(done), len(not_done))
        print(outcome(lambda: next(cf.as_completed([cf.Future()], timeout=0))))
        print(outcome(lambda: cf.Future().result(timeout=0)))
        print(outcome(lambda: kind(max_workers=0)))
    print(outcome(lambda: pool.submit(double, 1)))
    pool.shutdown()
    with kind(max_workers=1, initializer=fail, initargs=(1,)) as pool:
        broken = pool.submit(double, 1)
        print(outcome(broken.result))
        print(outcome(lambda: pool.submit(double, 1)))
`;

const python = spawnSync("python3", ["--version"]).status === 0;

inEachPool(
  "the pools do what CPython's do",
  async ({ name, make }) => {
    using _log = new CapturedLog();
    const lines: string[] = [];
    const print = (...values: unknown[]) => lines.push(values.map(show).join(" "));
    const double = (n: number) => 2 * n;
    const fail = (n: number) => {
      throw new RangeError(String(n));
    };
    const pool = make({ maxWorkers: 1 });
    print(await outcome(() => pool.submit(double, 2)));
    print(await outcome(() => pool.submit(fail, 2)));
    const done = pool.submit(double, 1);
    await done;
    print(done.cancel(), done.cancelled(), done.done(), done.running());
    const { ConcurrentFuture } = await import("../../src/index.ts");
    const pending = new ConcurrentFuture();
    print(pending.cancel(), pending.cancel(), pending.cancelled(), await outcome(() => pending.result()));
    print(pending.setRunningOrNotifyCancel(), await outcome(() => pending.setResult(1)));
    print(await list(pool.map(double, [3, 1, 2], { chunksize: 2 })));
    print(await outcome(() => list(pool.map(fail, [1]))));
    const [first, second] = [pool.submit(double, 1), pool.submit(double, 2)];
    const results: number[] = [];
    for await (const future of concurrentAsCompleted([first, second, first])) results.push(future.result());
    print(results.sort());
    const waited = await concurrentWait([new ConcurrentFuture(), first], { returnWhen: FIRST_COMPLETED });
    print(waited.done.size, waited.notDone.size);
    print(await outcome(() => concurrentAsCompleted([new ConcurrentFuture()], { timeout: 0 }).next()));
    print(await outcome(() => new ConcurrentFuture().result(0)));
    print(await outcome(() => make({ maxWorkers: 0 })));
    await pool.shutdown();
    print(await outcome(() => pool.submit(double, 1)));
    await pool.shutdown();
    await using broken = make({ maxWorkers: 1, initializer: fail, initargs: [1] });
    print(await outcome(() => broken.submit(double, 1)));
    print(await outcome(() => broken.submit(double, 1)));

    const { stdout, stderr } = spawnSync("python3", ["-", name], { input: PYTHON, encoding: "utf8" });
    assert.deepEqual(lines, stdout.trimEnd().split("\n"), stderr);
  },
  { skip: python ? false : "no python3" },
);

async function list<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const result of results) all.push(result);
  return all;
}

function show(value: unknown): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  return Array.isArray(value) ? `[${value.join(", ")}]` : String(value);
}

/** Python has no RangeError. */
async function outcome(body: () => unknown): Promise<string> {
  try {
    return `result ${await body()}`;
  } catch (error) {
    const { name } = error as Error;
    return name === "RangeError" ? "ValueError" : name;
  }
}

test("by default there are as many threads as CPython has", { skip: python ? false : "no python3" }, () => {
  const source = "import os; print(min(32, (len(os.sched_getaffinity(0)) or 1) + 4))";
  const { stdout } = spawnSync("python3", ["-c", source], { encoding: "utf8" });
  const pool = new ThreadPoolExecutor();
  const spin = () => new Promise(() => setInterval(() => {}, 60_000));
  const futures = Array.from({ length: 40 }, () => pool.with({ terminate: 0 }).submit(spin));
  assert.match(String(pool), new RegExp(`workers=${stdout.trim()} `));
  for (const future of futures) future.cancel();
  return pool.shutdown();
});
