import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  BaseEventLoop,
  coroutine,
  createTask,
  ensureFuture,
  getRunningLoop,
  KeyboardInterrupt,
  sleep,
  ValueError,
} from "../../src/index.ts";
import { type Flavour, flavours } from "../flavours.ts";
import { HostedClock } from "../helpers.ts";
import { CapturedLog } from "./captured-log.ts";

/** Its time also goes on where a test says that code takes so long. */
class WorkingClock extends HostedClock {
  #worked = 0;

  override time(): number {
    return super.time() + this.#worked;
  }

  work(seconds: number): void {
    this.#worked += seconds;
  }
}

interface Bench {
  readonly loop: BaseEventLoop;
  readonly clock: WorkingClock;
  readonly log: CapturedLog;
}

function onABench(name: string, body: (bench: Bench) => Promise<void>): void {
  test(name, async () => {
    const clock = new WorkingClock();
    using loop = new BaseEventLoop(clock);
    using log = new CapturedLog();
    loop.setDebug(false);
    await body({ loop, clock, log });
  });
}

function onABenchInEachFlavour(name: string, body: (flavour: Flavour, bench: Bench) => Promise<void>): void {
  for (const flavour of flavours) onABench(`${name} (${flavour.name})`, (bench) => body(flavour, bench));
}

onABenchInEachFlavour(
  "a slow step of a task is warned of, with where it was made",
  async (flavour, bench) => {
    const { on, body } = flavour;
    const { loop, clock, log } = bench;
    loop.setDebug(true);
    await loop.runUntilComplete(
      body(function* main() {
        const slow = body(function* () {
          yield* on(sleep(1));
          clock.work(0.25);
          yield* on(sleep(100));
        });
        yield* on(createTask(slow, { name: "slow" }));
      }),
    );
    const [message = "", ...others] = log.of("warn");
    assert.match(
      message,
      /^Executing <Task pending name="slow" coro=<.*> waiters=1 waitFor=Future created at \S+stopwatch\.test\.ts:\d+:\d+> took 0\.250 seconds\ncreated at \(most recent call first\):\n {4}at .*stopwatch\.test\.ts/,
    );
    assert.deepEqual(others, []);
  },
);

onABenchInEachFlavour(
  "the first step counts, and the last one",
  async ({ on, body }, { loop, clock, log }) => {
    loop.slowCallbackDuration = 1;
    await loop.runUntilComplete(
      body(function* () {
        clock.work(1);
        yield* on(sleep(5));
        clock.work(2);
      }),
    );
    assert.deepEqual(
      log
        .of("warn")
        .map((message) => /^Executing <Task (\w+) .* took (\S+) seconds$/.exec(message)?.slice(1)),
      [
        ["pending", "1.000"],
        ["finished", "2.000"],
      ],
    );
  },
);

onABench("a step lasts until the promise callbacks that it led to have run", async ({ loop, clock, log }) => {
  loop.slowCallbackDuration = 1;
  const inner = async () => {
    await null;
    await Promise.all([null, null]);
    clock.work(0.5);
    await null;
    clock.work(0.6);
  };
  const task = loop.createTask(
    async () => {
      await sleep(1);
      await inner();
      await sleep(1);
    },
    { name: "worker" },
  );
  await loop.runUntilComplete(task);
  assert.equal(log.of("warn").length, 1);
  assert.match(log.of("warn")[0] ?? "", /name="worker".* took 1\.100 seconds$/);
});

onABench("a slow callback and a slow timer are warned of", async ({ loop, clock, log }) => {
  loop.setDebug(true);
  const crunch = () => clock.work(0.1);
  loop.callSoon(crunch);
  loop.callLater(1, crunch);
  loop.callLater(2, () => loop.stop());
  await loop.runForever();
  const [soon = "", later = "", ...others] = log.of("warn");
  assert.match(
    soon,
    /^Executing <Handle crunch\(\) created at \S+stopwatch\.test\.ts:\d+:\d+> took 0\.100 seconds\n/,
  );
  assert.match(later, /^Executing <TimerHandle when=1 crunch\(\) created at .*> took 0\.100 seconds\n/);
  assert.deepEqual(others, []);
});

