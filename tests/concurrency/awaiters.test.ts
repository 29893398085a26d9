import assert from "node:assert/strict";
import {
  captureCallGraph,
  createTask,
  futureAddToAwaitedBy,
  futureDiscardFromAwaitedBy,
  getRunningLoop,
  sleep,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";

const awaiters = (future: Parameters<typeof captureCallGraph>[0]) =>
  captureCallGraph(future)?.awaitedBy.map(({ future }) => future);

inEachFlavour("who waits by a callback can be told to the graph, and taken back", function* ({ on }) {
  const loop = getRunningLoop();
  const [future, waiter] = [loop.createFuture(), loop.createFuture()];
  futureAddToAwaitedBy(future, waiter);
  futureAddToAwaitedBy(future, waiter);
  assert.deepEqual(awaiters(future), [waiter]);
  futureDiscardFromAwaitedBy(future, waiter);
  assert.deepEqual(awaiters(future), []);
  futureDiscardFromAwaitedBy(future, waiter);
  yield* on(sleep(0));
});

inEachFlavour("who is known to wait is not shown twice if it is told, too", function* ({ on }) {
  const future = getRunningLoop().createFuture<void>();
  const task = createTask(() => future);
  yield* on(sleep(1));
  futureAddToAwaitedBy(future, task);
  assert.deepEqual(awaiters(future), [task]);
  futureDiscardFromAwaitedBy(future, task);
  assert.deepEqual(awaiters(future), [task], "it waits all the same");
  future.setResult();
  yield* on(task);
});

inEachFlavour("what is no future is ignored", function* () {
  const future = getRunningLoop().createFuture();
  futureAddToAwaitedBy(future, "waiter");
  futureAddToAwaitedBy({}, future);
  futureDiscardFromAwaitedBy(future, null);
  assert.deepEqual(awaiters(future), []);
});
