import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BaseEventLoop,
  ContextVar,
  createTask,
  getRunningLoop,
  KeyboardInterrupt,
  sleep,
} from "../../src/index.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { inEachFlavour, type Steps } from "../flavours.ts";
import { iterate, newLoop } from "../helpers.ts";
import { CapturedLog } from "./captured-log.ts";

/** A loop whose own handler throws this. */
function brokenLoop(error: unknown): BaseEventLoop {
  class BrokenLoop extends BaseEventLoop {
    override defaultExceptionHandler(): void {
      throw error;
    }
  }
  return new BrokenLoop(new VirtualClock());
}

const failing = () => {
  throw new Error("of the custom handler");
};

test("an error in the default handler is logged, and does not come out", () => {
  const error = new Error("of the default handler");
  using loop = brokenLoop(error);
  using log = new CapturedLog();
  loop.callExceptionHandler({ message: "It broke" });
  const message = "Exception in default exception handler";
  assert.deepEqual(log.entries, [{ level: "error", message, details: [error] }]);
});

test("an error in the default handler that was told of one in the custom handler is logged as that", () => {
  const error = new Error("of the default handler");
  using loop = brokenLoop(error);
  using log = new CapturedLog();
  loop.setExceptionHandler(failing);
  loop.callExceptionHandler({ message: "It broke" });
  const message =
    "Exception in default exception handler while handling an unexpected error in custom exception handler";
  assert.deepEqual(log.entries, [{ level: "error", message, details: [error] }]);
});

test("KeyboardInterrupt in the default handler comes out, with and without a handler that failed before", () => {
  using loop = brokenLoop(new KeyboardInterrupt());
  const tell = () => loop.callExceptionHandler({ message: "It broke" });
  assert.throws(tell, KeyboardInterrupt);
  loop.setExceptionHandler(failing);
  assert.throws(tell, KeyboardInterrupt);
});

inEachFlavour(
  "the handler runs in the context of the task or callback that it is told of",
  function* ({ on, body }) {
    const variable = new ContextVar("variable", { defaultValue: "outside" });
    const loop = getRunningLoop();
    const seen: [string, string][] = [];
    loop.setExceptionHandler((_loop, { message }) => seen.push([message, variable.get()]));
    const task = createTask(
      body(function* (): Steps<void> {
        variable.set("task");
        yield* on(sleep(2));
      }),
    );
    loop.callSoon(() => {
      variable.set("callback");
      throw new Error("no");
    });
    yield* on(sleep(1));
    loop.callExceptionHandler({ message: "of a task", task });
    loop.callExceptionHandler({ message: "of nobody" });
    assert.deepEqual(seen, [
      ["Exception in callback <anonymous>()", "callback"],
      ["of a task", "task"],
      ["of nobody", "outside"],
    ]);
    yield* on(task);
  },
);

test("in debug mode the default handler tells where things were made", async () => {
  using loop = newLoop();
  using log = new CapturedLog();
  loop.setDebug(true);
  loop.callSoon(function broken() {
    throw new Error("mine");
  });
  loop.callSoon(function running() {
    loop.callExceptionHandler({ message: "It broke" });
  });
  await iterate(loop, 1);
  const [ofCallback = "", ofOther = ""] = log.of("error");
  assert.match(
    ofCallback,
    /^Exception in callback broken\(\)\nhandle: <Handle .*\ncreated at \(most recent call first\):\n/,
  );
  assert.match(ofOther, /^It broke\nthe callback that ran was created at \(most recent call first\):\n/);
  for (const text of [ofCallback, ofOther])
    assert.match(text, /first\):\n {4}at .*exception-handlers\.test\.ts/);
});
