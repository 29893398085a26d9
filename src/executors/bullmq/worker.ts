import { inspect } from "node:util";
import { type Job, UnrecoverableError, WaitingError, Worker } from "bullmq";
import { cancellationOf, TimeoutError } from "../../core/errors.ts";
import { logger } from "../../core/log.ts";
import { encodeError } from "../remote-errors.ts";
import type { PortableWork } from "../work.ts";
import { Cancellations } from "./cancellations.ts";
import { Connection, type RedisAddress } from "./connection.ts";
import { type AbortCause, JobRun } from "./job-run.ts";
import type { WorkerModules } from "./modules.ts";
import {
  assertJobData,
  decodeValue,
  encodeValue,
  isInline,
  type JobData,
  type ReturnValue,
} from "./payload.ts";

/** Carry out one call; the signal asks it to end. */
export type Perform = (
  work: PortableWork,
  args: readonly unknown[],
  signal: AbortSignal,
) => PromiseLike<unknown>;

export interface QueueWorkerOptions {
  readonly queue: string;
  readonly redis: RedisAddress;
  readonly prefix: string;
  /** How many jobs at once. */
  readonly concurrency: number;
  /** Seconds after which a worker that is not heard of counts as dead. */
  readonly lock: number;
  /** How many workers may die of a job. */
  readonly deaths: number;
  /** Seconds for a job to end when it is asked to. */
  readonly patience: number;
  readonly modules: WorkerModules;
  readonly perform: Perform;
}

/** Milliseconds before a job is asked for again when Redis was away. */
const PAUSE = 1000;

type QueuedJob = Job<JobData, ReturnValue>;

/** Takes jobs out of a queue, and carries them out. */
export class QueueWorker {
  readonly #options: QueueWorkerOptions;
  readonly #connection: Connection;
  readonly #subscriber: Connection;
  readonly #cancellations: Cancellations;
  readonly #worker: Worker<JobData, ReturnValue>;
  readonly #runs = new Map<string, JobRun>();

  constructor(options: QueueWorkerOptions) {
    this.#options = options;
    this.#connection = new Connection(options.redis);
    this.#subscriber = new Connection(options.redis);
    this.#worker = this.#newWorker();
    this.#cancellations = new Cancellations(this.#connection.redis, this.#worker.qualifiedName);
    this.#subscriber.redis.on("message", (_channel, id) => this.#runs.get(id)?.abort("cancelled"));
    this.#subscriber.redis.on("ready", () => this.#askForAll());
  }

  /** Take jobs; resolves when Redis is there. */
  async start(): Promise<void> {
    await this.#subscriber.redis.subscribe(this.#cancellations.channel);
    await this.#worker.waitUntilReady();
    this.#worker.run().catch((error: unknown) => logger.error("a queue's worker has failed", error));
  }

