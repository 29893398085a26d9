import { inspect } from "node:util";
import { RuntimeError, ValueError } from "../../core/errors.ts";
import { type Chunk, Executor, type ShutdownOptions } from "../executor.ts";
import type { ConcurrentFuture } from "../futures.ts";
import { Shutdown } from "../shutdown.ts";
import { portable, type Work, type WorkResult } from "../work.ts";
import { QueueClient } from "./client.ts";
import { assertAddress, type RedisAddress } from "./connection.ts";
import type { BullmqFuture } from "./future.ts";
import { assertJobOptions, type BullmqJobOptions } from "./options.ts";
import { jobData } from "./payload.ts";

export interface BullmqExecutorOptions extends Omit<BullmqJobOptions, "jobId"> {
  /** By default `redis://127.0.0.1:6379`. */
  redis?: RedisAddress | undefined;
  /** How the names of all keys in Redis begin; "bull" by default, as everywhere in BullMQ. */
  prefix?: string | undefined;
}

/**
 * Carries out work on other machines: puts it into a queue of BullMQ, in Redis, from which workers take it, that are started
 * with `npx asyncio-ts worker module.ts`. A job outlives the death of its worker, which may have it done twice, and that
 * of this process: its future has an `id`, by which {@link BullmqExecutor.pickUp} gives its outcome in any process.
 *
 * ```ts
 * await using queue = new BullmqExecutor("thumbnails", { redis: "redis://10.0.0.1", retries: 2 });
 * const small = await queue.submit(work(import.meta, resize), image);
 * ```
 *
 * A worker carries out the exports of the modules that it was started with, and no others. It knows a module by the name of
 * its file, without folder and extension: those differ between machines. Arguments and results are copied, as by
 * `structuredClone`, up to 32 MiB each.
 *
 * The end of an `await using` block waits until what was submitted is in Redis, and not for the outcomes; {@link shutdown}
 * does. Without either, the process ends by itself when no future is left that is not done. While Redis is away, that wait is
 * as long: no job is lost. Where nothing was submitted, or all of it cancelled before Redis was ever there, it waits for nothing.
 */
export class BullmqExecutor extends Executor {
  readonly name: string;
  readonly #client: QueueClient;
  readonly #defaults: BullmqJobOptions;
  #shutdown: Shutdown | null = null;

  /**
   * Connects, and tries again for as long as Redis is away; what is submitted waits. Throws TypeError or ValueError for
   * options that make no sense.
   */
  constructor(name = "asyncio", { redis, prefix = "bull", ...defaults }: BullmqExecutorOptions = {}) {
    super();
    assertQueueName(name, "the name of the queue");
    assertQueueName(prefix, "prefix");
    assertJobOptions(defaults);
    const address = redis ?? "redis://127.0.0.1:6379";
    assertAddress(address);
    this.name = name;
    this.#defaults = defaults;
    this.#client = new QueueClient(name, address, prefix, () => this.#onIdle());
  }

  /**
   * As {@link Executor.submit}. Also throws TypeError for arguments that cannot be copied, and ValueError if they take more
   * than 32 MiB. The future gets LookupError if the worker was not started with the module, or that has no such export;
   * PermissionError for a function that is sent as its source, unless the worker allows that; BrokenExecutor if one worker
   * after the other died of the job.
   */
  override submit<A extends unknown[], R>(work: Work<A, R>, ...args: A): BullmqFuture<WorkResult<R>> {
    return this.enqueue(work, args, false, {}) as BullmqFuture<WorkResult<R>>;
  }

  /**
   * This executor, with options for the jobs that are submitted by what this gives, which go before those of the
   * constructor: `queue.with({ retries: 3, timeout: 60 }).submit(work)`. Throws TypeError or ValueError for options that make no sense.
   */
  with(options: BullmqJobOptions): BullmqExecutorView {
    assertJobOptions(options);
    return new BullmqExecutorView(this, options);
  }

  /**
   * The future of a job that this or another process has submitted, done or not; it gets LookupError if there is no such
   * job (any more: see `keep`). Throws RuntimeError after {@link shutdown}, TypeError if `id` is no string.
   */
  pickUp<T = unknown>(id: string): BullmqFuture<T> {
    if (typeof id !== "string") throw new TypeError(`id must be a string, not ${inspect(id)}`);
    this.#assertOpen();
    return this.#client.pickUp(id) as BullmqFuture<T>;
  }

