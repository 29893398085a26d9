/** All ops of the language in one place, and how an op is performed. */

import type { Steps } from "../flavours.ts";
import { blockOps, timeoutOps, withOps } from "./blocks.ts";
import type { Frame } from "./frame.ts";
import { agenOps, agenWaitOps, forOps } from "./ops-agens.ts";
import { plainOps, returnOps, sleepOps } from "./ops-plain.ts";
import * as sync from "./ops-sync.ts";
import * as tasks from "./ops-tasks.ts";
import { waitingOps } from "./ops-waiting.ts";
import { firstUnset, resolve } from "./references.ts";
import type { Op, OpName } from "./scenario.ts";
import type { Completion, Details } from "./table.ts";

const instant = {
  ...plainOps,
  ...tasks.taskOps,
  ...tasks.futureOps,
  ...tasks.makingOps,
  ...tasks.schedulingOps,
  ...tasks.handleOps,
  ...sync.lockOps,
  ...sync.eventOps,
  ...sync.conditionOps,
  ...sync.barrierOps,
  ...sync.queueOps,
  ...timeoutOps,
  ...agenOps,
};

const waiting = {
  ...sleepOps,
  ...tasks.awaitOps,
  ...waitingOps,
  ...sync.acquireOps,
  ...sync.eventWaitOps,
  ...sync.conditionWaitOps,
  ...sync.barrierWaitOps,
  ...sync.queueWaitOps,
  ...agenWaitOps,
};

const blocks = { ...blockOps, ...withOps, ...returnOps, ...forOps };

/** `yield` is not here: it belongs to the async generator itself. */
const all = { ...instant, ...waiting, ...blocks } satisfies Record<Exclude<OpName, "yield">, unknown>;

export const isOpName = (name: string): boolean => name === "yield" || Object.hasOwn(all, name);

export function* perform(frame: Frame, op: Op): Steps<Completion> {
  const unset = firstUnset(frame.program, op);
  if (unset !== undefined) {
    frame.log(op.op, "unset", unset);
    return null;
  }
  const references = resolve(frame.program, op);
  const block = implementation<Steps<Completion>>(blocks, op);
  if (block !== undefined) return yield* block(frame, op, references);

  const wait = implementation<Steps<Details>>(waiting, op);
  const act = implementation<Details>(instant, op);
  const details = wait ? yield* wait(frame, op, references) : act!(frame, op, references);
  frame.log(op.op, ...("on" in op ? [op.on] : []), ...details);
  return null;
}

/** The types of an op's fields and references are known where it is implemented; here it is any op. */
function implementation<R>(table: object, { op }: Op) {
  return (table as Record<string, (frame: Frame, op: Op, references: unknown) => R>)[op];
}