onABench("an async function as a callback is measured step by step", async ({ loop, clock, log }) => {
  loop.slowCallbackDuration = 1;
  loop.callSoon(async function crunch() {
    await null;
    clock.work(3);
  });
  loop.callLater(1, () => loop.stop());
  await loop.runForever();
  assert.deepEqual(log.of("warn"), ["Executing <Handle crunch()> took 3.000 seconds"]);
});

onABench("what is faster than the limit passes in silence, and so do waits", async ({ loop, clock, log }) => {
  loop.setDebug(true);
  loop.callSoon(() => clock.work(0.099));
  await loop.runUntilComplete(() => sleep(1000));
  assert.deepEqual(log.of("warn"), []);
});

onABench("the time between steps is nobody's", async ({ loop, clock, log }) => {
  loop.slowCallbackDuration = 1;
  loop.callSoon(() => {});
  loop.callSoon(() => loop.stop());
  await loop.runForever();
  clock.work(5);
  loop.stop();
  await loop.runForever();
  assert.deepEqual(log.of("warn"), []);
});

onABench("steps are measured in debug mode only, unless a limit was set", async ({ loop, clock, log }) => {
  const crunch = async (seconds: number) => {
    loop.callSoon(() => clock.work(seconds));
    loop.callSoon(() => loop.stop());
    await loop.runForever();
    return log.entries.splice(0).length;
  };
  loop.setDebug(false);
  assert.equal(await crunch(1), 0);
  loop.setDebug(true);
  assert.equal(await crunch(0.1), 1);
  loop.setDebug(false);
  assert.equal(await crunch(1), 0);
  loop.slowCallbackDuration = 0.5;
  assert.equal(await crunch(0.4), 0);
  assert.equal(await crunch(0.5), 1);
  loop.slowCallbackDuration = Number.POSITIVE_INFINITY;
  loop.setDebug(true);
  assert.equal(await crunch(1e9), 0);
});

onABench(
  "a limit that is set in the middle of a run holds from the next step on",
  async ({ loop, clock, log }) => {
    loop.callSoon(() => {
      loop.slowCallbackDuration = 1;
      clock.work(2);
    });
    const crunch = () => clock.work(3);
    loop.callSoon(crunch);
    loop.callSoon(() => {
      loop.slowCallbackDuration = Number.POSITIVE_INFINITY;
      clock.work(4);
      loop.stop();
    });
    await loop.runForever();
    assert.deepEqual(log.of("warn"), ["Executing <Handle crunch()> took 3.000 seconds"]);
  },
);

onABench("a limit of 0 tells of every step, but a cancelled callback takes none", async ({ loop, log }) => {
  loop.slowCallbackDuration = 0;
  loop.callSoon(function first() {});
  loop.callSoon(function cancelled() {}).cancel();
  loop.callSoon(function last() {
    loop.stop();
  });
  await loop.runForever();
  assert.deepEqual(log.of("warn"), [
    "Executing <Handle first()> took 0.000 seconds",
    "Executing <Handle last()> took 0.000 seconds",
  ]);
});

onABench("a step that ends the run by an error is measured too", async ({ loop, clock, log }) => {
  loop.slowCallbackDuration = 1;
  loop.callSoon(function crunch() {
    clock.work(2);
    throw new KeyboardInterrupt();
  });
  await assert.rejects(loop.runForever(), KeyboardInterrupt);
  assert.deepEqual(log.of("warn"), ["Executing <Handle crunch()> took 2.000 seconds"]);
});

onABench("plain code that goes on when a future is done is that future's", async ({ loop, clock, log }) => {
  loop.slowCallbackDuration = 1;
  const future = loop.createFuture<number>();
  const after = future.then(() => clock.work(2));
  loop.callSoon(() => future.setResult(7));
  loop.callLater(1, () => loop.stop());
  await loop.runForever();
  await after;
  assert.deepEqual(log.of("warn"), ["Executing <Future finished result=7> took 2.000 seconds"]);
});

onABench("a result that cannot be shown does not harm the loop", async ({ loop, clock, log }) => {
  loop.slowCallbackDuration = 1;
  const result = {
    get [Symbol.for("nodejs.util.inspect.custom")](): never {
      throw new Error("not to be looked at");
    },
  };
  const task = loop.createTask(() => {
    clock.work(2);
    return result;
  });
  assert.equal(await loop.runUntilComplete(task), result);
  assert.deepEqual(log.of("warn"), ["Executing <Task> took 2.000 seconds"]);
});