  /** @internal */
  enqueue(work: Work, args: readonly unknown[], chunk: boolean, options: BullmqJobOptions): BullmqFuture {
    this.#assertOpen();
    const all = { ...this.#defaults, ...options };
    return this.#client.submit(jobData(portable(work), args, chunk, all.timeout ?? null), all);
  }

  protected override submitChunk<A extends unknown[], R>(work: Work<A, R>, calls: readonly A[]): Chunk<R> {
    return submitChunk(this, work, calls, {});
  }

  /**
   * As {@link Executor.shutdown}; workers are left alone. Without `wait`, and at the end of an `await using` block, jobs go
   * on, and futures that are not done get RuntimeError once what was submitted is in Redis. While Redis is away, it goes on
   * behind this, and holds the process; `timeout` ends the wait, but not that, and `cancelFutures` what Redis has not been
   * told yet.
   */
  override shutdown(options: ShutdownOptions = {}): ConcurrentFuture<void> {
    this.#shutdown ??= new Shutdown(() => this.#unfinished());
    const ended = this.#shutdown.begin(options);
    if (options.cancelFutures)
      for (const future of this.#client.pending) if (!future.running()) future.cancel();
    if (options.wait === false) this.#close();
    else this.#onIdle();
    return ended;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.shutdown({ wait: false });
    await this.#client.close();
  }

  #assertOpen(): void {
    if (this.#shutdown !== null) throw new RuntimeError("cannot schedule new futures after shutdown");
  }

  #onIdle(): void {
    if (this.#shutdown !== null && this.#client.pending.length === 0) this.#close();
  }

  async #close(): Promise<void> {
    await this.#client.close();
    this.#shutdown!.complete();
  }

  #unfinished(): string {
    const ids = this.#client.pending.map(({ id }) => id);
    const more = ids.length > 5 ? `, and ${ids.length - 5} more` : "";
    return ids.length === 0 ? "Redis" : `the jobs ${ids.slice(0, 5).join(", ")}${more}`;
  }

  override toString(): string {
    const state = this.#shutdown === null ? "open" : "shut down";
    return `<BullmqExecutor ${this.name} ${state} pending=${this.#client.pending.length}>`;
  }
}

/** A {@link BullmqExecutor} with options for the jobs that are submitted by it. What `with` gives. */
export class BullmqExecutorView extends Executor {
  readonly #executor: BullmqExecutor;
  readonly #options: BullmqJobOptions;

  /** @internal */
  constructor(executor: BullmqExecutor, options: BullmqJobOptions) {
    super();
    this.#executor = executor;
    this.#options = options;
  }

  /** As {@link BullmqExecutor.submit}. */
  override submit<A extends unknown[], R>(work: Work<A, R>, ...args: A): BullmqFuture<WorkResult<R>> {
    return this.#executor.enqueue(work, args, false, this.#options) as BullmqFuture<WorkResult<R>>;
  }

  protected override submitChunk<A extends unknown[], R>(work: Work<A, R>, calls: readonly A[]): Chunk<R> {
    if (this.#options.jobId !== undefined) throw new ValueError("a jobId names one job: map() submits many");
    return submitChunk(this.#executor, work, calls, this.#options);
  }

  /** Of the executor. */
  override shutdown(options?: ShutdownOptions): ConcurrentFuture<void> {
    return this.#executor.shutdown(options);
  }

  override toString(): string {
    return `<${this.#executor} with ${inspect(this.#options, { depth: 0 })}>`;
  }
}

function submitChunk<A extends unknown[], R>(
  executor: BullmqExecutor,
  work: Work<A, R>,
  calls: readonly A[],
  options: BullmqJobOptions,
): Chunk<R> {
  const [first, ...others] = calls;
  if (first !== undefined && others.length === 0) {
    return [executor.enqueue(work, first, false, options) as BullmqFuture<WorkResult<R>>];
  }
  return executor.enqueue(work, calls, true, options) as BullmqFuture<WorkResult<R>[]>;
}

/** Throws TypeError for what is no string, ValueError for one that BullMQ's keys cannot contain. */
function assertQueueName(name: unknown, what: string): void {
  if (typeof name !== "string") throw new TypeError(`${what} must be a string, not ${inspect(name)}`);
  if (name === "" || name.includes(":")) {
    throw new ValueError(`${what} must not be empty or contain a colon: ${inspect(name)}`);
  }
}
