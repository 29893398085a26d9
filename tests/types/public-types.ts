/**
 * What the compiler must know about the library. Nothing here runs: `npm run typecheck` is the test. A line below
 * `@ts-expect-error` must not compile, and the check fails if it does.
 */

import {
  asCompleted,
  type BaseEventLoop,
  type Coroutine,
  coroutine,
  createTask,
  currentTask,
  type EventLoop,
  ensureFuture,
  type Future,
  type Guard,
  gather,
  getRunningLoop,
  Lock,
  Queue,
  type Suspension,
  shield,
  sleep,
  type Task,
  TaskGroup,
  type TimerHandle,
  timeout,
  wait,
  waitFor,
} from "../../src/index.ts";

/** Only `true` if both are the same type: `any` is the same as nothing but itself. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Fails to compile unless the type argument is the type of `value`, exactly. */
function is<Expected>() {
  return <Actual>(_value: Actual, ..._same: Same<Actual, Expected> extends true ? [] : [never]): void => {};
}

declare const loop: BaseEventLoop;
declare const numberFuture: Future<number>;
declare const textTask: Task<string>;
const text = async (n: number): Promise<string> => String(n);
const count = function* (n: number): Generator<Suspension, number, unknown> {
  yield* sleep(n);
  return n;
};

export async function promisesAndCoroutines(): Promise<void> {
  is<Coroutine<void>>()(sleep(1));
  is<Coroutine<string>>()(sleep<string>(1, "a"));
  is<number>()(await numberFuture);
  is<string>()(await textTask);
  is<number>()(numberFuture.result());
  is<unknown>()(numberFuture.exception());
  is<string | number>()(await numberFuture.then(String, () => 5));
  is<number | undefined>()(await numberFuture.catch(() => undefined));
  // @ts-expect-error: not a number
  numberFuture.setResult("a");
}

export function* generators(): Generator<Suspension, void, unknown> {
  is<number>()(yield* numberFuture);
  is<string>()(yield* textTask);
  is<void>()(yield* sleep(1));
  is<[number, string]>()(yield* gather(numberFuture, textTask));
  is<Guard>()(yield* new Lock().acquire());
}

export async function coroutineFunctions(): Promise<void> {
  const wrappedText = coroutine(text);
  const wrappedCount = coroutine(count);
  const plain = coroutine((a: string, b?: boolean) => (b ? a : "b"));
  is<(n: number) => Coroutine<string>>()(wrappedText);
  is<Coroutine<number>>()(wrappedCount(1));
  is<number>()(await wrappedCount(1));
  is<Coroutine<string>>()(plain("a", true));
  // @ts-expect-error: an argument is missing
  wrappedText();
  // @ts-expect-error: not a number
  wrappedCount("a");
  // @ts-expect-error: one argument too many
  wrappedCount(1, 2);
  // @ts-expect-error: not a function
  coroutine(5);
}

export function tasks(): void {
  is<Task<string>>()(createTask(() => text(1)));
  is<Task<number>>()(createTask(() => count(1)));
  is<Task<number>>()(createTask(count(1)));
  is<Task<string>>()(createTask(coroutine(text)(1)));
  is<Task<number>>()(createTask(() => 5 as number));
  is<Task<void>>()(createTask(() => sleep(1)));
  is<Task<string>>()(loop.createTask(() => text(1), { name: "a" }));
  is<Task<unknown> | null>()(currentTask());
  is<EventLoop>()(getRunningLoop());
  // @ts-expect-error: the work of a promise is under way already
  createTask(text(1));
  // @ts-expect-error: a future is no coroutine
  createTask(numberFuture);
  // @ts-expect-error: nothing to run
  createTask(5);
  // @ts-expect-error: the function needs an argument, and nobody gives it one
  createTask(text);
  // @ts-expect-error: no such option
  createTask(() => text(1), { nam: "a" });
  // @ts-expect-error: the outcome of a task is that of its coroutine
  textTask.setResult("a");
}

