import { sleep } from "../../src/index.ts";
import { makeError } from "./errors.ts";
import type { BlockOps, InstantOps, WaitingOps } from "./table.ts";

export const plainOps: InstantOps<"log" | "raise" | "reraise" | "add" | "ctx_set" | "ctx_get"> = {
  log: (_, { label }) => [label],

  raise: (_, { kind, msg }) => {
    throw makeError(kind, msg);
  },

  reraise: (frame) => {
    throw frame.handled.at(-1);
  },

  add: ({ program }, { counter, n }) => {
    const sum = program.counter(counter) + n;
    program.counters.set(counter, sum);
    return [counter, sum];
  },

  ctx_set: ({ program }, { name, value }) => {
    program.contextVar(name).set(value);
    return [name, value];
  },

  ctx_get: ({ program }, { name }) => [name, program.contextVar(name).get()],
};

export const sleepOps: WaitingOps<"sleep"> = {
  *sleep(frame, { d }) {
    yield* frame.wait(sleep(d));
    return [];
  },
};

export const returnOps: BlockOps<"ret"> = {
  *ret(_, { value = null }) {
    return { value };
  },
};
