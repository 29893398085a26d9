import { getRunningLoop, TaskGroup, type Timeout, timeout } from "../../src/index.ts";
import type { Steps } from "../flavours.ts";
import { formatError, isKind } from "./errors.ts";
import type { Frame } from "./frame.ts";
import type { Barrier, Lockable } from "./objects.ts";
import type { Op } from "./scenario.ts";
import type { BlockOps, Completion, InstantOps } from "./table.ts";

export const blockOps: BlockOps<"repeat" | "try" | "timeout" | "taskgroup"> = {
  *repeat(frame, { n, body }) {
    for (let round = 0; round < n; round++) {
      const completion = yield* frame.run(body);
      if (completion !== null) return completion;
    }
    return null;
  },

  *try(frame, op) {
    try {
      return yield* tryExcept(frame, op);
    } finally {
      if (op.finally !== undefined) {
        frame.log("finally");
        const completion = yield* frame.run(op.finally);
        // biome-ignore lint/correctness/noUnsafeFinally: as in Python, a `ret` here replaces whatever was under way
        if (completion !== null) return completion;
      }
    }
  },

  *timeout(frame, op) {
    const body = frame.flavour.body(function* (scope: Timeout) {
      frame.program.store(op.var, scope);
      frame.log("timeout.enter");
      return yield* frame.run(op.body);
    });
    return yield* leaving(frame, "timeout", [], () => frame.wait(timeout(op.d, body)));
  },

  *taskgroup(frame, op) {
    const body = frame.flavour.body(function* (group: TaskGroup) {
      frame.program.store(op.var, group);
      frame.log("taskgroup.enter");
      return yield* frame.run(op.body);
    });
    return yield* leaving(frame, "taskgroup", [], () => frame.wait(TaskGroup.run(body)));
  },
};

export const withOps: BlockOps<"with", Lockable | Barrier> = {
  *with(frame, op, { on }) {
    return yield* leaving(frame, "with", [op.on], () =>
      "release" in on ? holding(frame, op, on) : passing(frame, op, on),
    );
  },
};

export const timeoutOps: InstantOps<"reschedule" | "expired", Timeout> = {
  reschedule: (_, { d }, { on }) => {
    on.reschedule(d === null ? null : getRunningLoop().time() + d);
    return [];
  },

  expired: (_, _op, { on }) => [on.expired()],
};

function* tryExcept(frame: Frame, { body, except = [] }: Op<"try">): Steps<Completion> {
  try {
    return yield* frame.run(body);
  } catch (error) {
    const handler = except.find(({ kind }) => isKind(error, kind));
    if (handler === undefined) throw error;
    frame.log("except", formatError(error));
    frame.handled.push(error);
    try {
      return yield* frame.run(handler.body);
    } finally {
      frame.handled.pop();
    }
  }
}

/** `async with` a lock. Released by name, not through a guard: like Python's it takes no account of who holds it now. */
function* holding(frame: Frame, op: Op<"with">, lock: Lockable): Steps<Completion> {
  yield* frame.wait(lock.acquire());
  try {
    frame.log("with.enter", op.on);
    return yield* frame.run(op.body);
  } finally {
    lock.release();
  }
}

/** `async with` a barrier: there is nothing to do at the end. */
function* passing(frame: Frame, op: Op<"with">, barrier: Barrier): Steps<Completion> {
  frame.log("with.enter", op.on, yield* frame.wait(barrier.wait()));
  return yield* frame.run(op.body);
}

/** Log how a block was left: by itself, or by which error. */
function* leaving(
  frame: Frame,
  name: "with" | "timeout" | "taskgroup",
  details: readonly string[],
  block: () => Steps<Completion>,
): Steps<Completion> {
  let completion: Completion;
  try {
    completion = yield* block();
  } catch (error) {
    frame.log(`${name}.exit`, ...details, error);
    throw error;
  }
  frame.log(`${name}.exit`, ...details);
  return completion;
}
