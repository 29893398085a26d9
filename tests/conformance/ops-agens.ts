import type { Steps } from "../flavours.ts";
import { StopAsyncIteration } from "./errors.ts";
import type { Frame } from "./frame.ts";
import type { Agen } from "./program.ts";
import type { Op } from "./scenario.ts";
import type { BlockOps, Completion, InstantOps, WaitingOps } from "./table.ts";

export const agenOps: InstantOps<"agen"> = {
  agen: ({ program }, op, { of }) => {
    program.variables.set(op.var, of);
    return [op.var];
  },
};

export const agenWaitOps: WaitingOps<"anext" | "aclose", Agen> = {
  *anext(frame, _op, { on }) {
    const step = yield* frame.wait(on.next());
    if (step.done) throw new StopAsyncIteration();
    return [step.value];
  },

  *aclose(frame, _op, { on }) {
    return [yield* frame.wait(on.aclose())];
  },
};

export const forOps: BlockOps<"for"> = {
  *for(frame, op, { of }) {
    const agen = of as unknown as Agen;
    let completion: Completion;
    try {
      completion = yield* iterate(frame, op, agen);
    } finally {
      if (op.close) yield* frame.wait(agen.aclose());
    }
    if (completion === null) frame.log("for");
    return completion;
  },
};

/** By hand: JavaScript's own `for await` would close the generator at a break, Python's does not. */
function* iterate(frame: Frame, { body = [], max = Infinity }: Op<"for">, agen: Agen): Steps<Completion> {
  for (let count = 1; ; count++) {
    const step = yield* frame.wait(agen.next());
    if (step.done) return null;
    frame.log("for.item", step.value);
    const completion = yield* frame.run(body);
    if (completion !== null || count >= max) return completion;
  }
}
