import { logger } from "../core/log.ts";
import type { Job } from "./job.ts";
import type { FromWorker, PortableCall, Uncaught } from "./messages.ts";
import { because, type Ending, type PoolWorker, type WorkerListener } from "./pool-worker.ts";
import { decodeError, encodeError, type PortableError, reason } from "./remote-errors.ts";
import { transferList } from "./transfer.ts";

/** What a member of a pool needs of that. */
export interface MemberHost {
  start(listener: WorkerListener): PoolWorker;
  /** It can take its first job. */
  onReady(): void;
  /** It can take the next job. */
  onFree(): void;
  /** The initializer has failed in it. */
  onBroken(error: PortableError): void;
  onEnd(ending: Ending & { readonly wasStarting: boolean }): void;
  /** The error of a job that was lost. */
  lost(message: string, cause: unknown): Error;
}

type State = "starting" | "idle" | "busy" | "ending";

/** A worker of a pool, and what it is at. */
export class Member implements WorkerListener {
  readonly worker: PoolWorker;
  /** How many jobs it has done. */
  performed = 0;
  readonly #host: MemberHost;
  #state: State = "starting";
  #job: Job | null = null;
  #since = 0;
  /** Whether it is ended because its job is not wanted any more. */
  #jobUnwanted = false;
  #uncaught: Uncaught | null = null;

  constructor(initializer: PortableCall | null, host: MemberHost) {
    this.#host = host;
    this.worker = host.start(this);
    try {
      this.worker.post({ kind: "begin", initializer }, []);
    } catch (cause) {
      this.#onBroken(encodeError(new TypeError(`initargs cannot be sent: ${reason(cause)}`)));
    }
  }

  get starting(): boolean {
    return this.#state === "starting";
  }

  get ending(): boolean {
    return this.#state === "ending";
  }

  get busy(): boolean {
    return this.#job !== null;
  }

  /** Returns false if the job does not need it: it was cancelled, or cannot be sent. */
  perform(job: Job): boolean {
    if (
      !job.begin({ abort: (id) => this.worker.post({ kind: "abort", id }, []), end: () => this.#endJob() })
    ) {
      return false;
    }
    try {
      this.worker.post(job.message(), transferList(job.values));
    } catch (cause) {
      job.failed(new TypeError(`the arguments of ${job} cannot be sent: ${reason(cause)}`, { cause }));
      return false;
    }
    this.#state = "busy";
    this.#job = job;
    this.#since = performance.now();
    this.worker.hold(true);
    return true;
  }

  /** It gets no more jobs, and ends. */
  retire(): void {
    if (this.#state === "ending") return;
    this.#state = "ending";
    this.worker.end();
  }

  /** What it is at; null if that is nothing. */
  describe(): string | null {
    if (this.starting) return `the start of ${this.worker.name}`;
    if (this.#job === null) return null;
    const seconds = ((performance.now() - this.#since) / 1000).toFixed(1);
    return `${this.#job}, which has been running for ${seconds} s in ${this.worker.name}`;
  }

  onMessage(message: FromWorker | null): void {
    // A job may post what it likes.
    if (message === null) return;
    if (message.kind === "ready") this.#onReady();
    else if (message.kind === "broken") this.#onBroken(message.error);
    else if (message.kind === "uncaught") this.#uncaught = message;
    else this.#onOutcome(message);
  }

  onGarbled(error: Error): void {
    const job = this.#release();
    job?.failed(new TypeError(`the result of ${job} cannot be read: ${error.message}`, { cause: error }));
  }

  onEnd(ending: Ending): void {
    const how = ending.how;
    const error = this.#uncaught === null ? ending.error : decodeError(this.#uncaught.error);
    const wasStarting = this.#state === "starting";
    const expected = this.#state === "ending";
    const job = this.#job;
    this.#state = "ending";
    this.#job = null;
    if (job === null && !expected && !wasStarting)
      logger.error(`${this.worker.name} ${how} while it had no job`, error);
    this.#host.onEnd({ how, error, wasStarting });
    if (job === null) return;
    if (this.#jobUnwanted) job.ended();
    else job.failed(this.#lost(job, how, error));
  }

  #lost(job: Job, how: string, error: unknown): Error {
    const isOther = this.#uncaught !== null && this.#uncaught.id !== job.id;
    const whose = isOther ? ", by an error that an earlier job had left behind" : "";
    return this.#host.lost(
      `${this.worker.name}, which carried out ${job}, ${how}${whose}${because(error)}`,
      error,
    );
  }

  #onReady(): void {
    if (this.#state !== "starting") return;
    this.#state = "idle";
    this.worker.hold(false);
    this.#host.onReady();
  }

  #onBroken(error: PortableError): void {
    this.#host.onBroken(error);
    this.retire();
  }

  #onOutcome(message: Extract<FromWorker, { id: number }>): void {
    if (message.id !== this.#job?.id) return;
    const job = this.#release()!;
    if (message.kind === "result") job.succeeded(message.value);
    else job.failed(decodeError(message.error));
  }

  /** The job is done; the next one can come. */
  #release(): Job | null {
    const job = this.#job;
    if (job === null) return null;
    this.#job = null;
    this.performed++;
    if (this.#state !== "busy") return job;
    this.#state = "idle";
    this.worker.hold(false);
    this.#host.onFree();
    return job;
  }

  #endJob(): void {
    this.#jobUnwanted = true;
    this.retire();
  }
}