onABenchInEachFlavour(
  "a task that goes on behind a promise of Node's is measured there",
  async ({ on, body }, { loop, clock, log }) => {
    loop.setDebug(true);
    const nodes = coroutine(() => turn());
    const slow = body(function* () {
      yield* on(nodes());
      clock.work(0.5);
      yield* on(sleep(1));
      yield* on(nodes());
    });
    await loop.runUntilComplete(loop.createTask(slow, { name: "slow" }));
    const [message = "", ...others] = log.of("warn");
    assert.match(message, /^Executing <Task pending name="slow" .* took 0\.500 seconds\n/);
    assert.deepEqual(others, []);
  },
);

onABench(
  "an async function is measured also where it awaits the promise itself",
  async ({ loop, clock, log }) => {
    loop.slowCallbackDuration = 1;
    const slow = async () => {
      await turn();
      clock.work(2);
      await turn();
    };
    await loop.runUntilComplete(loop.createTask(slow, { name: "slow" }));
    assert.equal(log.of("warn").length, 1);
    assert.match(log.of("warn")[0] ?? "", /^Executing <Task pending name="slow" .* took 2\.000 seconds$/);
  },
);

onABench("behind a future that follows a promise the task makes a step", async ({ loop, clock, log }) => {
  loop.slowCallbackDuration = 1;
  await loop.runUntilComplete(function* () {
    yield* ensureFuture(turn());
    clock.work(2);
  });
  assert.equal(log.of("warn").length, 1);
});

onABench("code that belongs to no task is not measured", async ({ loop, clock, log }) => {
  loop.slowCallbackDuration = 1;
  const outsider = (async () => {
    await turn();
    clock.work(2);
  })();
  await loop.runUntilComplete(async () => {
    await turn();
    await turn();
  });
  await outsider;
  assert.deepEqual(log.of("warn"), []);
});

onABench("nothing is measured while the loop does not run", async ({ loop, clock, log }) => {
  loop.slowCallbackDuration = 1;
  const task = loop.createTask(async () => {
    await turn();
    clock.work(2);
  });
  loop.stop();
  await loop.runForever();
  await turn();
  await turn();
  assert.equal(loop.time(), 2);
  assert.deepEqual(log.of("warn"), []);
  await loop.runUntilComplete(task);
});

onABench(
  "a limit that is set in a run also holds behind promises of Node's",
  async ({ loop, clock, log }) => {
    await loop.runUntilComplete(async () => {
      loop.slowCallbackDuration = 1;
      await turn();
      clock.work(2);
      await turn();
    });
    assert.equal(log.of("warn").length, 1);
  },
);

onABench("a task of another loop is not measured", async ({ loop, clock, log }) => {
  loop.slowCallbackDuration = 1;
  using other = new BaseEventLoop(new HostedClock());
  const task = other.createTask(async () => {
    await turn();
    clock.work(2);
  });
  other.stop();
  await other.runForever();
  await loop.runUntilComplete(async () => {
    await turn();
    await turn();
  });
  assert.equal(loop.time(), 2);
  assert.deepEqual(log.of("warn"), []);
  await other.runUntilComplete(task);
});

onABench("a limit must be a number of seconds, and no negative one", async ({ loop }) => {
  assert.equal(loop.slowCallbackDuration, 0.1);
  const set = (value: unknown) => {
    loop.slowCallbackDuration = value as number;
  };
  assert.throws(() => set("1"), {
    name: "TypeError",
    message: "slowCallbackDuration must be a number of seconds, not '1'",
  });
  assert.throws(() => set(undefined), TypeError);
  assert.throws(() => set(-1), ValueError);
  assert.throws(() => set(Number.NaN), ValueError);
  set(0.25);
  assert.equal(loop.slowCallbackDuration, 0.25);
});

onABench("the running loop's limit can be set from inside", async ({ loop }) => {
  await loop.runUntilComplete(() => {
    getRunningLoop().slowCallbackDuration = 2;
  });
  assert.equal(loop.slowCallbackDuration, 2);
});
