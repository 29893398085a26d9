import type { Transferable } from "node:worker_threads";
import { jobSignals } from "../concurrency/current-task.ts";
import { CancelledError } from "../core/errors.ts";
import type { FromWorker, JobMessage, PortableCall, ToWorker } from "./messages.ts";
import { Performer, type RunCoroutine } from "./perform.ts";
import { encodeError, type PortableError, reason } from "./remote-errors.ts";
import { transferList } from "./transfer.ts";

/** How a worker reaches whoever started it. */
export interface Channel {
  post(message: FromWorker, transfer: readonly Transferable[]): void;
  /** End this worker. */
  exit(): void;
}

/** The worker's side of a pool: carries out one job after the other. */
export class Service {
  readonly #channel: Channel;
  readonly #performer: Performer;
  readonly #controllers = new Map<number, AbortController>();

  constructor(channel: Channel, runCoroutine: RunCoroutine) {
    this.#channel = channel;
    this.#performer = new Performer(runCoroutine);
  }

  receive(message: ToWorker): void {
    if (message.kind === "begin") this.#begin(message.initializer);
    else if (message.kind === "job") this.#perform(message);
    else if (message.kind === "abort") this.#controllers.get(message.id)?.abort(new CancelledError());
    else this.#channel.exit();
  }

  /** An error that nobody has caught is about to end this worker. */
  uncaught(error: unknown): void {
    const signal = jobSignals.getStore();
    const [id = null] = [...this.#controllers.keys()].filter(
      (one) => this.#controllers.get(one)!.signal === signal,
    );
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
    const { id } = job;
    const controller = new AbortController();
    this.#controllers.set(id, controller);
    try {
      const value = await this.#call(job, controller.signal);
      this.#controllers.delete(id);
      this.#answer(job, value);
    } catch (error) {
      this.#controllers.delete(id);
      this.#tell(`${job.work.name}()`, error, (portable) => ({ kind: "error", id, error: portable }));
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

  async #call({ work, args, chunk }: JobMessage, signal: AbortSignal): Promise<unknown> {
    if (!chunk) return await this.#performer.call(work, args, signal);
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
