import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BaseEventLoop,
  getRunningLoop,
  KeyboardInterrupt,
  RuntimeError,
  SystemExit,
  sleep,
  Task,
  ValueError,
} from "../../src/index.ts";
import { Deadlock, VirtualClock } from "../../src/testing/virtual-clock.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectReports, HostedClock, newLoop, withEachFlavour } from "../helpers.ts";

withEachFlavour("runUntilComplete gives the result of a coroutine", async ({ on, coroutine }, loop) => {
  const main = coroutine(function* () {
    yield* on(sleep(1));
    return "result";
  });
  assert.equal(await loop.runUntilComplete(main()), "result");
  assert.equal(loop.time(), 1);
});

withEachFlavour("runUntilComplete throws the error of a coroutine", async ({ on, coroutine }, loop) => {
  const error = new Error("mine");
  const main = coroutine(function* () {
    yield* on(sleep(0));
    throw error;
  });
  await assert.rejects(loop.runUntilComplete(main()), (thrown) => thrown === error);
});

withEachFlavour("runUntilComplete takes a function that is not called yet", async ({ on, body }, loop) => {
  const main = body(function* () {
    yield* on(sleep(0));
    return getRunningLoop();
  });
  assert.equal(await loop.runUntilComplete(main), loop);
});

test("runUntilComplete takes a future, and leaves it as it is", async () => {
  using loop = newLoop();
  const future = loop.createFuture<number>();
  loop.callLater(3, () => future.setResult(7));
  assert.equal(await loop.runUntilComplete(future), 7);
  assert.equal(String(future), "<Future finished result=7>");
});

test("runUntilComplete refuses a future of another loop", async () => {
  using loop = newLoop();
  using other = newLoop();
  await assert.rejects(loop.runUntilComplete(other.createFuture()), ValueError);
  assert.equal(loop.isRunning(), false);
});

test("runUntilComplete refuses a promise, and what nobody can wait for", async () => {
  using loop = newLoop();
  await assert.rejects(loop.runUntilComplete(Promise.resolve(1) as never), TypeError);
  await assert.rejects(loop.runUntilComplete(5 as never), TypeError);
});

withEachFlavour("the loop finishes the iteration in which main is done", async ({ on, body }, loop) => {
  const log: string[] = [];
  await loop.runUntilComplete(
    body(function* () {
      yield* on(sleep(0));
      loop.callSoon(() => {
        log.push("next iteration");
        loop.callSoon(() => log.push("too late"));
      });
    }),
  );
  assert.deepEqual(log, ["next iteration"]);
});

test("what is queued when a run ends waits for the next run", async () => {
  using loop = newLoop();
  const log: string[] = [];
  loop.callSoon(() => {
    loop.stop();
    loop.callSoon(() => log.push("second run"));
    log.push("first run");
  });
  await loop.runForever();
  assert.deepEqual(log, ["first run"]);
  loop.stop();
  await loop.runForever();
  assert.deepEqual(log, ["first run", "second run"]);
});

withEachFlavour("a task goes on in the next run", async ({ on, body }, loop) => {
  const log: number[] = [];
  const task = loop.createTask(
    body(function* () {
      for (let i = 0; i < 4; i++) {
        log.push(i);
        yield* on(sleep(1));
      }
    }),
  );
  await loop.runUntilComplete(() => sleep(1.5));
  assert.deepEqual(log, [0, 1]);
  await loop.runUntilComplete(task);
  assert.deepEqual(log, [0, 1, 2, 3]);
  assert.equal(loop.time(), 4);
});

test("a loop that is stopped before it runs makes exactly one iteration", async () => {
  using loop = newLoop();
  const log: string[] = [];
  loop.callSoon(() => {
    log.push("first");
    loop.callSoon(() => log.push("second"));
  });
  loop.callLater(0, () => log.push("due timer"));
  loop.callLater(1, () => log.push("later timer"));
  loop.stop();
  await loop.runForever();
  assert.deepEqual(log, ["first", "due timer"]);
  assert.equal(loop.time(), 0);
});

test("stop lets the callbacks of the current iteration finish", async () => {
  using loop = newLoop();
  const log: string[] = [];
  loop.callSoon(() => {
    loop.stop();
    loop.callSoon(() => log.push("next iteration"));
  });
  loop.callSoon(() => log.push("this iteration"));
  await loop.runForever();
  assert.deepEqual(log, ["this iteration"]);
});

