import {
  ALL_COMPLETED,
  type Awaitable,
  asCompleted,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  type Future,
  gather,
  shield,
  wait,
  waitFor,
} from "../../src/index.ts";
import type { Steps } from "../flavours.ts";
import { isKind } from "./errors.ts";
import type { Frame } from "./frame.ts";
import type { Reference } from "./references.ts";
import type { WaitingOps } from "./table.ts";

const WHEN = { FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED } as const;

export const waitingOps: WaitingOps<"gather" | "shield" | "wait" | "wait_for" | "as_completed"> = {
  *gather(frame, op, { list }) {
    const future = gather(...values(list), { returnExceptions: op.return_exceptions ?? false });
    if (op.var === undefined) return [yield* frame.wait(future)];
    frame.program.store(op.var, future);
    return [op.var];
  },

  *shield(frame, op, { of }) {
    const future = shield(of);
    if (op.var === undefined) return [op.of, yield* frame.wait(future)];
    frame.program.store(op.var, future);
    return [op.of];
  },

  *wait(frame, op, { list }) {
    const unique = distinct(list);
    const { done, pending } = yield* frame.wait(
      wait(values(unique) as Future<unknown>[], {
        returnWhen: WHEN[op.when],
        timeout: op.timeout ?? null,
      }),
    );
    return [namesIn(unique, done), namesIn(unique, pending)];
  },

  *wait_for(frame, op, { of }) {
    return [op.of, yield* frame.wait(waitFor(of, op.timeout))];
  },

  *as_completed(frame, op, { list }) {
    for (const item of asCompleted(values(list), { timeout: op.timeout ?? null })) {
      frame.log("as_completed.item", yield* outcome(frame, item));
    }
    return [];
  },
};

/** The result, or the error if it is an ordinary one. */
function* outcome(frame: Frame, awaitable: Awaitable<unknown>): Steps<unknown> {
  try {
    return yield* frame.wait(awaitable);
  } catch (error) {
    if (!isKind(error, "Exception")) throw error;
    return error;
  }
}

function values(list: readonly Reference[]): Awaitable<unknown>[] {
  return list.map(({ value }) => value);
}

/** Without the variables that hold what an earlier one holds too. */
function distinct(list: readonly Reference[]): Reference[] {
  return list.filter(({ value }, index) => index === list.findIndex((other) => other.value === value));
}

function namesIn(list: readonly Reference[], futures: ReadonlySet<unknown>): string[] {
  return list
    .filter(({ value }) => futures.has(value))
    .map(({ name }) => name)
    .sort();
}
