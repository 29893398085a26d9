import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import type { Suspension } from "../core/awaitables.ts";
import { ValueError } from "../core/errors.ts";
import { Inspectable } from "../core/inspectable.ts";
import { freeVariables, freeVariablesOfMethod } from "./free-variables.ts";
import type { JobContext } from "./perform.ts";

/**
 * What an executor carries out, in another thread, process or machine: a function that is exported by a module, named by
 * {@link work}; or any function that needs nothing of its surroundings, which is sent as its source.
 *
 * It may be a plain function, an async function, or a coroutine function of this library, which gets a loop of its own. To
 * learn that its result is not wanted any more, a job has `currentSignal()`, and as a `function` also `this.signal`.
 */
export type Work<A extends unknown[] = never, R = unknown> =
  | ((this: JobContext, ...args: A) => R)
  | NamedWork<A, R>;

/** What comes back of work that returns `R`. */
export type WorkResult<R> = R extends Generator<Suspension, infer T, unknown> ? T : Awaited<R>;

/** A function by its module and the name of its export. Make one with {@link work}. */
export class NamedWork<A extends unknown[] = never, R = unknown> extends Inspectable {
  /** The module, as `import()` takes it anywhere: a URL, or the name of a package or of a module of Node's. */
  readonly module: string;
  /** The name of the export. */
  readonly name: string;
  /** Only for the types: nothing is there. */
  declare readonly signature: (...args: A) => R;

  /** @internal */
  constructor(module: string, name: string) {
    super();
    this.module = module;
    this.name = name;
  }

  override toString(): string {
    return `<NamedWork ${this.name} of ${this.module}>`;
  }
}

type Callable = (this: never, ...args: never) => unknown;

/**
 * Name a function, so that it can be carried out elsewhere: `work(import.meta, resize)` for one that this module exports
 * by that name, or `work<typeof resize>(new URL("./images.ts", import.meta.url), "resize")` for another module's. The
 * other side imports the module.
 *
 * `module` is `import.meta`, a URL, an absolute path, or the name of a package or of a module of Node's. Throws TypeError or
 * ValueError if one of the two is none: a relative path above all, which means something else elsewhere.
 */
export function work<F extends Callable>(
  module: string | URL | { readonly url: string },
  name: string | F = "default",
): NamedWork<Parameters<F>, ReturnType<F>> {
  const named = new NamedWork<Parameters<F>, ReturnType<F>>(moduleSpecifier(module), exportName(name));
  if (typeof name === "function") namedHere.set(`${named.module} ${named.name}`, name);
  return named;
}

/**
 * What was named by itself in this thread need not be imported; nor could it be, while its module waits at its top level for
 * a loop that is to call it.
 */
const namedHere = new Map<string, Callable>();

/** The function that `work` names, if this thread has named it itself. */
export function functionNamedHere(work: PortableWork): Callable | undefined {
  return work.kind === "export" ? namedHere.get(`${work.module} ${work.name}`) : undefined;
}

function moduleSpecifier(module: unknown): string {
  const text = module instanceof URL ? module.href : typeof module === "string" ? module : urlOf(module);
  if (/^\.\.?(\/|\\|$)/.test(text)) {
    throw new ValueError(
      `the relative path ${inspect(text)} means something else elsewhere: use new URL(${inspect(text)}, import.meta.url)`,
    );
  }
  return isAbsolute(text) ? pathToFileURL(text).href : text;
}

function urlOf(meta: unknown): string {
  if (typeof meta === "object" && meta !== null && "url" in meta && typeof meta.url === "string")
    return meta.url;
  throw new TypeError(`a module is named by import.meta, a URL or a string, not by ${inspect(meta)}`);
}

function exportName(name: unknown): string {
  const text = typeof name === "function" ? name.name : name;
  if (typeof text !== "string") {
    throw new TypeError(
      `an export is named by a string, or by a function that has its name, not by ${inspect(name)}`,
    );
  }
  if (text === "") throw new ValueError("the function has no name: pass that of its export");
  return text;
}

/** Work in a form that can be sent anywhere. */
export type PortableWork =
  | { readonly kind: "export"; readonly module: string; readonly name: string }
  | { readonly kind: "source"; readonly source: string; readonly name: string };

/**
 * Throws TypeError for what is no work; ValueError for a function that cannot be sent as its source: one of Node's, a bound
 * one, or one that needs something of its surroundings, which the message names.
 */
export function portable(work: Work): PortableWork {
  if (work instanceof NamedWork) return { kind: "export", module: work.module, name: work.name };
  if (typeof work !== "function") {
    throw new TypeError(`a function, or work() that names one, was expected, not ${inspect(work)}`);
  }
  const known = sources.get(work);
  if (known !== undefined) return known;
  const made = { kind: "source", source: sourceOf(work), name: work.name || "anonymous" } as const;
  sources.set(work, made);
  return made;
}

/** Parsing takes a while, and the same function is often sent many times. */
const sources = new WeakMap<object, PortableWork>();

function sourceOf(fn: Callable): string {
  const text = Function.prototype.toString.call(fn);
  if (text.startsWith("class")) throw new TypeError(`a class cannot be called: ${fn.name}`);
  if (text.endsWith("{ [native code] }")) {
    throw new ValueError(
      `${label(fn)} has no source that could be sent: it is bound, or Node's own; ${NAME_IT}`,
    );
  }
  const free = freeVariables(text);
  if (free !== null) return selfContained(fn, text, free);
  return selfContained(fn, `${ONLY_FUNCTION}({ ${text} })`, freeVariablesOfMethod(text));
}

/** The method of an object that has but one, which may be a getter or a setter. */
const ONLY_FUNCTION =
  "((object) => Object.values(Object.getOwnPropertyDescriptors(object)).map(({ value, get, set }) => value ?? get ?? set)[0])";

const NAME_IT =
  "export it from a module and name it, work(import.meta, fn), or pass what it needs as arguments";

/** `free` is what `source` uses of its surroundings; null if it is no source that could stand elsewhere. */
function selfContained(fn: Callable, source: string, free: string[] | null): string {
  if (free === null) throw new ValueError(`${label(fn)} cannot be sent as its source; ${NAME_IT}`);
  if (free.length === 0) return source;
  throw new ValueError(
    `${label(fn)} uses ${free.join(", ")} of its surroundings, which is not there where it is to run; ${NAME_IT}`,
  );
}

function label(fn: Callable): string {
  return fn.name === "" ? "this function" : `the function ${fn.name}()`;
}
