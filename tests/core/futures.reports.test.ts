import assert from "node:assert/strict";
import { test } from "node:test";
import { type BaseEventLoop, createTask, gather, sleep } from "../../src/index.ts";
import { collectGarbage, collectReports, newLoop, withEachFlavour } from "../helpers.ts";

/** In a function of its own, so that nobody refers to the future afterwards. */
function dropFailedFuture(loop: BaseEventLoop, error: unknown): void {
  loop.createFuture().setException(error);
}

test("an error that nobody retrieved is reported when the future is collected", async () => {
  using loop = newLoop();
  const reports = collectReports(loop);
  const error = new Error("mine");
  dropFailedFuture(loop, error);
  assert.deepEqual(reports, []);
  await collectGarbage();
  assert.deepEqual(reports, [
    {
      message: "Future exception was never retrieved",
      exception: error,
      source: '<Future finished exception=Error("mine")>',
    },
  ]);
  loop.close();
  assert.equal(reports.length, 1, "reported once");
});

test("an error that nobody retrieved is reported when the loop closes", () => {
  const loop = newLoop();
  const reports = collectReports(loop);
  const error = new Error("mine");
  const future = loop.createFuture();
  future.setException(error);
  loop.close();
  assert.equal(reports.length, 1);
  assert.equal(reports[0]?.exception, error);
});

withEachFlavour("a task that failed unseen is reported as a task", async ({ on, body }, loop) => {
  const reports = collectReports(loop);
  const error = new Error("mine");
  loop.createTask(
    body(function* () {
      yield* on(sleep(0));
      throw error;
    }),
    { name: "worker" },
  );
  await loop.runUntilComplete(() => sleep(1));
  await collectGarbage();
  assert.deepEqual(
    reports.map(({ message, exception }) => ({ message, exception })),
    [{ message: "Task exception was never retrieved", exception: error }],
  );
  assert.match(
    String(reports[0]?.source),
    /^<Task finished name="worker" coro=<.*> exception=Error\("mine"\)>$/,
  );
});

withEachFlavour(
  "an error that was retrieved in whatever way is not reported",
  async ({ on, body, coroutine }, loop) => {
    const reports = collectReports(loop);
    const fail = coroutine(function* (way: string) {
      yield* on(sleep(0));
      throw new Error(way);
    });
    await loop.runUntilComplete(
      body(function* () {
        const read = createTask(fail("result()"));
        const looked = createTask(fail("exception()"));
        yield* on(sleep(1));
        assert.throws(() => read.result());
        assert.ok(looked.exception());
        for (const awaited of [createTask(fail("await")), fail("inline"), gather(fail("gather"))]) {
          try {
            yield* on(awaited);
            assert.fail("it must throw");
          } catch {}
        }
      }),
    );
    await collectGarbage();
    loop.close();
    assert.deepEqual(reports, []);
  },
);

test("an error that was retrieved in plain code is not reported", async () => {
  using loop = newLoop();
  const reports = collectReports(loop);
  const future = loop.createFuture();
  const caught = future.catch((error: unknown) => error);
  loop.callSoon(() => future.setException(new Error("mine")));
  loop.callLater(1, () => loop.stop());
  await loop.runForever();
  assert.ok((await caught) instanceof Error);
  await collectGarbage();
  loop.close();
  assert.deepEqual(reports, []);
});

test("a cancelled future is never reported", async () => {
  using loop = newLoop();
  const reports = collectReports(loop);
  loop.createFuture().cancel();
  await collectGarbage();
  loop.close();
  assert.deepEqual(reports, []);
});

test("in debug mode the report tells where the future was made", () => {
  const loop = newLoop();
  loop.setDebug(true);
  const reports = collectReports(loop);
  dropFailedFuture(loop, new Error("mine"));
  loop.close();
  assert.match(reports[0]?.sourceTraceback ?? "", /dropFailedFuture/);
});

withEachFlavour("runUntilComplete retrieves the error that it throws", async ({ on, body }, loop) => {
  const reports = collectReports(loop);
  const main = body(function* () {
    yield* on(sleep(0));
    throw new Error("mine");
  });
  await assert.rejects(loop.runUntilComplete(main), /mine/);
  await collectGarbage();
  loop.close();
  assert.deepEqual(reports, []);
});
