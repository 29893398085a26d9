import assert from "node:assert/strict";
import { mock, test } from "node:test";
import {
  Context,
  ContextVar,
  copyContext,
  type ExceptionContext,
  getRunningLoop,
  SystemExit,
  sleep,
  ValueError,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectReports, iterate, newLoop } from "../helpers.ts";

test("callLater counts from now, callAt is by the loop's clock", async () => {
  using loop = newLoop();
  const times: number[] = [];
  await loop.runUntilComplete(() => sleep(5));
  const later = loop.callLater(2, () => times.push(loop.time()));
  const at = loop.callAt(6, () => times.push(loop.time()));
  assert.equal(later.when(), 7);
  assert.equal(at.when(), 6);
  await loop.runUntilComplete(() => sleep(5));
  assert.deepEqual(times, [6, 7]);
});

test("the last argument {context} chooses the context and is not passed on", async () => {
  using loop = newLoop();
  const variable = new ContextVar<string>("variable", { defaultValue: "default" });
  const context = new Context();
  context.run(() => variable.set("chosen"));
  const log: unknown[] = [];
  const note = (...args: unknown[]) => log.push([...args, variable.get()]);
  loop.callSoon(note, 1, { context });
  loop.callLater(0, note, 2, { context });
  loop.callAt(0, note, 3, { context });
  loop.callSoon(note, 4);
  await iterate(loop, 1);
  assert.deepEqual(log, [
    [1, "chosen"],
    [4, "default"],
    [2, "chosen"],
    [3, "chosen"],
  ]);
});

test("an object that only resembles {context} is an argument as any other", async () => {
  using loop = newLoop();
  const log: unknown[] = [];
  const note = (argument: unknown) => log.push(argument);
  const context = copyContext();
  const lookalikes = [{ context: 1 }, { context, more: 1 }, {}, null];
  for (const lookalike of lookalikes) loop.callSoon(note, lookalike);
  await iterate(loop, 1);
  assert.deepEqual(log, lookalikes);
});

for (const method of ["callSoon", "callLater", "callAt"] as const) {
  const call = (loop: ReturnType<typeof newLoop>, callback: unknown) =>
    method === "callSoon" ? loop.callSoon(callback as () => void) : loop[method](1, callback as () => void);

  test(`${method} names the value that is not a function`, () => {
    using loop = newLoop();
    const name = method === "callSoon" ? "callSoon" : "callAt";
    assert.throws(() => call(loop, 42), {
      name: "TypeError",
      message: `a callable object was expected by ${name}(), got 42`,
    });
    assert.throws(() => call(loop, undefined), TypeError);
  });

  test(`${method} tells what is wrong with a promise or a coroutine as a callback`, () => {
    using loop = newLoop();
    const text = /coroutine or promise cannot be used as a callback/;
    assert.throws(() => call(loop, Promise.resolve()), text);
    const coroutine = sleep(1);
    assert.throws(() => call(loop, coroutine), text);
    coroutine.close();
  });
}

for (const method of ["callLater", "callAt"] as const) {
  test(`${method} refuses NaN and what is not a number`, () => {
    using loop = newLoop();
    assert.throws(() => loop[method](Number.NaN, () => {}), ValueError);
    assert.throws(() => loop[method]("1" as never, () => {}), TypeError);
    assert.throws(() => loop[method](undefined as never, () => {}), TypeError);
  });
}

inEachFlavour("an error in a callback goes to the handler, and the loop goes on", function* ({ on }) {
  const loop = getRunningLoop();
  const reports = collectReports();
  const error = new Error("mine");
  const failing = function broken() {
    throw error;
  };
  const handle = loop.callSoon(failing);
  const log: string[] = [];
  loop.callSoon(() => log.push("next"));
  yield* on(sleep(0));
  assert.deepEqual(log, ["next"]);
  assert.deepEqual(reports, [{ message: "Exception in callback broken()", exception: error, handle }]);
});

inEachFlavour("an error in a timer goes to the handler, and other timers run", function* ({ on }) {
  const loop = getRunningLoop();
  const reports = collectReports();
  loop.callLater(1, () => {
    throw "not even an Error";
  });
  const log: string[] = [];
  loop.callLater(1, () => log.push("other"));
  yield* on(sleep(2));
  assert.deepEqual(log, ["other"]);
  assert.equal(reports[0]?.exception, "not even an Error");
});

test("in debug mode the report tells where the callback was queued", async () => {
  using loop = newLoop();
  loop.setDebug(true);
  const reports = collectReports(loop);
  loop.callSoon(() => {
    throw new Error("mine");
  });
  await iterate(loop, 1);
  assert.match(reports[0]?.sourceTraceback ?? "", /base-events\.callbacks\.test/);
});

function logged(action: () => void): { text: unknown; details: unknown[] }[] {
  const { mock: log } = mock.method(console, "error", () => {});
  try {
    action();
    return log.calls.map(({ arguments: [text, ...details] }) => ({ text, details }));
  } finally {
    log.restore();
  }
}

test("without a handler the error is logged, with what else is known in alphabetical order", () => {
  using loop = newLoop();
  const error = new Error("mine");
  const entries = logged(() =>
    loop.callExceptionHandler({ message: "It broke", zebra: 1, apple: "text", exception: error }),
  );
  assert.deepEqual(entries, [{ text: "It broke\napple: text\nzebra: 1", details: [error] }]);
});

test("a report without message and error is logged too", () => {
  using loop = newLoop();
  const entries = logged(() => loop.callExceptionHandler({ message: "" }));
  assert.deepEqual(entries, [{ text: "Unhandled exception in event loop", details: [] }]);
});

test("a handler is called with the loop and the report, and null brings the default back", () => {
  using loop = newLoop();
  const calls: unknown[] = [];
  const handler = (...args: unknown[]) => calls.push(args);
  assert.equal(loop.getExceptionHandler(), null);
  loop.setExceptionHandler(handler);
  assert.equal(loop.getExceptionHandler(), handler);
  const context: ExceptionContext = { message: "It broke" };
  loop.callExceptionHandler(context);
  assert.deepEqual(calls, [[loop, context]]);
  loop.setExceptionHandler(null);
  assert.equal(logged(() => loop.callExceptionHandler(context)).length, 1);
});

test("a handler must be a function", () => {
  using loop = newLoop();
  assert.throws(() => loop.setExceptionHandler("log" as never), TypeError);
});

test("an error in the handler is logged, and does not come out", () => {
  using loop = newLoop();
  const error = new Error("of the handler");
  loop.setExceptionHandler(() => {
    throw error;
  });
  const entries = logged(() => loop.callExceptionHandler({ message: "It broke" }));
  assert.equal(entries.length, 1);
  assert.match(String(entries[0]?.text), /^Unhandled error in exception handler\ncontext: .*It broke/);
  assert.deepEqual(entries[0]?.details, [error]);
});

test("SystemExit in the handler ends the run", async () => {
  using loop = newLoop();
  loop.setExceptionHandler(() => {
    throw new SystemExit(3);
  });
  loop.callSoon(() => {
    throw new Error("mine");
  });
  await assert.rejects(loop.runForever(), { name: "SystemExit", exitCode: 3 });
});
