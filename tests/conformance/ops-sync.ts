import type { Event, Queue } from "../../src/index.ts";
import type { Barrier, Condition, Lockable } from "./objects.ts";
import type { InstantOps, WaitingOps } from "./table.ts";

export const lockOps: InstantOps<"release" | "locked", Lockable> = {
  release: (_, _op, { on }) => [on.release()],
  locked: (_, _op, { on }) => [on.locked()],
};

export const acquireOps: WaitingOps<"acquire", Lockable> = {
  *acquire(frame, _op, { on }) {
    // A guard, where Python gives true.
    return [Boolean(yield* frame.wait(on.acquire()))];
  },
};

export const eventOps: InstantOps<"event_set" | "event_clear" | "event_is_set", Event> = {
  event_set: (_, _op, { on }) => [on.set()],
  event_clear: (_, _op, { on }) => [on.clear()],
  event_is_set: (_, _op, { on }) => [on.isSet()],
};

export const eventWaitOps: WaitingOps<"event_wait", Event> = {
  *event_wait(frame, _op, { on }) {
    return [yield* frame.wait(on.wait())];
  },
};

export const conditionOps: InstantOps<"notify" | "notify_all", Condition> = {
  notify: (_, { n }, { on }) => [n === undefined ? on.notify() : on.notify(n)],
  notify_all: (_, _op, { on }) => [on.notifyAll()],
};

export const conditionWaitOps: WaitingOps<"cond_wait" | "cond_wait_until", Condition> = {
  *cond_wait(frame, _op, { on }) {
    return [yield* frame.wait(on.wait())];
  },

  *cond_wait_until(frame, { counter, min }, { on }) {
    return [yield* frame.wait(on.waitFor(() => frame.program.counter(counter) >= min))];
  },
};

export const barrierOps: InstantOps<"barrier_state", Barrier> = {
  barrier_state: (_, _op, { on }) => [on.nWaiting, on.broken],
};

export const barrierWaitOps: WaitingOps<"barrier_wait" | "barrier_reset" | "barrier_abort", Barrier> = {
  *barrier_wait(frame, _op, { on }) {
    return [yield* frame.wait(on.wait())];
  },

  *barrier_reset(frame, _op, { on }) {
    return [yield* frame.wait(on.reset())];
  },

  *barrier_abort(frame, _op, { on }) {
    return [yield* frame.wait(on.abort())];
  },
};

export const queueOps: InstantOps<"put_nowait" | "get_nowait" | "task_done" | "qsize", Queue<number>> = {
  put_nowait: (_, { item }, { on }) => [on.putNowait(item)],
  get_nowait: (_, _op, { on }) => [on.getNowait()],
  task_done: (_, _op, { on }) => [on.taskDone()],
  qsize: (_, _op, { on }) => [on.qsize()],
};

export const queueWaitOps: WaitingOps<"put" | "get" | "join", Queue<number>> = {
  *put(frame, { item }, { on }) {
    return [yield* frame.wait(on.put(item))];
  },

  *get(frame, _op, { on }) {
    return [yield* frame.wait(on.get())];
  },

  *join(frame, _op, { on }) {
    return [yield* frame.wait(on.join())];
  },
};
