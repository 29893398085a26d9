import { jobSignals } from "../concurrency/current-task.ts";
import { iscoroutine } from "../core/coroutines.ts";
import { ValueError } from "../core/errors.ts";
import { functionNamedHere, type PortableWork } from "./work.ts";

/** What a job that is a `function` has as its `this`. */
export interface JobContext {
  /** Aborts when somebody wants the job to end. */
  readonly signal: AbortSignal;
}

type Callable = (this: JobContext, ...args: readonly unknown[]) => unknown;

/** Runs a coroutine in a loop of its own, until it is done; the signal cancels it. */
export type RunCoroutine = (coroutine: unknown, signal: AbortSignal) => Promise<unknown>;

/** The functions that work names or holds, as far as they were needed. */
export class Functions {
  readonly #loaded = new Map<string, Callable>();

  /** Undefined if it is to be loaded first. */
  known(work: PortableWork): Callable | undefined {
    return this.#loaded.get(keyOf(work)) ?? (functionNamedHere(work) as Callable | undefined);
  }

  async load(work: PortableWork): Promise<Callable> {
    const fn = await loadWork(work);
    this.#loaded.set(keyOf(work), fn);
    return fn;
  }
}

/** The function that work names or holds. */
export async function loadWork(work: PortableWork): Promise<Callable> {
  return work.kind === "source" ? evaluate(work.source, work.name) : await load(work.module, work.name);
}

/** Loads functions, and calls them: what a worker does. */
export class Performer {
  readonly #runCoroutine: RunCoroutine;
  readonly #functions = new Functions();

  constructor(runCoroutine: RunCoroutine) {
    this.#runCoroutine = runCoroutine;
  }

  /** Call the function, in whatever flavour it is, and give its result; not at all, if the signal has aborted before. */
  async call(work: PortableWork, args: readonly unknown[], signal: AbortSignal): Promise<unknown> {
    // What is known is called at once: an abort that comes right behind must find the job begun.
    const fn = this.#functions.known(work) ?? (await this.#functions.load(work));
    signal.throwIfAborted();
    return jobSignals.run(signal, () => this.#run(fn, args, signal));
  }

  #run(fn: Callable, args: readonly unknown[], signal: AbortSignal): unknown {
    const result = Reflect.apply(fn, { signal }, args);
    return iscoroutine(result) ? this.#runCoroutine(result, signal) : result;
  }
}

function keyOf(work: PortableWork): string {
  return work.kind === "source" ? work.source : `${work.module} ${work.name}`;
}

/** In strict mode, as in a module; `import()` in it works, from here. */
export function evaluate(source: string, name: string): Callable {
  // biome-ignore lint/security/noGlobalEval: to run what it is sent is what a worker is for
  return globalThis.eval(`"use strict";(${source}\n)\n//# sourceURL=work:${encodeURI(name)}`);
}

async function load(module: string, name: string): Promise<Callable> {
  const exported: Record<string, unknown> = await import(module);
  const fn = exported[name];
  if (typeof fn === "function") return fn as Callable;
  if (name in exported) throw new TypeError(`${name} of ${module} is no function`);
  throw new ValueError(`${module} exports no ${name}, but ${Object.keys(exported).join(", ") || "nothing"}`);
}