test("stop wakes a loop that sleeps", async () => {
  using loop = new BaseEventLoop(new HostedClock());
  const run = loop.runForever();
  setImmediate(() => setImmediate(() => loop.stop()));
  await run;
  assert.equal(loop.isRunning(), false);
});

test("runUntilComplete throws RuntimeError if the loop is stopped before main is done", async () => {
  using loop = newLoop();
  const future = loop.createFuture();
  loop.callSoon(() => loop.stop());
  await assert.rejects(loop.runUntilComplete(future), {
    name: "RuntimeError",
    message: "Event loop stopped before Future completed.",
  });
  assert.equal(future.done(), false);
  future.setResult(1);
  assert.equal(await loop.runUntilComplete(future), 1);
});

withEachFlavour("a loop that runs cannot be run or closed", async ({ on, body }, loop) => {
  await loop.runUntilComplete(
    body(function* () {
      const again = loop.runForever().then(
        () => null,
        (error: unknown) => error,
      );
      const error = yield* on(loop.createTask(() => again));
      assert.ok(error instanceof RuntimeError);
      assert.equal(error.message, "This event loop is already running");
      assert.throws(() => loop.close(), {
        name: "RuntimeError",
        message: "Cannot close a running event loop",
      });
      assert.equal(loop.isRunning(), true);
    }),
  );
  assert.equal(loop.isRunning(), false);
});

test("a loop cannot run while another one does", async () => {
  using loop = newLoop();
  using other = newLoop();
  await loop.runUntilComplete(async () => {
    await assert.rejects(other.runForever(), {
      name: "RuntimeError",
      message: "Cannot run the event loop while another loop is running",
    });
    await assert.rejects(other.runUntilComplete(other.createFuture()), RuntimeError);
  });
  other.stop();
  await other.runForever();
});

test("loops can run one after the other", async () => {
  for (let i = 0; i < 3; i++) {
    using loop = newLoop();
    assert.equal(await loop.runUntilComplete(() => sleep(i, i)), i);
    assert.throws(getRunningLoop, RuntimeError);
  }
});

test("a closed loop refuses everything that would run", async () => {
  const loop = newLoop();
  loop.close();
  assert.equal(loop.isClosed(), true);
  const closed = { name: "RuntimeError", message: "Event loop is closed" };
  assert.throws(() => loop.callSoon(() => {}), closed);
  assert.throws(() => loop.callLater(1, () => {}), closed);
  assert.throws(() => loop.callAt(1, () => {}), closed);
  assert.throws(() => loop.createTask(() => 1), closed);
  await assert.rejects(loop.runForever(), closed);
  await assert.rejects(
    loop.runUntilComplete(() => 1),
    closed,
  );
});

test("a loop may be closed twice, and at the end of a using block", () => {
  const loop = newLoop();
  {
    using _ = loop;
    assert.equal(loop.isClosed(), false);
  }
  assert.equal(loop.isClosed(), true);
  loop.close();
});

test("close drops what is queued", async () => {
  const loop = newLoop();
  const log: string[] = [];
  loop.callSoon(() => log.push("soon"));
  loop.callLater(0, () => log.push("later"));
  loop.close();
  await new Promise(setImmediate);
  assert.deepEqual(log, []);
});

withEachFlavour("close reports the tasks that are pending", async ({ on, body }, loop) => {
  const reports = collectReports(loop);
  const task = loop.createTask(
    body(function* () {
      yield* on(sleep(100));
    }),
  );
  await loop.runUntilComplete(() => sleep(1));
  loop.close();
  assert.deepEqual(reports, [{ message: "Task was destroyed but it is pending!", task }]);
});

test("a run that can never end is a Deadlock on the virtual clock, and the loop can be run again", async () => {
  using loop = newLoop();
  const future = loop.createFuture<number>();
  await assert.rejects(loop.runUntilComplete(future), Deadlock);
  assert.equal(loop.isRunning(), false);
  future.setResult(1);
  assert.equal(await loop.runUntilComplete(future), 1);
});