export async function gathering(): Promise<void> {
  is<[string, number]>()(await gather(textTask, numberFuture));
  is<[string, number, "a", boolean, string]>()(
    await gather(
      () => text(1),
      count(1),
      sleep<"a">(1, "a"),
      Promise.resolve(true as boolean),
      coroutine(text)(1),
    ),
  );
  is<[]>()(await gather());
  is<[string | Error, number | Error]>()(await gather(textTask, numberFuture, { returnExceptions: true }));
  const many: Task<string>[] = [textTask];
  is<string[]>()(await gather(...many));
  // @ts-expect-error: nobody can wait for a number
  gather(5);
}

export async function waiting(): Promise<void> {
  const both = await wait([textTask, numberFuture]);
  is<Set<Task<string> | Future<number>>>()(both.done);
  const tasks = await wait([textTask], { timeout: 1, returnWhen: "FIRST_COMPLETED" });
  is<{ done: Set<Task<string>>; pending: Set<Task<string>> }>()(tasks);
  const promises = await wait([text(1)]);
  is<Set<Future<string>>>()(promises.pending);
  // @ts-expect-error: no such way to wait
  wait([textTask], { returnWhen: "SOMETIMES" });
  // @ts-expect-error: a lone task
  wait(textTask);

  is<string>()(await waitFor(textTask, 1));
  is<number>()(await waitFor(count(1), null));
  is<string>()(await waitFor(() => text(1), 1));
  is<string>()(await waitFor(text(1), 1));
  // @ts-expect-error: the seconds are missing
  waitFor(textTask);

  is<Future<string>>()(shield(textTask));
  is<Future<number>>()(shield(() => count(1)));
  is<Task<string>>()(ensureFuture(textTask));
  is<Future<string>>()(ensureFuture(text(1)));

  for (const next of asCompleted([textTask, textTask])) is<string>()(await next);
  for await (const done of asCompleted([textTask, textTask])) is<Task<string>>()(done);
  for (const next of asCompleted([textTask, numberFuture])) is<string | number>()(await next);
}

export async function blocks(): Promise<void> {
  is<string>()(await timeout(1, () => text(1)));
  is<number>()(
    await timeout(null, function* (deadline) {
      is<number | null>()(deadline.when());
      return yield* count(1);
    }),
  );
  is<void>()(await timeout(1, async () => {}));
  is<[Task<string>, Task<number>]>()(
    await TaskGroup.run(async (group) => {
      const result: [Task<string>, Task<number>] = [
        group.createTask(() => text(1)),
        group.createTask(count(1)),
      ];
      return result;
    }),
  );
  await TaskGroup.run(async (group) => {
    // @ts-expect-error: the work of a promise is under way already
    group.createTask(text(1));
  });
}

export function callbacks(): void {
  const add = (a: number, b?: string) => `${a}${b}`;
  const { context } = { context: textTask.getContext() };
  is<TimerHandle>()(loop.callLater(1, add, 1));
  loop.callSoon(add, 1, "b");
  loop.callSoon(add, 1, "b", { context });
  loop.callSoon(add, 1, undefined, { context });
  // @ts-expect-error: the context comes behind all arguments, those that may be left out included
  loop.callSoon(add, 1, { context });
  loop.callSoon(console.log, 1, "any number", { of: "arguments" });
  loop.callAt(1, () => {});
  // @ts-expect-error: not a number
  loop.callSoon(add, "a");
  // @ts-expect-error: an argument is missing
  loop.callSoon(add);
  // @ts-expect-error: one argument too many
  loop.callSoon(add, 1, "b", "c");
  // @ts-expect-error: not a function
  loop.callSoon(5);
  numberFuture.addDoneCallback((done) => is<Future<number>>()(done));
  textTask.addDoneCallback((done) => is<Task<string>>()(done));
}

export async function queues(): Promise<void> {
  const queue = new Queue<number>(5);
  is<number>()(await queue.get());
  is<number>()(queue.getNowait());
  for await (const item of queue) is<number>()(item);
  // @ts-expect-error: not a number
  queue.putNowait("a");
  using guard = await new Lock().acquire();
  is<Guard>()(guard);
}

/** The check itself must be able to fail. */
// biome-ignore lint/suspicious/noExplicitAny: that is what must be noticed
export function canFail(anything: any): void {
  // @ts-expect-error: any is not a number
  is<number>()(anything);
  // @ts-expect-error: unknown is not any
  is<unknown>()(anything);
  // @ts-expect-error: a union is not one of its members
  is<number>()(5 as number | string);
}
