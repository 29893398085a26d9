/**
 * What the compiler must know about the library. Nothing here runs: `npm run typecheck` is the test. A line below
 * `@ts-expect-error` must not compile, and the check fails if it does.
 */

import {
  type AsyncGen,
  asCompleted,
  asyncGenerator,
  Barrier,
  type BaseEventLoop,
  Condition,
  type Context,
  ContextVar,
  type Coroutine,
  coroutine,
  createTask,
  currentTask,
  Event,
  type EventLoop,
  ensureFuture,
  type Future,
  type Guard,
  gather,
  getRunningLoop,
  type Handle,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  Semaphore,
  type Suspension,
  shield,
  sleep,
  type Task,
  TaskGroup,
  type Timeout,
  type TimerHandle,
  type Token,
  timeout,
  timeoutAt,
  wait,
  waitFor,
} from "../../src/index.ts";

/** Only `true` if both are the same type: `any` is the same as nothing but itself. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Fails to compile unless the type argument is the type of `value`, exactly. */
export function is<Expected>() {
  return <Actual>(_value: Actual, ..._same: Same<Actual, Expected> extends true ? [] : [never]): void => {};
}

declare const loop: BaseEventLoop;
declare const context: Context;
declare const flag: boolean;
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

export async function coroutineFunctionsOfMoreKinds(): Promise<void> {
  const optional = coroutine(async (a: number, b: string = "b", ...c: boolean[]) => `${a}${b}${c}`);
  is<(a: number, b?: string, ...c: boolean[]) => Coroutine<string>>()(optional);
  const inferred = coroutine(function* (n: number) {
    yield* sleep(1);
    return n + (yield* numberFuture);
  });
  is<(n: number) => Coroutine<number>>()(inferred);
  const ofFuture = coroutine(() => numberFuture);
  is<() => Coroutine<number>>()(ofFuture);
  const ofCoroutine = coroutine(() => sleep(1, 5 as number));
  is<() => Coroutine<number>>()(ofCoroutine);

  const same = coroutine(async <T>(value: T) => value);
  is<Coroutine<number>>()(same(5 as number));
  const sameLater: <T>(value: T) => Coroutine<T> = coroutine(function* <T>(
    value: T,
  ): Generator<Suspension, T, unknown> {
    yield* sleep(1);
    return value;
  });
  is<Coroutine<string>>()(sameLater("a" as string));

  class Counter {
    count = 0;
    add = coroutine(async function (this: Counter, by: number) {
      return this.count + by;
    });
    next = coroutine(function* (this: Counter) {
      yield* sleep(1);
      return this.count;
    });
  }
  is<Coroutine<number>>()(new Counter().add(1));
  is<Coroutine<number>>()(new Counter().next());
  // @ts-expect-error: not a number
  new Counter().add("1");
}

export async function asyncGenerators(): Promise<void> {
  const lines = asyncGenerator(async function* (n: number) {
    yield String(n);
    return true;
  });
  is<(n: number) => AsyncGen<string, boolean, unknown>>()(lines);
  for await (const line of lines(1)) is<string>()(line);
  is<IteratorResult<string, boolean>>()(await lines(1).next());
  const talking = asyncGenerator(async function* (): AsyncGenerator<number, void, string> {
    is<string>()(yield 1);
  });
  is<() => AsyncGen<number, void, string>>()(talking);
  // @ts-expect-error: it is sent strings
  talking().next(5);
  // @ts-expect-error: no async generator function
  asyncGenerator(async () => 5);
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
  is<[string, number]>()(await gather(textTask, numberFuture, { returnExceptions: false }));
  is<[string | Error, number | Error]>()(await gather(textTask, numberFuture, { returnExceptions: flag }));
  is<Future<[string, number]>>()(gather(textTask, numberFuture));
  const many: Task<string>[] = [textTask];
  is<string[]>()(await gather(...many));
  is<(string | Error)[]>()(await gather(...many, { returnExceptions: true }));
  is<string[]>()(await gather(...many, { returnExceptions: false }));
  is<(string | Error)[]>()(await gather(...many, { returnExceptions: flag }));
  is<[number, ...string[]]>()(await gather(numberFuture, ...many));
  const mixed: (Task<string> | Future<number>)[] = [textTask, numberFuture];
  is<(string | number)[]>()(await gather(...mixed));
  const pair = [textTask, numberFuture] as const;
  is<[string, number]>()(await gather(...pair));
  // @ts-expect-error: nobody can wait for a number
  gather(5);
  // @ts-expect-error: a list must be spread
  gather(many);
  // @ts-expect-error: no such option
  gather(textTask, { returnErrors: true });
}

