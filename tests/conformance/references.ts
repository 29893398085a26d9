import type { Awaitable, TaskGroup } from "../../src/index.ts";
import type { Program } from "./program.ts";
import type { Op } from "./scenario.ts";

/** What an op's names stand for. A field that the op does not have is missing here too, whatever the type says. */
export interface References<On = unknown> {
  readonly group: TaskGroup | undefined;
  readonly on: On;
  readonly of: Awaitable<unknown>;
  /** `of` where it is a list, without the variables that are unset. */
  readonly list: readonly Reference[];
}

export interface Reference {
  readonly name: string;
  readonly value: Awaitable<unknown>;
}

interface Names {
  readonly group?: string;
  readonly on?: string;
  readonly of?: string | readonly string[];
}

/** The first variable that the op needs and that holds nothing. One in a list is not needed. */
export function firstUnset(program: Program, op: Op): string | undefined {
  const { group, on, of } = op as Names;
  return [group, on, of].find((name) => typeof name === "string" && isUnset(program, name)) as
    | string
    | undefined;
}

/** Evaluate the names of an op, none of which is unset. This makes the coroutines among them. */
export function resolve(program: Program, op: Op): References {
  const { group, on, of } = op as Names;
  const list = Array.isArray(of) ? of.filter((name) => !isUnset(program, name)) : [];
  return {
    group: evaluate(program, group) as TaskGroup | undefined,
    on: evaluate(program, on),
    of: (typeof of === "string" ? evaluate(program, of) : undefined) as Awaitable<unknown>,
    list: list.map((name) => ({ name, value: evaluate(program, name) as Awaitable<unknown> })),
  };
}

function isUnset(program: Program, name: string): boolean {
  return calledName(name) === null && program.lookup(name) === undefined;
}

function evaluate(program: Program, name: string | undefined): unknown {
  if (name === undefined) return undefined;
  const called = calledName(name);
  return called === null ? program.lookup(name) : program.call(called);
}

/** The `a` of `a()`, or null for a variable. */
function calledName(name: string): string | null {
  return name.endsWith("()") ? name.slice(0, -2) : null;
}
