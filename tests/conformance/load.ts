/** Reading `.jsonl` files. */

import { readFileSync } from "node:fs";
import { isObjectType } from "./objects.ts";
import { isOpName } from "./ops.ts";
import type { AgenSpec, Body, Op, Recording, Scenario } from "./scenario.ts";

/** A file that cannot be read, or that does not hold scenarios of this language. */
export class BadFile extends Error {
  override name = "BadFile";
}

export function loadFile(path: string): Recording[] {
  const recordings: Recording[] = [];
  for (const [index, line] of read(path).split("\n").entries()) {
    if (line.trim() !== "") recordings.push(parse(line, `${path}:${index + 1}`));
  }
  return recordings;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new BadFile(`cannot read ${path}: ${(error as Error).message}`);
  }
}

function parse(line: string, place: string): Recording {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new BadFile(`${place}: bad JSON: ${(error as Error).message}`);
  }
  const problem = problemOf(value as Partial<Recording> | null);
  if (problem !== null) throw new BadFile(`${place}: ${problem}`);
  return value as Recording;
}

/** What is wrong with it, or null. */
function problemOf(value: Partial<Recording> | null): string | null {
  if (typeof value?.name !== "string") return "not a scenario: no name";
  if (!Array.isArray(value.trace)) return `${value.name}: no trace`;
  if (!Array.isArray(value.scenario?.coros?.main)) return `${value.name}: no coroutine main`;
  const type = Object.values(value.scenario.objects ?? {}).find((spec) => !isObjectType(spec.type))?.type;
  if (type !== undefined) return `${value.name}: unknown type of object: ${type}`;
  const op = opsIn(value.scenario).find((name) => !isOpName(name));
  return op === undefined ? null : `${value.name}: unknown op: ${op}`;
}

function opsIn({ coros, callbacks = {}, agens = {} }: Scenario): string[] {
  const ofAgens = Object.values(agens).flatMap(({ body, finally: last = [] }: AgenSpec) => [body, last]);
  return [...Object.values(coros), ...Object.values(callbacks), ...ofAgens].flatMap(opsOf);
}

function opsOf(body: Body): string[] {
  return body.flatMap((op) => [op.op, ...bodiesOf(op).flatMap(opsOf)]);
}

function bodiesOf(op: Op): Body[] {
  const block = op as Partial<Op<"try">>;
  const handlers = (block.except ?? []).map(({ body }) => body);
  return [block.body ?? [], ...handlers, block.finally ?? []];
}
