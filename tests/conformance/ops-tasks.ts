import {
  type Coroutine,
  createTask,
  type Future,
  getRunningLoop,
  type Handle,
  type Task,
} from "../../src/index.ts";
import { formatError, makeError } from "./errors.ts";
import type { Details, InstantOps, WaitingOps } from "./table.ts";

/** What a future has come to, as a trace writes it. */
export function stateOf(future: Future<unknown>): Details {
  if (!future.done()) return ["pending"];
  if (future.cancelled()) return ["cancelled"];
  const error = future.exception();
  return error === null ? ["result", future.result()] : ["raised", formatError(error)];
}

export const taskOps: InstantOps<"uncancel" | "cancelling", Task<unknown>> = {
  uncancel: (_, _op, { on }) => [on.uncancel()],
  cancelling: (_, _op, { on }) => [on.cancelling()],
};

export const futureOps: InstantOps<
  | "cancel"
  | "set_result"
  | "set_exception"
  | "result"
  | "exception"
  | "state"
  | "add_callback"
  | "remove_callback",
  Future<unknown>
> = {
  cancel: (_, { msg }, { on }) => [msg === undefined ? on.cancel() : on.cancel(msg)],

  set_result: (_, { value }, { on }) => [on.setResult(value)],

  set_exception: (_, { kind, msg }, { on }) => {
    on.setException(makeError(kind, msg));
    return [];
  },

  result: (_, _op, { on }) => [on.result()],
  exception: (_, _op, { on }) => [on.exception()],
  state: (_, _op, { on }) => stateOf(on),

  add_callback: ({ program }, { cb }, { on }) => {
    on.addDoneCallback(program.callback(cb));
    return [cb];
  },

  remove_callback: ({ program }, { cb }, { on }) => [cb, on.removeDoneCallback(program.callback(cb))],
};

export const makingOps: InstantOps<"create_task" | "future"> = {
  create_task: ({ program }, op, { group, of }) => {
    const coroutine = of as Coroutine<unknown>;
    program.variables.set(op.var, group ? group.createTask(coroutine) : createTask(coroutine));
    return [op.var];
  },

  future: ({ program }, op) => {
    program.variables.set(op.var, getRunningLoop().createFuture());
    return [op.var];
  },
};

export const schedulingOps: InstantOps<"call_soon" | "call_later"> = {
  call_soon: ({ program }, op) => {
    program.store(op.var, getRunningLoop().callSoon(program.callback(op.cb)));
    return [op.cb];
  },

  call_later: ({ program }, op) => {
    program.store(op.var, getRunningLoop().callLater(op.d, program.callback(op.cb)));
    return [op.cb];
  },
};

export const handleOps: InstantOps<"cancel_handle", Handle> = {
  cancel_handle: (_, _op, { on }) => [on.cancel()],
};

export const awaitOps: WaitingOps<"await"> = {
  *await(frame, op, { of }) {
    return [op.of, yield* frame.wait(of)];
  },
};
