import { isMainThread } from "node:worker_threads";
import { handledByLoop, notHandledByLoop } from "../concurrency/interrupts.ts";
import type { BaseEventLoop } from "../core/base-events.ts";
import { iscoroutine, iscoroutinefunction } from "../core/coroutines.ts";
import { NotImplementedError, RuntimeError, ValueError } from "../core/errors.ts";
import { type Callback, Handle } from "../core/handles.ts";
import { checkedCallback } from "../io/arguments.ts";
import { signalName, signalNumber } from "./signal-names.ts";

/** Those that Linux leaves to programs: the C library has 32 and 33 for itself. */
const LOWEST_REAL_TIME = 34;
const HIGHEST_REAL_TIME = 64;

/** The signal handlers of a loop. Python: the part of `_UnixSelectorEventLoop` that deals with signals. */
export class SignalHandlers {
  readonly #loop: BaseEventLoop;
  readonly #handlers = new Map<NodeJS.Signals, () => void>();

  constructor(loop: BaseEventLoop) {
    this.#loop = loop;
  }

  /** Throws as `loop.addSignalHandler`. */
  add(sig: number | NodeJS.Signals, callback: Callback, args: readonly unknown[]): void {
    if (iscoroutine(callback) || iscoroutinefunction(callback)) {
      throw new TypeError("addSignalHandler() calls a plain function; let that make a task of the coroutine");
    }
    checkedCallback(callback);
    const signal = catchable(sig);
    if (this.#loop.isClosed()) throw new RuntimeError("Event loop is closed");
    if (!isMainThread) throw new RuntimeError("signals reach the main thread only, and this is a worker");
    const handle = new Handle(callback, args, this.#loop);
    const listener = () => this.#loop.enqueue(handle);
    // Before the earlier one goes: a signal in between would end the process.
    process.on(signal, listener);
    handledByLoop(signal);
    this.remove(signal);
    this.#handlers.set(signal, listener);
  }

  /** Throws as `loop.removeSignalHandler`. */
  remove(sig: number | NodeJS.Signals): boolean {
    const signal = knownSignal(sig);
    const listener = this.#handlers.get(signal);
    if (listener === undefined) return false;
    this.#handlers.delete(signal);
    process.off(signal, listener);
    notHandledByLoop(signal);
    return true;
  }

  removeAll(): void {
    for (const signal of this.#handlers.keys()) this.remove(signal);
  }
}

function catchable(sig: number | NodeJS.Signals): NodeJS.Signals {
  const signal = knownSignal(sig);
  if (signal === "SIGKILL" || signal === "SIGSTOP") throw new RuntimeError(`${signal} cannot be caught`);
  return signal;
}

function knownSignal(sig: number | NodeJS.Signals): NodeJS.Signals {
  const number = signalNumber(sig);
  // Some have two names: SIGIO is SIGPOLL.
  const signal = signalName(number);
  if (signal !== null) return signal;
  if (number >= LOWEST_REAL_TIME && number <= HIGHEST_REAL_TIME) {
    throw new NotImplementedError(`Node has no name for signal ${number}, and cannot catch it`);
  }
  throw new ValueError(`invalid signal number: ${number}`);
}
