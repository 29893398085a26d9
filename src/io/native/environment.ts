import { types } from "node:util";
import { isMainThread } from "node:worker_threads";
import type { ChildProgram } from "../child-program.ts";
import type { SpawnCalls, Strings } from "./spawn-calls.ts";

type Environment = ChildProgram["env"];

/** What Node throws for a property that an environment cannot have. */
const REFUSED = "ERR_INVALID_OBJECT_DEFINE_PROPERTY";

/** The last `process.env` that was found to be the system's. */
let known: object | null = null;

/** The environment of a process, for C. To read all of ours takes longer than the rest of a start: C has it already. */
export function environment(calls: SpawnCalls, env: Environment): Strings {
  if (isSystems(env)) return calls.environ();
  const { NODE_V8_COVERAGE } = process.env;
  const all = { ...(NODE_V8_COVERAGE !== undefined && { NODE_V8_COVERAGE }), ...(env ?? process.env) };
  const strings = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${value}`,
  );
  return [...strings, null];
}

/** Whether the PATH in it is that of this process, where libc looks for programs. */
export function hasOurPath(calls: SpawnCalls, env: Environment): boolean {
  return isSystems(env) || (env ?? process.env).PATH === (calls.getenv("PATH") ?? undefined);
}

/** Whether it is that of the system: a thread has one of its own, and tests put a copy into the place of `process.env`. */
function isSystems(env: Environment): boolean {
  if (env !== null || !isMainThread) return false;
  if (process.env !== known && isNodes(process.env)) known = process.env;
  return process.env === known;
}

/** Nothing else tells Node's object from a copy of it. */
function isNodes(env: object): boolean {
  if (types.isProxy(env)) return false;
  try {
    Object.defineProperty(env, REFUSED, { get: () => REFUSED, configurable: true });
    Reflect.deleteProperty(env, REFUSED);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === REFUSED;
  }
}
