import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  BaseExceptionGroup,
  CancelledError,
  createTask,
  ExceptionGroup,
  GeneratorExit,
  getRunningLoop,
  KeyboardInterrupt,
  RuntimeError,
  SystemExit,
  sleep,
  TaskGroup,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectReports, newLoop, rejects } from "../helpers.ts";

inEachFlavour(
  "a group takes no tasks before it begins, when it is over, or while it is cancelled",
  function* (flavour) {
    const { on, body, coroutine } = flavour;
    const reports = collectReports();
    const log: string[] = [];
    const child = coroutine(function* () {
      log.push("ran");
    });
    const refused = (group: TaskGroup, why: RegExp) => {
      const refusedChild = child();
      assert.throws(() => group.createTask(refusedChild), { name: "RuntimeError", message: why });
      assert.equal(String(refusedChild).endsWith("closed>"), true);
    };
    const group = new TaskGroup();
    refused(group, /has not been entered$/);
    yield* on(group.run(body(function* () {})));
    refused(group, /is finished$/);
    const failing = body(function* (cancelled: TaskGroup) {
      cancelled.createTask(() => {
        throw new TypeError("mine");
      });
      try {
        yield* on(sleep(10));
      } finally {
        refused(cancelled, /is shutting down$/);
      }
    });
    yield* rejects(on(TaskGroup.run(failing)), ExceptionGroup);
    yield* on(sleep(0));
    getRunningLoop().obligations.callIn();
    assert.deepEqual(log, []);
    assert.deepEqual(reports, [], "a refused coroutine is closed, not forgotten");
  },
);

inEachFlavour("a group is used once, and refuses promises", function* ({ on, body }) {
  const group = new TaskGroup();
  yield* on(
    group.run(
      body(function* (same: TaskGroup) {
        assert.equal(same, group);
        assert.throws(() => group.createTask(Promise.resolve() as never), TypeError);
        yield* on(sleep(0));
      }),
    ),
  );
  yield* rejects(on(group.run(() => 1)), RuntimeError, /has already been entered$/);
});

for (const Fatal of [KeyboardInterrupt, SystemExit]) {
  test(`${Fatal.name} of a task ends the run, and then comes out of the group as it is`, async () => {
    using loop = newLoop();
    collectReports(loop);
    const error = new Fatal();
    const log: unknown[] = [];
    const main = loop.createTask(() =>
      TaskGroup.run(async (group) => {
        group.createTask(async () => {
          await sleep(1);
          throw error;
        });
        group.createTask(() => sleep(5)).addDoneCallback((task) => log.push(task.cancelled()));
      }),
    );
    await assert.rejects(loop.runUntilComplete(main), (thrown) => thrown === error);
    assert.equal(main.done(), false);
    await assert.rejects(loop.runUntilComplete(main), (thrown) => thrown === error);
    assert.equal(main.exception(), error);
    assert.deepEqual(log, [true]);
  });
}

for (const Fatal of [KeyboardInterrupt, SystemExit]) {
  test(`the errors of tasks that ${Fatal.name} of the body leaves no room for are reported`, async () => {
    using loop = newLoop();
    const reports = collectReports(loop);
    const failWhenCancelled = async () => {
      try {
        await sleep(10);
      } catch {
        throw new TypeError("mine");
      }
    };
    const main = loop.createTask(() =>
      TaskGroup.run(async (group) => {
        group.createTask(failWhenCancelled);
        await sleep(1);
        throw new Fatal();
      }),
    );
    await assert.rejects(loop.runUntilComplete(main), Fatal);
    const messages = reports.map(({ message, exception }) => [message, String(exception)]);
    assert.deepEqual(messages, [
      [
        "error of a task that its TaskGroup could not throw, because the program is to end",
        "TypeError: mine",
      ],
    ]);
    assert.ok(reports[0]?.taskGroup instanceof TaskGroup);
  });
}

test("KeyboardInterrupt of a task comes out, and is not reported beside that", async () => {
  using loop = newLoop();
  const reports = collectReports(loop);
  const main = loop.createTask(() =>
    TaskGroup.run((group) => {
      group.createTask(() => {
        throw new KeyboardInterrupt();
      });
    }),
  );
  await assert.rejects(loop.runUntilComplete(main), KeyboardInterrupt);
  await assert.rejects(loop.runUntilComplete(main), KeyboardInterrupt);
  assert.deepEqual(reports, []);
});

inEachFlavour("GeneratorExit of the body comes out as it is if it is alone", function* ({ on, body }) {
  const exit = new GeneratorExit();
  const closed = body(function* (_group: TaskGroup) {
    throw exit;
  });
  assert.equal(yield* rejects(on(TaskGroup.run(closed)), GeneratorExit), exit);
  const besideAnother = body(function* (group: TaskGroup) {
    group.createTask(() => {
      throw new TypeError("mine");
    });
    yield* rejects(on(sleep(1)), CancelledError);
    throw exit;
  });
  const group = yield* rejects(on(TaskGroup.run(besideAnother)), BaseExceptionGroup);
  assert.deepEqual(group.exceptions.map(String), ["TypeError: mine", String(exit)]);
});

inEachFlavour("GeneratorExit of a task is an error as any other", function* ({ on, body }) {
  const failing = body(function* (group: TaskGroup) {
    group.createTask(() => {
      throw new GeneratorExit();
    });
  });
  yield* rejects(on(TaskGroup.run(failing)), BaseExceptionGroup);
});

test("a group needs a task", async () => {
  using loop = newLoop();
  const errors: unknown[] = [];
  await loop.runUntilComplete(async () => {
    const step = TaskGroup.run(() => 1);
    loop.callSoon(() => {
      try {
        step.send();
      } catch (error) {
        errors.push(error);
      }
    });
    await sleep(1);
  });
  assert.match(String(errors[0]), /^RuntimeError: <TaskGroup .*> cannot determine the parent task$/);
});

inEachFlavour("a task that fails when its group's parent is gone is reported", function* ({ on, coroutine }) {
  const reports = collectReports();
  const error = new TypeError("mine");
  const late = coroutine(function* () {
    yield* on(sleep(5));
    throw error;
  });
  const parent = createTask(
    (function* () {
      const group = new TaskGroup();
      const body = group.run(function* () {
        group.createTask(late(), { name: "late" });
        yield;
      });
      body.send();
    })(),
  );
  yield* on(parent);
  yield* on(sleep(10));
  assert.equal(reports.length, 1);
  assert.match(
    reports[0]!.message,
    /name="late".* has errored out but its parent task .* is already completed$/,
  );
  assert.equal(reports[0]?.exception, error);
});

inEachFlavour("a group shows its state", function* ({ on, body }) {
  const group = new TaskGroup();
  assert.equal(String(group), "<TaskGroup created tasks=0 errors=0>");
  yield* on(
    group.run(
      body(function* () {
        group.createTask(() => sleep(1));
        assert.equal(String(group), "<TaskGroup open tasks=1 errors=0>");
      }),
    ),
  );
  assert.equal(inspect(group), "<TaskGroup finished tasks=0 errors=0>");
});
