import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import {
  ALL_COMPLETED,
  concurrentAsCompleted,
  concurrentWait,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  ThreadPoolExecutor,
  ValueError,
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
def add(a, b): return a + b
def invert(n): return 1 if n > 0 else fail(n)
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
        order = []
        watched = cf.Future()
        def stumble(f): order.append("stumble"); raise RuntimeError()
        for callback in (lambda f: order.append("first"), stumble, lambda f: order.append("last")):
            watched.add_done_callback(callback)
        watched.set_result(1)
        watched.add_done_callback(lambda f: order.append("late"))
        print(order[0], order[1], order[2], order[3])
        print(outcome(lambda: watched.set_result(2)), outcome(lambda: watched.set_exception(ValueError())))
        print(watched.cancel(), watched.exception(), watched.running())
        begun = cf.Future()
        print(begun.set_running_or_notify_cancel(), begun.running(), begun.cancel(), begun.cancelled())
        failed = cf.Future()
        failed.set_exception(ValueError())
        print(outcome(failed.result), type(failed.exception()).__name__, failed.done())
        for mode in (cf.FIRST_COMPLETED, cf.FIRST_EXCEPTION, cf.ALL_COMPLETED):
            done, not_done = cf.wait([failed, watched, cf.Future()], timeout=0, return_when=mode)
            print(len(done), len(not_done))
        print(outcome(lambda: cf.wait([cf.Future()], return_when="x")))
        print(outcome(lambda: list(pool.map(nap, [1], timeout=0))))
        print(list(pool.map(add, [1, 2, 3], [10, 20])), list(pool.map(double, [])))
        results = pool.map(invert, [1, 0, 2])
        print(outcome(lambda: next(results)), outcome(lambda: next(results)), outcome(lambda: next(results)))
        print(outcome(lambda: pool.map(double, [1], chunksize=0)) if sys.argv[1] == "processes" else "ValueError")
    print(outcome(lambda: pool.submit(double, 1)))
    print(outcome(lambda: pool.map(double, [1])))
    pool.shutdown()
    pool = kind(max_workers=1)
    last = pool.submit(double, 4)
    print(pool.shutdown(wait=False), last.result())
    pool = kind(max_workers=1)
    futures = [pool.submit(nap, 0.1) for _ in range(10)]
    pool.shutdown(wait=True, cancel_futures=True)
    print(futures[9].cancelled(), outcome(futures[9].result), futures[9].done(), all(f.done() for f in futures))
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
    const order: string[] = [];
    const watched = new ConcurrentFuture<number>();
    watched.addDoneCallback(() => order.push("first"));
    watched.addDoneCallback(() => {
      order.push("stumble");
      throw new Error();
    });
    watched.addDoneCallback(() => order.push("last"));
    watched.setResult(1);
    watched.addDoneCallback(() => order.push("late"));
    print(...order);
    print(await outcome(() => watched.setResult(2)), await outcome(() => watched.setException(new Error())));
    print(watched.cancel(), watched.exception(), watched.running());
    const begun = new ConcurrentFuture();
    print(begun.setRunningOrNotifyCancel(), begun.running(), begun.cancel(), begun.cancelled());
    const failed = new ConcurrentFuture();
    failed.setException(new ValueError());
    print(await outcome(() => failed.result()), (failed.exception() as Error).name, failed.done());
    for (const returnWhen of [FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED] as const) {
      const some = await concurrentWait([failed, watched, new ConcurrentFuture()], {
        timeout: 0,
        returnWhen,
      });
      print(some.done.size, some.notDone.size);
    }
    print(await outcome(() => concurrentWait([new ConcurrentFuture()], { returnWhen: "x" as never })));
    const nap = (seconds: number) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    print(await outcome(() => list(pool.map(nap, [1], { timeout: 0 }))));
    const add = (a: number, b: number) => a + b;
    print(await list(pool.map(add, [1, 2, 3], [10, 20])), await list(pool.map(double, [])));
    const invert = (n: number) => {
      if (n > 0) return 1;
      throw new RangeError();
    };
    const items = pool.map(invert, [1, 0, 2]);
    print(await outcome(next), await outcome(next), await outcome(next));
    async function next(): Promise<number> {
      const { done, value } = await items.next();
      if (done) throw Object.assign(new Error(), { name: "StopIteration" });
      return value;
    }
    print(await outcome(() => pool.map(double, [1], { chunksize: 0 })));
    await pool.shutdown();
    print(await outcome(() => pool.submit(double, 1)));
    print(await outcome(() => pool.map(double, [1])));
    await pool.shutdown();
    const unattended = make({ maxWorkers: 1 });
    const last = unattended.submit(double, 4);
    print(unattended.shutdown({ wait: false }).result() ?? null, await last);
    const dropping = make({ maxWorkers: 1 });
    const naps = Array.from({ length: 10 }, () => dropping.submit(nap, 0.1));
    await dropping.shutdown({ cancelFutures: true });
    const tenth = naps[9]!;
    print(
      tenth.cancelled(),
      await outcome(() => tenth.result()),
      tenth.done(),
      naps.every((future) => future.done()),
    );
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
  if (value === null) return "None";
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
