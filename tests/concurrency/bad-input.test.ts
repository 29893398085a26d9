/**
 * What is wrong is said at the call, by the error that Python would raise, and harms nobody else: each of these happens
 * beside a task that must come to its end all the same.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  allTasks,
  asCompleted,
  asyncGenerator,
  Barrier,
  BaseEventLoop,
  BoundedSemaphore,
  CancelledError,
  Condition,
  Context,
  ContextVar,
  createEagerTaskFactory,
  createTask,
  currentTask,
  coroutine as decorate,
  ExceptionGroup,
  ensureFuture,
  Future,
  gather,
  getRunningLoop,
  InvalidStateError,
  Lock,
  PriorityQueue,
  Queue,
  RuntimeError,
  run,
  Semaphore,
  shield,
  sleep,
  Task,
  TaskGroup,
  Timeout,
  timeout,
  timeoutAt,
  ValueError,
  wait,
  waitFor,
} from "../../src/index.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { type Flavour, flavours, inEachFlavour, type Steps } from "../flavours.ts";
import { collectReports, newLoop, rejects } from "../helpers.ts";

type ErrorClass = abstract new (...args: never[]) => Error;

/** Do `wrong` beside a task that has something to do. */
function* besideATask({ on, coroutine }: Flavour, wrong: () => Steps<unknown>): Steps<void> {
  const reports = collectReports();
  const work = coroutine(function* () {
    yield* on(sleep(1));
    return "done";
  });
  const other = createTask(work());
  yield* wrong();
  assert.equal(yield* on(other), "done");
  assert.deepEqual(reports, []);
}

/** Each of these calls throws, before anything is awaited. `loop` is the one that runs, `future` is pending. */
type Call = (loop: BaseEventLoop, future: Future<number>) => unknown;
type Refusals = Record<string, [call: Call, Class: ErrorClass, message: RegExp]>;

const NO_SECONDS = /seconds.* is required, not '1'|must be a number of seconds, not '1'/;
const NOT_A_NUMBER = /NaN \(not a number\)/;
const aPromise = Promise.resolve();

const secondsToEach: Record<string, (seconds: never, loop: BaseEventLoop) => unknown> = {
  sleep: (seconds) => sleep(seconds),
  timeout: (seconds) => timeout(seconds),
  timeoutAt: (seconds) => timeoutAt(seconds),
  "new Timeout": (seconds) => new Timeout(seconds),
  waitFor: (seconds) => waitFor(new Future(), seconds),
  wait: (seconds) => wait([new Future()], { timeout: seconds }),
  asCompleted: (seconds) => asCompleted([new Future()], { timeout: seconds }),
  callLater: (seconds, loop) => loop.callLater(seconds, () => {}),
  callAt: (seconds, loop) => loop.callAt(seconds, () => {}),
};

const seconds: Refusals = {};
for (const [name, call] of Object.entries(secondsToEach)) {
  seconds[`${name} with a string as seconds`] = [(loop) => call("1" as never, loop), TypeError, NO_SECONDS];
  seconds[`${name} with NaN as seconds`] = [(loop) => call(NaN as never, loop), ValueError, NOT_A_NUMBER];
}

const functions: Refusals = {
  "callSoon of no function": [(loop) => loop.callSoon(5 as never), TypeError, /callSoon\(\), got 5/],
  "callSoon of a promise": [
    (loop) => loop.callSoon(aPromise as never),
    TypeError,
    /cannot be used as a callb/,
  ],
  "callLater of no function": [(loop) => loop.callLater(1, 5 as never), TypeError, /got 5/],
  "addDoneCallback of no function": [(_, f) => f.addDoneCallback(5 as never), TypeError, /function, not 5/],
  "setTaskFactory of no function": [(loop) => loop.setTaskFactory(5 as never), TypeError, /got 5/],
  "setExceptionHandler of no function": [(loop) => loop.setExceptionHandler(5 as never), TypeError, /got 5/],
  "createEagerTaskFactory of no class": [
    () => createEagerTaskFactory(5 as never),
    TypeError,
    /tasks was .* 5/,
  ],
  "asyncGenerator of no function": [() => asyncGenerator(5 as never), TypeError, /function, not 5/],
  "coroutine of no function": [() => decorate(5 as never), TypeError, /function, not 5/],
  "Condition.waitFor of no function": [
    () => new Condition().waitFor(5 as never),
    TypeError,
    /function, not 5/,
  ],
  "Context.run of no function": [() => new Context().run(5 as never), TypeError, /function was .* number 5/],
  "PriorityQueue with a compare that is no function": [
    () => new PriorityQueue(0, { compare: 5 as never }),
    TypeError,
    /compare must be a function, not 5/,
  ],
};