  /** Take no more jobs; those that still run after `grace` seconds go back into the queue. */
  async stop(grace: number): Promise<void> {
    const timer = setTimeout(() => this.#abortAll("shutdown"), grace * 1000);
    await this.#worker.close();
    clearTimeout(timer);
    await Promise.all([this.#connection.disconnect(), this.#subscriber.disconnect()]);
  }

  #newWorker(): Worker<JobData, ReturnValue> {
    const { queue, prefix, concurrency, lock, deaths } = this.#options;
    const worker = new Worker<JobData, ReturnValue>(queue, (job, token) => this.#process(job, token!), {
      connection: this.#connection.redis,
      prefix,
      concurrency,
      lockDuration: lock * 1000,
      stalledInterval: lock * 1000,
      maxStalledCount: deaths,
      runRetryDelay: PAUSE,
      autorun: false,
    });
    worker.on("error", (error) => {
      // That Redis is away, the connection tells.
      if (!("syscall" in error)) logger.warn(`queue ${queue}: ${error.message}`);
    });
    worker.on("lockRenewalFailed", (ids) => {
      for (const id of ids) this.#runs.get(id)?.abort("lost");
    });
    worker.on("stalled", (id) =>
      logger.warn(`the worker of job ${id} is gone: the job goes back into the queue`),
    );
    return worker;
  }

  async #process(job: QueuedJob, token: string): Promise<ReturnValue> {
    const id = job.id!;
    const run = new JobRun(job.name, this.#options.patience);
    this.#runs.set(id, run);
    try {
      // It may have been said before we were there to hear it.
      if (await this.#cancellations.isRequested(id)) run.abort("cancelled");
      return await this.#perform(job, run);
    } catch (error) {
      throw await this.#failure(job, token, run, error);
    } finally {
      this.#runs.delete(id);
    }
  }

  async #perform(job: QueuedJob, run: JobRun): Promise<ReturnValue> {
    const value = await run.perform((signal) => this.#call(job, signal), job.data.timeout);
    const encoded = encodeValue(value, `the result of ${job.name}()`);
    if (run.cause === "cancelled") await this.#cancellations.forget(job.id!);
    if (isInline(encoded)) return { value: encoded };
    await job.updateData({ ...job.data, result: encoded });
    return { stored: true };
  }

  async #call({ data }: QueuedJob, signal: AbortSignal): Promise<unknown> {
    const { modules, perform } = this.#options;
    const work = permanent(() => {
      assertJobData(data);
      return modules.resolve(data.work);
    });
    const args = decodeValue(data.args) as unknown[];
    if (!data.chunk) return await perform(work, args, signal);
    const results: unknown[] = [];
    for (const call of args as unknown[][]) {
      results.push(await perform(work, call, signal));
      signal.throwIfAborted();
    }
    return results;
  }

  /** What to tell BullMQ. The error itself is left with the job: BullMQ keeps but its message. */
  async #failure(job: QueuedJob, token: string, run: JobRun, thrown: unknown): Promise<Error> {
    if (run.cause === "lost") return new Error(`the job ${job.id} was given to another worker`);
    if (run.cause === "shutdown") {
      await job.moveToWait(token);
      return new WaitingError();
    }
    const isCancelled = run.cause === "cancelled" && cancellationOf(thrown) !== null;
    if (isCancelled) await this.#cancellations.forget(job.id!);
    const error = run.cause === "timeout" ? overtime(job, thrown) : thrown;
    const { cause, isPermanent } =
      error instanceof Permanent
        ? { cause: error.cause, isPermanent: true }
        : { cause: error, isPermanent: false };
    const reason = isCancelled ? "cancelled" : reasonOf(cause);
    const encoded = isCancelled ? null : encodeValue(encodeError(cause), `the error of ${job.name}()`);
    await job.updateData({ ...job.data, failure: { reason, error: encoded } });
    return isCancelled || isPermanent ? new UnrecoverableError(reason) : withStack(reason, cause);
  }

  async #askForAll(): Promise<void> {
    try {
      for (const [id, run] of this.#runs) {
        if (await this.#cancellations.isRequested(id)) run.abort("cancelled");
      }
    } catch (error) {
      logger.debug("cancellations could not be looked up", error);
    }
  }

  #abortAll(cause: AbortCause): void {
    for (const run of this.#runs.values()) run.abort(cause);
  }
}

/** Around an error that the next attempt would meet again. */
class Permanent extends Error {}

function permanent<T>(step: () => T): T {
  try {
    return step();
  } catch (cause) {
    throw new Permanent("", { cause });
  }
}

function overtime(job: QueuedJob, thrown: unknown): TimeoutError {
  const late = `${job.name}() was not done after ${job.data.timeout} s`;
  return new TimeoutError(late, cancellationOf(thrown) === null ? { cause: thrown } : {});
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : inspect(error);
}

/** Never the error as it is: to BullMQ some names mean something. */
function withStack(reason: string, cause: unknown): Error {
  const error = new Error(reason);
  if (cause instanceof Error && cause.stack !== undefined) error.stack = cause.stack;
  return error;
}
