import type { MessagePort } from "node:worker_threads";
import { currentSignal } from "../concurrency/current-task.ts";
import type { BaseEventLoop } from "../core/base-events.ts";
import { NO_ERROR } from "../core/futures.ts";
import { Handle } from "../core/handles.ts";
import type { Task } from "../core/tasks.ts";
import { assertIntact } from "../executors/intact.ts";
import { Functions, type JobContext } from "../executors/perform.ts";
import { encodeError } from "../executors/remote-errors.ts";
import { transferList } from "../executors/transfer.ts";
import type { CallMessage, FromLoop, Introduction, ToLoop } from "./messages.ts";

type Callable = NonNullable<ReturnType<Functions["known"]>>;

/** Those of this thread, for all its loops and callers. */
const functions = new Functions();

/** A call that another thread asked for, until its turn comes. */
class CallHandle extends Handle {
  readonly #begin: () => void;

  constructor(callback: () => unknown, args: readonly unknown[], loop: BaseEventLoop, begin: () => void) {
    super(callback, args, loop);
    this.#begin = begin;
  }

  override run(): void {
    this.#begin();
    super.run();
  }
}

/** Somebody in another thread who calls functions in this one's loop, in the order in which they are asked for. */
export class Caller {
  readonly #loop: BaseEventLoop;
  readonly #port: MessagePort;
  readonly #bell: Introduction["bell"];
  /** Calls that can be cancelled: they wait for their turn, or run as a task. */
  readonly #calls = new Map<number, Handle | Task<unknown>>();
  /** What came while a module was being loaded. */
  #later: ToLoop[] | null = null;

  constructor(loop: BaseEventLoop, { port, bell }: Introduction, onGone: (caller: Caller) => void) {
    this.#loop = loop;
    this.#port = port;
    this.#bell = bell;
    port.on("message", (message: ToLoop) => this.#receive(message));
    // Which call it was, nobody can tell: let the other side fail them all.
    port.on("messageerror", () => port.close());
    port.on("close", () => onGone(this));
    // It is the loop that keeps its thread alive.
    port.unref();
  }

  /** The loop is closed. What is not done the other side fails by itself. */
  close(): void {
    for (const [id, call] of this.#calls)
      if (!(call instanceof Handle) && call.done()) this.#report(id, call);
    this.#ring();
    this.#port.close();
  }

  #receive(message: ToLoop): void {
    if (this.#loop.isClosed()) return;
    if (this.#later !== null) this.#later.push(message);
    else if (message.kind === "cancel") this.#cancel(message.id);
    else this.#take(message);
  }

  #take(message: CallMessage): void {
    const fn = functions.known(message.work);
    if (fn !== undefined) this.#enqueue(message, fn);
    else void this.#load(message);
  }

  async #load(message: CallMessage): Promise<void> {
    this.#later = [];
    try {
      const fn = await functions.load(message.work);
      if (!this.#loop.isClosed()) this.#enqueue(message, fn);
    } catch (error) {
      this.#notLoaded(message, error);
    }
    const later = this.#later;
    this.#later = null;
    for (const one of later) this.#receive(one);
  }

  #notLoaded({ kind, id, work }: CallMessage, exception: unknown): void {
    if (kind === "run") this.#post({ kind: "error", id, error: encodeError(exception) });
    else {
      const message = `${work.name}(), which another thread wants to be called, cannot be loaded`;
      this.#loop.callExceptionHandler({ message, exception });
    }
  }

  #enqueue(message: CallMessage, fn: Callable): void {
    const { kind, id, args } = message;
    const begin = () => this.#calls.delete(id);
    const handle =
      kind === "call"
        ? new CallHandle(fn as () => unknown, args, this.#loop, begin)
        : new CallHandle(() => this.#run(message, fn), [], this.#loop, begin);
    this.#calls.set(id, handle);
    this.#loop.enqueue(handle);
  }

  #run({ id, args, work }: CallMessage, fn: Callable): void {
    try {
      const task = this.#loop.createTask(() => fn.apply(new TaskContext(), [...args]), {
        name: fn.name || work.name,
      });
      this.#calls.set(id, task);
      task.addDoneCallback(() => this.#report(id, task));
    } catch (error) {
      this.#post({ kind: "error", id, error: encodeError(error) });
    }
  }

  #cancel(id: number): void {
    const call = this.#calls.get(id);
    if (call instanceof Handle) this.#calls.delete(id);
    call?.cancel();
  }

  #report(id: number, task: Task<unknown>): void {
    if (!this.#calls.delete(id)) return;
    const error = task.takeError();
    if (task.cancelled()) this.#post({ kind: "cancelled", id });
    else if (error === NO_ERROR) this.#answer(id, task.getName(), task.result());
    else this.#post({ kind: "error", id, error: encodeError(error) });
  }

  #answer(id: number, name: string, value: unknown): void {
    try {
      this.#post({ kind: "result", id, value });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : cause;
      const error = new TypeError(`the result of ${name}() cannot be sent back: ${why}`, { cause });
      this.#post({ kind: "error", id, error: encodeError(error) });
    }
  }

  #post(message: FromLoop): void {
    const moved = message.kind === "result" ? transferList([message.value]) : [];
    assertIntact(message, moved);
    this.#port.postMessage(message, moved);
    this.#ring();
  }

  #ring(): void {
    Atomics.add(this.#bell, 0, 1);
    Atomics.notify(this.#bell, 0);
  }
}

/** The `this` of a function that runs as a task. */
class TaskContext implements JobContext {
  get signal(): AbortSignal {
    return currentSignal();
  }
}
