/**
 * Random programs for property tests: tasks that do commands, one after the other, and are cancelled now and then. What
 * a command does, and what must hold, is said by a {@link World}.
 *
 * Everything happens at whole seconds of a virtual clock, some turns of the loop after the second has begun. So half a
 * second later nothing is under way: who still waits then must have a reason to.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CancelledError, createTask, sleep, type Task } from "../../src/index.ts";
import { type Flavour, flavours, type Steps } from "../flavours.ts";
import { newLoop } from "../helpers.ts";

/** Some seconds of the clock, then some turns of the loop. */
export interface Delay {
  readonly seconds: number;
  readonly turns: number;
}

/** What a task does: `before` passes, then the verb; `during` and `number` are what the verb makes of them. */
export interface Command<V extends string> {
  readonly before: Delay;
  readonly verb: V;
  readonly during: Delay;
  readonly number: number;
}

interface Cancellation {
  readonly victim: number;
  readonly at: Delay;
}

/** What the commands of a program are done to, and the model that it is compared with. It is made anew for each run. */
export interface World<V extends string> {
  /** Do it. If it is cancelled, the task goes on with its next command. */
  perform(command: Command<V>, worker: Worker): Steps<void>;

  /** Nothing is under way: does everybody who waits have a reason to? */
  atRest(): void;

  /** All tasks have ended: is everything as it was? */
  atEnd(): void;
}

/** How large the thing is that the tasks share, what they do, and who is cancelled when. */
export class Program<V extends string> {
  readonly size: number;
  readonly tasks: readonly (readonly Command<V>[])[];
  readonly cancellations: readonly Cancellation[];

  constructor(size: number, tasks: readonly Command<V>[][], cancellations: readonly Cancellation[]) {
    this.size = size;
    this.tasks = tasks;
    this.cancellations = cancellations.map(({ victim, at }) => ({ victim: victim % tasks.length, at }));
  }

  /** In seconds, even if each waits for all others. */
  get duration(): number {
    const commands = this.tasks.flat();
    const delays = commands.flatMap(({ before, during }) => [before, during]);
    delays.push(...this.cancellations.map(({ at }) => at));
    return delays.reduce((sum, { seconds }) => sum + seconds, 0);
  }

  /** What fast-check prints. */
  toString(): string {
    const tasks = this.tasks.map(
      (commands, index) => `${nameOf(index)}: ${commands.map(describe).join("; ")}`,
    );
    const cancellations = this.cancellations.map(({ victim, at }) => `cancel ${nameOf(victim)}${after(at)}`);
    return [`size ${this.size}`, ...tasks, ...cancellations].map((line) => `\n  ${line}`).join("");
  }
}

/** A task of a program. */
export class Worker {
  readonly name: string;
  task: Task<void> | null = null;
  /** Where it waits at the moment, for the model. */
  line: Line | null = null;

  constructor(index: number) {
    this.name = nameOf(index);
  }

  cancel(): void {
    this.line?.leave(this);
    this.task?.cancel();
  }

  toString(): string {
    return this.name;
  }
}

/** Those who wait, in the order in which they came. Who is cancelled waits no longer. */
export class Line {
  readonly #workers = new Set<Worker>();

  get length(): number {
    return this.#workers.size;
  }

  get first(): Worker | undefined {
    const [first] = this.#workers;
    return first;
  }

  enter(worker: Worker): void {
    this.#workers.add(worker);
    worker.line = this;
  }

  leave(worker: Worker): void {
    this.#workers.delete(worker);
    worker.line = null;
  }

  has(worker: Worker): boolean {
    return this.#workers.has(worker);
  }

  /** Do `steps` while `worker` stands in this line. */
  *during<T>(worker: Worker, steps: Steps<T>): Steps<T> {
    this.enter(worker);
    try {
      return yield* steps;
    } finally {
      this.leave(worker);
    }
  }

  /** As `during`; and it must be the worker's turn when the steps are done. */
  *inOrder<T>(worker: Worker, steps: Steps<T>): Steps<T> {
    this.enter(worker);
    try {
      const value = yield* steps;
      assert.equal(this.first, worker, `${worker} overtook ${this.first}`);
      return value;
    } finally {
      this.leave(worker);
    }
  }

  toString(): string {
    return `[${[...this.#workers].join(" ")}]`;
  }
}

export interface Limits {
  /** How large the shared thing may be. */
  readonly sizes?: { readonly min: number; readonly max: number };
  readonly commandsPerTask?: number;
  readonly cancellations?: number;
}