const wholes: Refusals = {
  "TaskGroup.run of no function": [
    () => TaskGroup.run(5 as never),
    TypeError,
    /a function was expected, not 5/,
  ],
  "Timeout.run of no function": [
    () => timeout(1).run(5 as never),
    TypeError,
    /a function was expected, not 5/,
  ],
  "new Task of no coroutine": [() => new Task("x" as never), TypeError, /a coroutine .* the string "x"/],
  "new Future of no loop": [() => new Future({ loop: 5 as never }), TypeError, /an event loop .* number 5/],
  "currentTask of no loop": [() => currentTask(5 as never), TypeError, /an event loop .* number 5/],
  "allTasks of no loop": [() => allTasks({} as never), TypeError, /an event loop .* an Object/],
  "createTask in no context": [
    () => createTask(() => {}, { context: 5 as never }),
    TypeError,
    /context must be a Context, not the number 5/,
  ],
  "addDoneCallback in no context": [
    (_, future) => future.addDoneCallback(() => {}, { context: new Map() as never }),
    TypeError,
    /context must be a Context, not a Map/,
  ],
  "createTask with no AbortSignal": [
    () => createTask(() => {}, { signal: new AbortController() as never }),
    TypeError,
    /signal must be an AbortSignal, not an AbortController/,
  ],
};

const locksAndQueues: Refusals = {
  "a negative semaphore": [() => new Semaphore(-1), ValueError, /must be >= 0, not -1/],
  "a semaphore of a half": [() => new Semaphore(0.5), TypeError, /an integer, not 0.5/],
  "a negative bounded semaphore": [() => new BoundedSemaphore(-1), ValueError, /must be >= 0, not -1/],
  "releasing a bounded semaphore too often": [
    () => new BoundedSemaphore(1).release(),
    ValueError,
    /released too many times/,
  ],
  "a barrier of nobody": [() => new Barrier(0), ValueError, /must be >= 1, not 0/],
  "a barrier of a text": [() => new Barrier("3" as never), TypeError, /an integer, not '3'/],
  "releasing a lock that nobody holds": [() => new Lock().release(), RuntimeError, /Lock is not acquired/],
  "a condition with something else as its lock": [
    () => new Condition(new Semaphore() as never),
    TypeError,
    /a Lock was expected, not <Semaphore/,
  ],
  "notifying without the lock": [() => new Condition().notify(), RuntimeError, /un-acquired lock/],
  "notifying NaN of those who wait": [() => new Condition().notify(NaN), TypeError, /an integer, not NaN/],
  "taskDone too often": [() => new Queue().taskDone(), ValueError, /called too many times/],
  "shutdown(true), as in Python": [
    () => new Queue().shutdown(true as never),
    TypeError,
    /{immediate}, not true/,
  ],
};
for (const [maxsize, shown] of [
  [NaN, "NaN"],
  ["3", "'3'"],
  [1.5, "1.5"],
  [null, "null"],
]) {
  const message = new RegExp(`maxsize must be an integer, not ${shown}`);
  locksAndQueues[`a queue of ${shown} items`] = [() => new Queue(maxsize as never), TypeError, message];
}

