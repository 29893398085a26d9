import type { Transferable } from "node:worker_threads";
import { jobSignals } from "../concurrency/current-task.ts";
import { CancelledError } from "../core/errors.ts";
import type { FromWorker, JobMessage, PortableCall, ToWorker } from "./messages.ts";
import { Performer, type RunCoroutine } from "./perform.ts";
import { encodeError, type PortableError, reason } from "./remote-errors.ts";
import { transferList } from "./transfer.ts";

/** How a worker reaches whoever started it. */
export interface Channel {
  post(message: FromWorker, transfer: Transferable[]): void;
  /** End this worker. */
  exit(): void;
}

/** A job that is being carried out. */
interface Running {
  readonly id: number;
  readonly controller: AbortController;
}

/** The worker's side of a pool: carries out one job after the other. */
export class Service {
  readonly #channel: Channel;
  readonly #performer: Performer;
  /** Few at a time; and a Map in which an entry comes and goes makes room for it anew each time. */
  readonly #running: Running[] = [];

  constructor(channel: Channel, runCoroutine: RunCoroutine) {
    this.#channel = channel;
    this.#performer = new Performer(runCoroutine);
  }

  receive(message: ToWorker): void {
    if (message.kind === "begin") this.#begin(message.initializer);
    else if (message.kind === "job") this.#perform(message);
    else if (message.kind === "abort") this.#abort(message.id);
    else this.#channel.exit();
  }

  /** An error that nobody has caught is about to end this worker. */
  uncaught(error: unknown): void {
    const signal = jobSignals.getStore();
    const id = this.#running.find(({ controller }) => controller.signal === signal)?.id ?? null;
    this.#tell("a job", error, (portable) => ({ kind: "uncaught", id, error: portable }));
  }

  async #begin(initializer: PortableCall | null): Promise<void> {
    try {
      const { signal } = new AbortController();
      if (initializer !== null) await this.#performer.call(initializer.work, initializer.args, signal);
      this.#channel.post({ kind: "ready" }, []);
    } catch (error) {
      this.#tell("the initializer", error, (portable) => ({ kind: "broken", error: portable }));
    }
  }

  async #perform(job: JobMessage): Promise<void> {
    const { id, work, args, chunk } = job;
    const running = { id, controller: new AbortController() };
    this.#running.push(running);
    try {
      const { signal } = running.controller;
      const value = await (chunk ? this.#callEach(job, signal) : this.#performer.call(work, args, signal));
      this.#forget(running);
      this.#answer(job, value);
    } catch (error) {
      this.#forget(running);
      this.#tell(`${work.name}()`, error, (portable) => ({ kind: "error", id, error: portable }));
    }
  }

  /** An error may be as strange as it likes: that must not end the worker. */
  #tell(thrower: string, error: unknown, message: (error: PortableError) => FromWorker): void {
    try {
      this.#channel.post(message(encodeError(error)), []);
    } catch (cause) {
      const why = new TypeError(`the error of ${thrower} cannot be sent back: ${reason(cause)}`);
      this.#channel.post(message(encodeError(why)), []);
    }
  }

  #abort(id: number): void {
    this.#running.find((one) => one.id === id)?.controller.abort(new CancelledError());
  }

  #forget(running: Running): void {
    const index = this.#running.indexOf(running);
    if (index >= 0) this.#running.splice(index, 1);
  }

  async #callEach({ work, args }: JobMessage, signal: AbortSignal): Promise<unknown[]> {
    const results: unknown[] = [];
    for (const call of args as readonly unknown[][]) {
      results.push(await this.#performer.call(work, call, signal));
    }
    return results;
  }

  #answer({ id, work, chunk }: JobMessage, value: unknown): void {
    const moved = transferList(chunk ? (value as unknown[]) : [value]);
    try {
      this.#channel.post({ kind: "result", id, value }, moved);
    } catch (cause) {
      throw new TypeError(`the result of ${work.name}() cannot be sent back: ${reason(cause)}`, { cause });
    }
  }
}