for (const Fatal of [KeyboardInterrupt, SystemExit]) {
  test(`${Fatal.name} in a callback ends the run at once, and the rest runs next time`, async () => {
    using loop = newLoop();
    const reports = collectReports(loop);
    const log: string[] = [];
    const error = new Fatal();
    loop.callSoon(() => log.push("before"));
    loop.callSoon(() => {
      throw error;
    });
    loop.callSoon(() => log.push("behind"));
    await assert.rejects(loop.runForever(), (thrown) => thrown === error);
    assert.deepEqual(log, ["before"]);
    loop.stop();
    await loop.runForever();
    assert.deepEqual(log, ["before", "behind"]);
    assert.deepEqual(reports, []);
  });

  withEachFlavour(
    `${Fatal.name} in a task ends the run, and stays in the task`,
    async ({ on, body }, loop) => {
      const error = new Fatal();
      const log: string[] = [];
      collectReports(loop);
      const task = loop.createTask(
        body(function* () {
          yield* on(sleep(0));
          loop.callSoon(() => log.push("next iteration"));
          throw error;
        }),
      );
      await assert.rejects(
        loop.runUntilComplete(() => sleep(10)),
        (thrown) => thrown === error,
      );
      assert.equal(task.exception(), error);
      assert.deepEqual(log, []);
      assert.equal(loop.isRunning(), false);
    },
  );

  withEachFlavour(`${Fatal.name} thrown by main itself comes out of the run`, async ({ on, body }, loop) => {
    const reports = collectReports(loop);
    const error = new Fatal();
    const main = body(function* () {
      yield* on(sleep(1));
      throw error;
    });
    await assert.rejects(loop.runUntilComplete(main), (thrown) => thrown === error);
    loop.close();
    assert.deepEqual(reports, []);
  });
}

test("KeyboardInterrupt from native async code ends the run before the next callback", async () => {
  using loop = newLoop();
  collectReports(loop);
  const log: string[] = [];
  const error = new KeyboardInterrupt();
  loop.createTask(async () => {
    await null;
    throw error;
  });
  loop.callSoon(() => log.push("behind"));
  await assert.rejects(loop.runForever(), (thrown) => thrown === error);
  assert.deepEqual(log, []);
});

test("KeyboardInterrupt behind a promise of Node's ends a run that sleeps", async () => {
  using loop = new BaseEventLoop(new HostedClock());
  collectReports(loop);
  const error = new KeyboardInterrupt();
  loop.createTask(async () => {
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    throw error;
  });
  await assert.rejects(loop.runForever(), (thrown) => thrown === error);
});

inEachFlavour("the factory makes the loop's tasks, and is given the options", function* ({ on, coroutine }) {
  const loop = getRunningLoop();
  const made: (string | undefined)[] = [];
  assert.equal(loop.getTaskFactory(), null);
  const factory = <T>(
    theLoop: BaseEventLoop,
    coro: ConstructorParameters<typeof Task<T>>[0],
    options: object,
  ) => {
    made.push(coro.name);
    return new Task<T>(coro, { loop: theLoop, ...options, name: "from the factory" });
  };
  loop.setTaskFactory(factory);
  assert.equal(loop.getTaskFactory(), factory);
  const f = coroutine(function* (n: number) {
    yield* on(sleep(0));
    return n;
  });
  const task = loop.createTask(f(1), { name: "overruled" });
  assert.equal(task.getName(), "from the factory");
  assert.equal(yield* on(task), 1);
  assert.equal(made.length, 1);
  loop.setTaskFactory(null);
  const usual = loop.createTask(f(2));
  assert.match(usual.getName(), /^Task-\d+$/);
  yield* on(usual);
});

test("a task factory must be a function", () => {
  using loop = newLoop();
  assert.throws(() => loop.setTaskFactory(5 as never), TypeError);
});

test("createFuture makes a future of this loop, running or not", () => {
  using loop = newLoop();
  assert.equal(loop.createFuture().getLoop(), loop);
});

test("debug mode can be turned on and off", () => {
  using loop = newLoop();
  loop.setDebug(true);
  assert.equal(loop.getDebug(), true);
  loop.setDebug(false);
  assert.equal(loop.getDebug(), false);
});

test("a loop shows whether it runs and is closed", async () => {
  const loop = new BaseEventLoop(new VirtualClock());
  loop.setDebug(false);
  assert.equal(String(loop), "<BaseEventLoop running=false closed=false debug=false>");
  await loop.runUntilComplete(() => {
    assert.equal(String(loop), "<BaseEventLoop running=true closed=false debug=false>");
  });
  loop.close();
  assert.equal(String(loop), "<BaseEventLoop running=false closed=true debug=false>");
});