/** Programs made of these verbs. Naming one several times makes it more frequent. */
export function programs<V extends string>(
  verbs: readonly V[],
  { sizes = { min: 1, max: 3 }, commandsPerTask = 4, cancellations = 8 }: Limits = {},
): fc.Arbitrary<Program<V>> {
  const command = fc.record({
    before: delays(2),
    verb: fc.constantFrom(...verbs),
    during: delays(2),
    number: fc.nat(3),
  });
  const cancellation = fc.record({ victim: fc.nat(5), at: delays(6) });
  return fc
    .tuple(
      fc.integer(sizes),
      fc.array(fc.array(command, { minLength: 1, maxLength: commandsPerTask, size: "max" }), {
        minLength: 1,
        maxLength: 6,
        size: "max",
      }),
      fc.array(cancellation, { maxLength: cancellations, size: "max" }),
    )
    .map((parts) => new Program(...parts));
}

/** A test per flavour: what `makeWorld` makes holds, whatever the program. */
export function holdsInEachFlavour<V extends string>(
  name: string,
  program: fc.Arbitrary<Program<V>>,
  makeWorld: (flavour: Flavour, size: number) => World<V>,
  numRuns = 300,
): void {
  for (const flavour of flavours) {
    test(`${name} (${flavour.name})`, async () => {
      const property = fc.asyncProperty(program, (chosen) =>
        runOnce(flavour, chosen, () => makeWorld(flavour, chosen.size)),
      );
      await fc.assert(property, { numRuns });
    });
  }
}

/** Let it pass, the flavour's way. */
export function* pass({ on }: Flavour, { seconds, turns }: Delay): Steps<void> {
  if (seconds > 0) yield* on(sleep(seconds));
  for (let turn = 0; turn < turns; turn++) yield* on(sleep(0));
}

async function runOnce<V extends string>(
  flavour: Flavour,
  program: Program<V>,
  makeWorld: () => World<V>,
): Promise<void> {
  const loop = newLoop();
  const reports: string[] = [];
  loop.setExceptionHandler((_loop, { message }) => reports.push(message));
  try {
    await loop.runUntilComplete(flavour.coroutine(supervise)(flavour, program, makeWorld()));
    assert.deepEqual(reports, []);
  } finally {
    loop.close();
  }
}

function* supervise<V extends string>(flavour: Flavour, program: Program<V>, world: World<V>): Steps<void> {
  const { on, coroutine } = flavour;
  const workers = program.tasks.map((_, index) => new Worker(index));
  const work = coroutine(perform);
  for (const [index, worker] of workers.entries()) {
    worker.task = createTask(work(flavour, program.tasks[index]!, world, worker));
  }
  const cancel = coroutine(function* ({ victim, at }: Cancellation) {
    yield* pass(flavour, at);
    workers[victim]!.cancel();
  });
  for (const cancellation of program.cancellations) createTask(cancel(cancellation));
  yield* on(sleep(0.5));
  for (let second = 0; second <= program.duration; second++) {
    rethrowFailures(workers);
    world.atRest();
    yield* on(sleep(1));
  }
  yield* endAll(flavour, workers);
  world.atEnd();
}

function* perform<V extends string>(
  flavour: Flavour,
  commands: readonly Command<V>[],
  world: World<V>,
  worker: Worker,
): Steps<void> {
  for (const command of commands) {
    try {
      yield* pass(flavour, command.before);
      yield* world.perform(command, worker);
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
  }
}

function rethrowFailures(workers: readonly Worker[]): void {
  for (const { task } of workers) {
    if (task?.done() && task.exception()) throw task.exception();
  }
}

/** Nobody cancelled them, and they wait for what does not come. */
function* endAll({ on }: Flavour, workers: readonly Worker[]): Steps<void> {
  for (const worker of workers) {
    for (let attempt = 0; !worker.task!.done(); attempt++) {
      assert.ok(attempt < 20, `${worker} cannot be cancelled`);
      worker.cancel();
      yield* on(sleep(10));
    }
  }
  rethrowFailures(workers);
}

function delays(seconds: number): fc.Arbitrary<Delay> {
  return fc.record({ seconds: fc.nat(seconds), turns: fc.nat(6) });
}

function describe({ before, verb, during, number }: Command<string>): string {
  const which = number === 0 ? "" : ` #${number}`;
  const duration = isNothing(during) ? "" : ` for ${inWords(during)}`;
  return `${verb}${which}${duration}${after(before)}`;
}

function after(delay: Delay): string {
  return isNothing(delay) ? "" : ` after ${inWords(delay)}`;
}

function isNothing({ seconds, turns }: Delay): boolean {
  return seconds === 0 && turns === 0;
}

function inWords({ seconds, turns }: Delay): string {
  return [seconds > 0 ? `${seconds} s` : "", turns > 0 ? `${turns} turns` : ""].filter(Boolean).join(" ");
}

function nameOf(index: number): string {
  return String.fromCharCode("a".charCodeAt(0) + index);
}