export async function waiting(): Promise<void> {
  const both = await wait([textTask, numberFuture]);
  is<Set<Task<string> | Future<number>>>()(both.done);
  const tasks = await wait([textTask], { timeout: 1, returnWhen: "FIRST_COMPLETED" });
  is<{ done: Set<Task<string>>; pending: Set<Task<string>> }>()(tasks);
  const promises = await wait([text(1)]);
  is<Set<Future<string>>>()(promises.pending);
  is<Set<Task<string>>>()((await wait(new Set([textTask]))).done);
  is<Set<Task<string> | Future<number>>>()((await wait([textTask, Promise.resolve(5)])).pending);
  // @ts-expect-error: functions must be made into tasks
  wait([() => text(1)]);
  // @ts-expect-error: seconds are a number
  wait([textTask], { timeout: "1" });
  // @ts-expect-error: no such way to wait
  wait([textTask], { returnWhen: "SOMETIMES" });
  // @ts-expect-error: a lone task
  wait(textTask);

  is<string>()(await waitFor(textTask, 1));
  is<number>()(await waitFor(count(1), null));
  is<string>()(await waitFor(() => text(1), 1));
  is<string>()(await waitFor(text(1), 1));
  is<Coroutine<number>>()(waitFor(() => numberFuture, 1));
  is<Coroutine<number>>()(waitFor(() => count(1), 1));
  // @ts-expect-error: the seconds are missing
  waitFor(textTask);
  // @ts-expect-error: seconds are a number
  waitFor(textTask, "1");

  is<Future<string>>()(shield(textTask));
  is<Future<number>>()(shield(() => count(1)));
  // @ts-expect-error: nobody can wait for a number
  shield(5);
  is<Task<string>>()(ensureFuture(textTask));
  is<Future<string>>()(ensureFuture(text(1)));
  is<Future<number>>()(ensureFuture(count(1)));
  is<Future<number>>()(ensureFuture(() => count(1)));
  is<Future<number>>()(ensureFuture(sleep(1, 5 as number)));
  // @ts-expect-error: nobody can wait for a number
  ensureFuture(5);

  for (const next of asCompleted([textTask, textTask])) is<string>()(await next);
  for await (const done of asCompleted([textTask, textTask])) is<Task<string>>()(done);
  for (const next of asCompleted([textTask, numberFuture])) is<string | number>()(await next);
  for (const next of asCompleted([() => text(1), count(1)])) is<Coroutine<string | number>>()(next);
  for await (const done of asCompleted([textTask, count(1)])) is<Task<string> | Future<number>>()(done);
  // @ts-expect-error: a lone task
  asCompleted(textTask);
  // @ts-expect-error: nobody can wait for a number
  asCompleted([5]);
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
  is<Timeout>()(timeout(1));
  is<Coroutine<number>>()(timeout(1, () => numberFuture));
  is<Coroutine<string>>()(timeoutAt(1, () => text(1)));
  is<Coroutine<number>>()(timeout(1).run(() => count(1)));
  // @ts-expect-error: seconds are a number
  timeout("1");
  // @ts-expect-error: the body is a function, uncalled
  timeout(1, text(1));
  class NamedGroup extends TaskGroup {
    readonly name = "named";
  }
  is<number>()(await new NamedGroup().run((group) => count(group.name.length)));
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
    is<Task<void>>()(group.createTask(sleep(1), { name: "a" }));
    // @ts-expect-error: the work of a promise is under way already
    group.createTask(text(1));
  });
  // @ts-expect-error: the body is a function, uncalled
  TaskGroup.run(text(1));
}

export function callbacks(): void {
  const add = (a: number, b?: string) => `${a}${b}`;
  is<Context>()(textTask.getContext());
  is<Handle>()(loop.callSoon(add, 1));
  is<TimerHandle>()(loop.callLater(1, add, 1));
  loop.callSoon(add, 1, "b");
  loop.callSoon(add, 1, "b", { context });
  loop.callSoon(add, 1, undefined, { context });
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
  is<Coroutine<void>>()(queue.put(1));
  // @ts-expect-error: not a number
  queue.putNowait("a");
  // @ts-expect-error: the maximum is a number
  new Queue<number>("5");
  // @ts-expect-error: in Python it can be given by position
  queue.shutdown(true);
  is<unknown>()(await new Queue().get());
  for await (const item of new LifoQueue<string>()) is<string>()(item);
  is<[number, string]>()(await new PriorityQueue<[number, string]>().get());
  is<PriorityQueue<Date>>()(new PriorityQueue(0, { compare: (a: Date, b: Date) => +a - +b }));
  // @ts-expect-error: what is compared are dates
  new PriorityQueue<Date>(0, { compare: (a: string, b: string) => a.length - b.length });
}

export async function locks(): Promise<void> {
  using guard = await new Lock().acquire();
  is<Guard>()(guard);
  is<Coroutine<Guard>>()(new Semaphore().acquire());
  is<number>()(await new Barrier(2).wait());
  is<true>()(await new Event().wait());
  is<true>()(await new Condition().wait());
  is<string | null>()(await new Condition().waitFor(() => "a" as string | null));
  // @ts-expect-error: the predicate is a function
  new Condition().waitFor(true);
  // @ts-expect-error: a semaphore is no lock
  new Condition(new Semaphore());
  // @ts-expect-error: of how many?
  new Barrier();
}

export function contextVariables(): void {
  const variable = new ContextVar<number>("variable");
  is<number>()(variable.get());
  is<number>()(variable.get(5));
  is<number | null>()(variable.get(null));
  is<Token<number>>()(variable.set(5));
  is<{ readonly value: number } | null>()(variable.set(5).oldValue);
  is<number | undefined>()(context.get(variable));
  is<ContextVar<number>>()(new ContextVar("variable", { defaultValue: 5 }));
  is<string>()(context.run((a: number, b?: string) => `${a}${b}`, 5));
  using _token = variable.set(5);
  // @ts-expect-error: not a number
  variable.set("a");
  // @ts-expect-error: of another variable
  variable.reset(new ContextVar<string>("other").set("a"));
  // @ts-expect-error: no variable
  context.get("variable");
  // @ts-expect-error: an argument is missing
  context.run((a: number) => a);
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
