import type { BaseEventLoop } from "../../src/core/base-events.ts";
import {
  type Awaitable,
  asyncGenerator,
  ContextVar,
  type Coroutine,
  currentTask,
  Future,
  RuntimeError,
} from "../../src/index.ts";
import { asyncFlavour, drive, type Flavour, type Steps } from "../flavours.ts";
import { formatError, StopAsyncIteration } from "./errors.ts";
import { Frame } from "./frame.ts";
import { makeObject } from "./objects.ts";
import { stateOf } from "./ops-tasks.ts";
import type { AgenSpec, Body, Json, Scenario } from "./scenario.ts";
import type { Trace } from "./trace.ts";

/** An async generator of the package, as the ops use it. */
export interface Agen {
  next(): Awaitable<IteratorResult<Json, unknown>>;
  aclose(): Awaitable<unknown>;
}

/** A scenario in the course of a run: its functions, and the state that they share. */
export class Program {
  readonly flavour: Flavour;
  readonly variables = new Map<string, unknown>();
  readonly counters = new Map<string, number>();
  readonly #loop: BaseEventLoop;
  readonly #trace: Trace;
  readonly #coros: ReadonlyMap<string, Body>;
  readonly #agens: ReadonlyMap<string, AgenSpec>;
  readonly #callbackBodies: ReadonlyMap<string, Body>;
  readonly #callbacks = new Map<string, (...args: unknown[]) => void>();
  readonly #contextVars = new Map<string, ContextVar<Json>>();
  readonly #instances = new Map<string, number>();

  constructor(scenario: Scenario, flavour: Flavour, loop: BaseEventLoop, trace: Trace) {
    this.flavour = flavour;
    this.#loop = loop;
    this.#trace = trace;
    this.#coros = new Map(Object.entries(scenario.coros));
    this.#agens = new Map(Object.entries(scenario.agens ?? {}));
    this.#callbackBodies = new Map(Object.entries(scenario.callbacks ?? {}));
    for (const [name, spec] of Object.entries(scenario.objects ?? {})) {
      this.variables.set(name, makeObject(spec));
    }
  }

  log(who: string, event: string, ...details: unknown[]): void {
    this.#trace.log(this.#loop.time(), who, event, details);
  }

  /** The variable's value; undefined if it is unset. */
  lookup(name: string): unknown {
    return name === "self" ? (currentTask() ?? undefined) : this.variables.get(name);
  }

  /** Set a variable, if the op names one. */
  store(name: string | undefined, value: unknown): void {
    if (name !== undefined) this.variables.set(name, value);
  }

  counter(name: string): number {
    return this.counters.get(name) ?? 0;
  }

  contextVar(name: string): ContextVar<Json> {
    return getOrMake(this.#contextVars, name, () => new ContextVar<Json>(name, { defaultValue: null }));
  }

  /** The callback of that name: always the same function. */
  callback(name: string): (...args: unknown[]) => void {
    return getOrMake(this.#callbacks, name, () => this.#makeCallback(name));
  }

  main(): Coroutine<unknown> {
    return this.#coroutine(this.#number("main"), this.#coros.get("main")!, () =>
      this.variables.set("main", currentTask()),
    );
  }

  /** Call the coroutine or generator function of that name. What it gives has its number, but has not started. */
  call(name: string): Coroutine<unknown> | Agen {
    const who = this.#number(name);
    const agen = this.#agens.get(name);
    if (agen !== undefined) return this.#agen(who, agen);
    return this.#coroutine(who, this.#coros.get(name)!);
  }

  #number(name: string): string {
    const number = (this.#instances.get(name) ?? 0) + 1;
    this.#instances.set(name, number);
    return `${name}#${number}`;
  }

  #coroutine(who: string, body: Body, onStart?: () => void): Coroutine<unknown> {
    const frame = new Frame(this, who);
    return this.flavour.coroutine(function* (): Steps<unknown> {
      onStart?.();
      frame.log("start");
      try {
        const value = (yield* frame.run(body))?.value ?? null;
        frame.log("return", value);
        return value;
      } catch (error) {
        frame.log("raise", formatError(error));
        throw error;
      }
    })();
  }

  /** Generators are native ones in both flavours, so they wait natively. */
  #agen(who: string, { body, finally: last = [] }: AgenSpec): Agen {
    const frame = new Frame(this, who, asyncFlavour);
    const generate = async function* () {
      frame.log("start");
      try {
        for (const op of body) {
          if (op.op !== "yield") {
            if ((await drive(frame.run([op]))) !== null) return;
            continue;
          }
          frame.log("yield", op.value);
          yield op.value;
        }
      } finally {
        frame.log("finally");
        await drive(frame.run(last));
        frame.log("end");
      }
    };
    return asyncGenerator(async function* () {
      try {
        yield* generate();
      } catch (error) {
        // As Python does: coming out of a generator it would look like the generator's end.
        throw error instanceof StopAsyncIteration ? new RuntimeError(`${who} raised ${error.name}`) : error;
      }
    })();
  }

  #makeCallback(name: string): (...args: unknown[]) => void {
    const body = this.#callbackBodies.get(name) ?? [];
    const frame = new Frame(this, `cb:${name}`);
    return (...args) => {
      frame.log("run", ...(args[0] instanceof Future ? stateOf(args[0]) : []));
      if (!frame.run(body).next().done) throw new Error(`the callback ${name} waits`);
    };
  }
}

function getOrMake<V>(map: Map<string, V>, name: string, make: () => V): V {
  const old = map.get(name);
  if (old !== undefined) return old;
  const made = make();
  map.set(name, made);
  return made;
}
