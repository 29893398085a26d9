import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { CancelledError, createTask, sleep } from "../../src/index.ts";
import { inEachFlavour, type Steps } from "../flavours.ts";
import { rejects } from "../helpers.ts";

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

inEachFlavour("an abort of its signal cancels a task, with the reason's message", function* ({ on, body }) {
  const controller = new AbortController();
  const task = createTask(
    body(function* (): Steps<void> {
      yield* on(sleep(1e6));
    }),
    { signal: controller.signal },
  );
  yield* on(sleep(1));
  controller.abort(new Error("enough"));
  yield* rejects(on(task), CancelledError, "enough");
  assert.equal(task.cancelled(), true);
});

inEachFlavour("a task whose signal was aborted before never begins", function* ({ on, body }) {
  let begun = false;
  const main = body(function* (): Steps<void> {
    begun = true;
  });
  const task = createTask(main, { signal: AbortSignal.abort("too late") });
  yield* rejects(on(task), CancelledError, "too late");
  assert.equal(begun, false);
});

inEachFlavour("a task may catch the cancellation by its signal, as any other", function* ({ on, body }) {
  const controller = new AbortController();
  const main = body(function* (): Steps<string> {
    yield* rejects(on(sleep(1e6)), CancelledError);
    return "caught";
  });
  const task = createTask(main, { signal: controller.signal });
  yield* on(sleep(1));
  controller.abort();
  assert.equal(yield* on(task), "caught");
});

inEachFlavour("a task that is done listens to its signal no more", function* ({ on, body }) {
  const { signal } = new AbortController();
  const returns = createTask(
    body(function* (): Steps<void> {}),
    { signal },
  );
  const throws = createTask(
    body(function* (): Steps<void> {
      throw new Error("no");
    }),
    { signal },
  );
  const cancelled = createTask(() => sleep(1e6), { signal });
  assert.equal(listeners(signal), 3);
  yield* on(sleep(1));
  cancelled.cancel();
  yield* on(sleep(1));
  assert.ok(returns.done() && throws.exception() && cancelled.cancelled());
  assert.equal(listeners(signal), 0);
});

inEachFlavour("what is no AbortSignal is refused", function* () {
  const notSignals: unknown[] = [{}, "abort", 1, null, new AbortController()];
  for (const signal of notSignals) {
    assert.throws(() => createTask(() => sleep(0), { signal: signal as AbortSignal }), {
      name: "TypeError",
      message: /^signal must be an AbortSignal, not /,
    });
  }
});