const awaitables: Refusals = {
  "createTask of a promise": [() => createTask(aPromise as never), TypeError, /got a promise.* under way/s],
  "createTask of a future": [
    (_, future) => createTask(future as never),
    TypeError,
    /a coroutine was expected/,
  ],
  "createTask of a number": [() => createTask(5 as never), TypeError, /a coroutine was expected, got 5/],
  "createTask with something else as its signal": [
    () => createTask(async () => {}, { signal: 5 as never }),
    TypeError,
    /must be an AbortSignal, not the number 5/,
  ],
  "gather of a number": [() => gather(1 as never), TypeError, /required, not 1/],
  "gather of futures of two loops": [
    (_, future) => gather(future, newLoop().createFuture()),
    ValueError,
    /a different loop/,
  ],
  "wait for nothing": [() => wait([]), ValueError, /is empty/],
  "wait for a lone future": [
    (_, future) => wait(future as never),
    TypeError,
    /a list of futures was expected/,
  ],
  "wait for what is no list": [() => wait(1 as never), TypeError, /a list of futures was expected, not 1/],
  "wait for a list of numbers": [() => wait([1 as never]), TypeError, /futures were expected, not 1/],
  "wait until sometime": [
    (_, future) => wait([future], { returnWhen: "SOMETIME" as never }),
    ValueError,
    /Invalid returnWhen value: 'SOMETIME'/,
  ],
  "asCompleted of a lone future": [
    (_, future) => asCompleted(future as never),
    TypeError,
    /a list of awaitables was expected, not <Future/,
  ],
  "asCompleted of null": [() => asCompleted(null as never), TypeError, /expected, not null/],
  "asCompleted of a list of numbers": [() => asCompleted([1 as never]), TypeError, /required, not 1/],
  "shield of a number": [() => shield(1 as never), TypeError, /required, not 1/],
  "waitFor of a number": [() => waitFor(1 as never, 1), TypeError, /expected, got 1/],
  "ensureFuture of a number": [() => ensureFuture(1 as never), TypeError, /required, not 1/],
  "ensureFuture of a future of another loop": [
    (loop) => ensureFuture(newLoop().createFuture(), { loop }),
    ValueError,
    /a different loop/,
  ],
};

const variable = new ContextVar<number>("variable");
const variables: Refusals = {
  "a variable without a name": [() => new ContextVar(5 as never), TypeError, /a string, not the number 5/],
  "reset by the token of another variable": [
    () => variable.reset(new ContextVar<number>("other").set(1)),
    ValueError,
    /by a different ContextVar/,
  ],
  "reset by a token of another context": [
    () => variable.reset(new Context().run(() => variable.set(1))),
    ValueError,
    /in a different Context/,
  ],
  "reset by the same token again": [
    () => {
      const token = variable.set(1);
      variable.reset(token);
      variable.reset(token);
    },
    RuntimeError,
    /already been used once/,
  ],
  "reset by what is no token": [() => variable.reset(5 as never), TypeError, /a Token was expected, not the/],
  "the value of what is no variable": [
    () => new Context().get("variable" as never),
    TypeError,
    /a ContextVar was expected, not the string "variable"/,
  ],
  "whether there is what is no variable": [
    () => new Context().has("variable" as never),
    TypeError,
    /a ContextVar was expected, not the string "variable"/,
  ],
};

const states: Refusals = {
  "a result where there is one": [
    (_, future) => {
      future.setResult(1);
      future.setResult(2);
    },
    InvalidStateError,
    /<Future finished result=1> is finished/,
  ],
  "an error where there is a result": [
    (_, future) => {
      future.setResult(1);
      future.setException(new Error("too late"));
    },
    InvalidStateError,
    /is finished/,
  ],
  "a result for a future that was cancelled": [
    (_, future) => {
      future.cancel();
      future.setResult(1);
    },
    InvalidStateError,
    /is cancelled/,
  ],
  "the result of a future that is pending": [(_, future) => future.result(), InvalidStateError, /not set/],
  "the error of a future that is pending": [(_, future) => future.exception(), InvalidStateError, /not set/],
  "a result for a task": [() => createTask(() => {}).setResult(), RuntimeError, /not support set_result/],
  "an error for a task": [
    () => createTask(() => {}).setException(),
    RuntimeError,
    /not support set_exception/,
  ],
  "two tasks of one coroutine": [
    () => {
      const once = sleep(0);
      createTask(once);
      createTask(once);
    },
    RuntimeError,
    /cannot reuse/,
  ],
  "moving a deadline before its time begins": [
    () => timeout(1).reschedule(2),
    RuntimeError,
    /not been entered/,
  ],
  "a task for a group that is not entered": [
    () => new TaskGroup().createTask(sleep(0)),
    RuntimeError,
    /has not been entered/,
  ],
  "closing a loop that runs": [(loop) => loop.close(), RuntimeError, /Cannot close a running/],
  "a group of no errors": [() => new ExceptionGroup("none", []), ValueError, /at least one/],
  "an ordinary group of a cancellation": [
    () => new ExceptionGroup("group", [new CancelledError()]),
    TypeError,
    /Cannot nest CancelledError/,
  ],
  "splitting a group by a number": [
    () => new ExceptionGroup("group", [new Error("member")]).split(5 as never),
    TypeError,
    /an error class, .* was expected, not the number 5/,
  ],
};

const refusals = {
  ...seconds,
  ...functions,
  ...wholes,
  ...locksAndQueues,
  ...awaitables,
  ...variables,
  ...states,
};

