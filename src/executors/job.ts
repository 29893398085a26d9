import { onAbort } from "../core/abort-signals.ts";
import { cancellationOf } from "../core/errors.ts";
import { Deadline } from "./deadline.ts";
import { ConcurrentFuture } from "./futures.ts";
import type { JobMessage } from "./messages.ts";
import type { PortableWork } from "./work.ts";

export interface JobOptions {
  /**
   * What becomes of a job that runs when it is cancelled: its signal aborts, and so many seconds later its worker is ended,
   * and with it the job. Without this, as in Python, a job that does not heed the signal goes on.
   */
  terminate?: number | undefined;
  /** Cancels the job when it aborts. */
  signal?: AbortSignal | undefined;
}

/** Who carries a job out. */
export interface Assignment {
  abort(id: number): void;
  /** End the worker. */
  end(): void;
}

/** The future of a {@link Job}. */
class JobFuture<T> extends ConcurrentFuture<T> {
  readonly #interrupt: () => void;

  constructor(interrupt: () => void) {
    super();
    this.#interrupt = interrupt;
  }

  protected override cancelRunning(): void {
    this.#interrupt();
  }

  ended(): void {
    this.setCancelled();
  }
}

let lastId = 0;

/** A call that a pool is to carry out, from its submission to its end. */
export class Job {
  readonly id = ++lastId;
  readonly future: ConcurrentFuture<unknown>;
  readonly work: PortableWork;
  readonly #future: JobFuture<unknown>;
  #args: readonly unknown[];
  readonly #chunk: boolean;
  readonly #terminate: number | undefined;
  #assignment: Assignment | null = null;
  #unwanted = false;

  constructor(
    work: PortableWork,
    args: readonly unknown[],
    chunk: boolean,
    { terminate, signal }: JobOptions,
  ) {
    this.work = work;
    this.#args = args;
    this.#chunk = chunk;
    this.#terminate = terminate;
    this.#future = new JobFuture(() => this.#interrupt());
    this.future = this.#future;
    const stopListening = signal === undefined ? null : onAbort(signal, () => this.future.cancel());
    this.future.addDoneCallback(() => {
      stopListening?.();
      this.#args = [];
    });
  }

  /** False if it was cancelled before. */
  begin(assignment: Assignment): boolean {
    if (!this.future.setRunningOrNotifyCancel()) return false;
    this.#assignment = assignment;
    return true;
  }

  /** Whether a worker was given it. */
  get begun(): boolean {
    return this.#assignment !== null;
  }

  message(): JobMessage {
    return { kind: "job", id: this.id, work: this.work, args: this.#args, chunk: this.#chunk };
  }

  /** What there is to move among the arguments. */
  get values(): readonly unknown[] {
    return this.#chunk ? this.#args.flat() : this.#args;
  }

  succeeded(value: unknown): void {
    this.#future.setResult(value);
  }

  /** A job that was asked to end, and ended by that, is cancelled. */
  failed(error: unknown): void {
    if (this.#unwanted && cancellationOf(error) !== null) this.#future.ended();
    else this.#future.setException(error);
  }

  /** The worker was ended by {@link Assignment.end}, for this job's sake. */
  ended(): void {
    this.#future.ended();
  }

  #interrupt(): void {
    const assignment = this.#assignment;
    if (this.#unwanted || assignment === null) return;
    this.#unwanted = true;
    assignment.abort(this.id);
    new Deadline(this.#terminate ?? null).reach(this.future, () => assignment.end());
  }

  toString(): string {
    return `${this.work.name}()`;
  }
}