for (const [name, [call, Class, message]] of Object.entries(refusals)) {
  inEachFlavour(`refused at the call: ${name}`, function* (flavour) {
    yield* besideATask(flavour, function* () {
      const loop = getRunningLoop();
      const future = loop.createFuture<number>();
      assert.throws(
        () => call(loop, future),
        (error) => error instanceof Class && message.test(error.message),
      );
    });
  });
}

/** Each of these is noticed where it is awaited: only there it is wrong, or only there it is known. */
const misuses: Record<string, [steps: (flavour: Flavour) => Steps<unknown>, Class: ErrorClass, RegExp]> = {
  "a future of another loop": [({ on }) => on(newLoop().createFuture()), RuntimeError, /a different loop/],
  "wait for a future of another loop": [
    ({ on }) => on(wait([newLoop().createFuture()])),
    ValueError,
    /a different loop/,
  ],
  "waitFor of a future of another loop": [
    ({ on }) => on(waitFor(newLoop().createFuture(), 1)),
    RuntimeError,
    /a different loop/,
  ],
  "waitFor of a future of another loop, without patience": [
    ({ on }) => on(waitFor(newLoop().createFuture(), 0)),
    RuntimeError,
    /a different loop/,
  ],
  "shield of a future of another loop": [
    ({ on }) => on(shield(newLoop().createFuture())),
    RuntimeError,
    /a different loop/,
  ],
  "a task that awaits itself": [
    function* ({ on, body }) {
      const task: Task<unknown> = createTask(body(() => on(task)));
      return yield* on(task);
    },
    RuntimeError,
    /cannot await on itself/,
  ],
  "a coroutine that was awaited before": [
    function* ({ on }) {
      const once = sleep(0);
      yield* on(once);
      yield* on(once);
    },
    RuntimeError,
    /cannot reuse/,
  ],
  "a Timeout that was used before": [
    function* ({ on, body }) {
      const used = timeout(1);
      yield* on(used.run(body(function* () {})));
      yield* on(used.run(body(function* () {})));
    },
    RuntimeError,
    /already been entered/,
  ],
  "a TaskGroup that was used before": [
    function* ({ on, body }) {
      const used = new TaskGroup();
      yield* on(used.run(body(function* () {})));
      yield* on(used.run(body(function* () {})));
    },
    RuntimeError,
    /already been entered/,
  ],
  "a condition without its lock": [({ on }) => on(new Condition().wait()), RuntimeError, /un-acquired lock/],
  "a run in a run": [({ on }) => on(ensureFuture(run(async () => {}))), RuntimeError, /running event loop/],
  "a loop that runs already": [
    ({ on }) => on(ensureFuture(getRunningLoop().runForever())),
    RuntimeError,
    /already/,
  ],
};

for (const [name, [steps, Class, message]] of Object.entries(misuses)) {
  inEachFlavour(`refused where it is awaited: ${name}`, function* (flavour) {
    yield* besideATask(flavour, () => rejects(steps(flavour), Class, message));
  });
}

for (const flavour of flavours) {
  test(`a coroutine that is refused becomes no task, and can still be awaited (${flavour.name})`, async () => {
    using loop = newLoop();
    const { on } = flavour;
    const main = flavour.coroutine(function* () {
      const patient = sleep(0, "awaited");
      assert.throws(() => wait(patient as never), /a list of futures was expected/);
      assert.throws(() => wait([patient]), /coroutines is forbidden/);
      assert.throws(() => asCompleted([patient], { timeout: NaN }), ValueError);
      assert.equal(allTasks().size, 1);
      return yield* on(patient);
    });
    assert.equal(await loop.runUntilComplete(main()), "awaited");
  });
}

class LoopWithoutLog extends BaseEventLoop {
  override defaultExceptionHandler(): void {
    throw new Error("the log is full");
  }
}

test("neither a handler that throws nor a default handler that throws stops the loop", async (t) => {
  const log = t.mock.method(console, "error", () => {});
  using loop = new LoopWithoutLog(new VirtualClock());
  const failing = () => {
    throw new Error("in a callback");
  };
  const main = async () => {
    loop.callSoon(failing);
    await sleep(1);
    loop.setExceptionHandler(failing);
    loop.callSoon(failing);
    await sleep(1);
    return "done";
  };
  assert.equal(await loop.runUntilComplete(main), "done");
  assert.equal(log.mock.callCount(), 2);
});
