import { inspect } from "node:util";
import { assertSignal } from "../core/abort-signals.ts";
import { assertSeconds } from "../core/callback-arguments.ts";
import { type BrokenExecutor, RuntimeError, ValueError } from "../core/errors.ts";
import { logger } from "../core/log.ts";
import { Deque } from "../sync/deque.ts";
import { type Chunk, Executor, type ShutdownOptions } from "./executor.ts";
import type { ConcurrentFuture } from "./futures.ts";
import { Job, type JobOptions } from "./job.ts";
import { Member } from "./member.ts";
import type { PortableCall } from "./messages.ts";
import { assertCount, type InitializerOptions, portableInitializer } from "./options.ts";
import { because, type PoolWorker, type WorkerListener } from "./pool-worker.ts";
import { decodeError, type PortableError } from "./remote-errors.ts";
import { Shutdown } from "./shutdown.ts";
import { portable, type Work, type WorkResult } from "./work.ts";

export interface PoolOptions extends InitializerOptions {
  maxWorkers: number;
  maxTasksPerChild?: number | null;
}

/** So many workers in a row may end before they could begin; then there is no point in starting more. */
const FAILED_STARTS = 3;

/** What the pools of threads and of processes have in common: a queue, and workers that are given a job when they are free. */
export abstract class PoolExecutor extends Executor {
  readonly #maxWorkers: number;
  readonly #maxTasks: number;
  readonly #initializer: PortableCall | null;
  /** Among them those that were cancelled meanwhile. */
  readonly #queue = new Deque<Job>();
  /** How many in the queue were not cancelled. */
  #waiting = 0;
  readonly #members = new Set<Member>();
  readonly #idle: Member[] = [];
  #failedStarts = 0;
  #broken: { readonly message: string; readonly cause: unknown } | null = null;
  #shutdown: Shutdown | null = null;

  constructor({ maxWorkers, maxTasksPerChild, ...initializer }: PoolOptions) {
    super();
    assertCount(maxWorkers, "maxWorkers");
    if (maxTasksPerChild != null) assertCount(maxTasksPerChild, "maxTasksPerChild");
    this.#maxWorkers = maxWorkers;
    this.#maxTasks = maxTasksPerChild ?? Number.POSITIVE_INFINITY;
    this.#initializer = portableInitializer(initializer);
  }

  protected abstract startWorker(listener: WorkerListener): PoolWorker;

  protected abstract brokenError(message: string, options: ErrorOptions): BrokenExecutor;

  /**
   * As {@link Executor.submit}. The arguments are copied when the job begins; what cannot be copied is a TypeError of its
   * future. Throws the pool's BrokenThreadPool or BrokenProcessPool if its initializer has failed.
   */
  override submit<A extends unknown[], R>(work: Work<A, R>, ...args: A): ConcurrentFuture<WorkResult<R>> {
    return this.enqueue(work, args, false, {}) as ConcurrentFuture<WorkResult<R>>;
  }

  /**
   * This pool, with options for the jobs that are submitted by what this gives:
   * `pool.with({ terminate: 2 }).submit(work)`. Throws TypeError or ValueError for options that make no sense.
   */
  with(options: JobOptions): Executor {
    const { terminate, signal } = options;
    if (terminate !== undefined) assertSeconds(terminate, "terminate");
    if (terminate !== undefined && terminate < 0) {
      throw new ValueError(`terminate must not be negative: ${terminate}`);
    }
    if (signal !== undefined) assertSignal(signal);
    return new PoolView(this, options);
  }

  /** @internal */
  enqueue(
    work: Work,
    args: readonly unknown[],
    chunk: boolean,
    options: JobOptions,
  ): ConcurrentFuture<unknown> {
    if (this.#broken !== null) throw this.#brokenError();
    if (this.#shutdown !== null) throw new RuntimeError("cannot schedule new futures after shutdown");
    const job = new Job(portable(work), args, chunk, options);
    this.#queue.push(job);
    this.#waiting++;
    job.future.addDoneCallback(() => {
      if (job.future.cancelled() && !job.begun) this.#waiting--;
    });
    this.#dispatch();
    return job.future;
  }

  protected override submitChunk<A extends unknown[], R>(work: Work<A, R>, calls: readonly A[]): Chunk<R> {
    return submitChunk(this, work, calls, {});
  }

  override shutdown(options: ShutdownOptions = {}): ConcurrentFuture<void> {
    this.#shutdown ??= new Shutdown(() => this.unfinished());
    const ended = this.#shutdown.begin(options);
    if (options.cancelFutures) this.#cancelWaiting();
    this.#dispatch();
    return ended;
  }

  #cancelWaiting(): void {
    for (const job of [...this.#queue]) job.future.cancel();
    // Nothing is left for them to do, and an initializer may never end.
    for (const member of this.#members) if (member.starting) member.retire();
  }

  /** End all workers with `signal`, and shut down without waiting for anything. */
  protected endWorkers(signal: NodeJS.Signals): void {
    this.shutdown({ wait: false, cancelFutures: true });
    for (const member of this.#members) member.worker.kill(signal);
  }

  /** Give jobs to those who are free, and see to it that there are enough of them. */
  #dispatch(): void {
    for (let job = this.#nextJob(); job !== null; job = this.#nextJob()) {
      const member = this.#idle.pop();
      if (member === undefined) {
        this.#grow();
        return;
      }
      this.#queue.shift();
      this.#waiting--;
      if (!member.perform(job)) this.#idle.push(member);
    }
    if (this.#shutdown === null) return;
    while (this.#idle.length > 0) this.#idle.pop()!.retire();
    if (this.#members.size === 0) this.#shutdown.complete();
  }

  /** The oldest job that is still wanted. */
  #nextJob(): Job | null {
    while (this.#queue.first?.future.done()) this.#queue.shift();
    return this.#queue.first ?? null;
  }

  #grow(): void {
    const active = [...this.#members].filter((member) => !member.ending);
    const starting = active.filter((member) => member.starting).length;
    const wanted = Math.min(this.#waiting - starting, this.#maxWorkers - active.length);
    for (let i = 0; i < wanted; i++) this.#members.add(this.#startMember());
  }

  #startMember(): Member {
    const member: Member = new Member(this.#initializer, {
      start: (listener) => this.startWorker(listener),
      onReady: () => this.#onReady(member),
      onFree: () => this.#onFree(member),
      onBroken: (error) => this.#onBroken(error),
      onEnd: (ending) => this.#onEnd(member, ending),
      lost: (message, cause) => this.brokenError(message, { cause }),
    });
    return member;
  }

  #onReady(member: Member): void {
    this.#failedStarts = 0;
    this.#onFree(member);
  }

  #onFree(member: Member): void {
    if (member.performed >= this.#maxTasks) member.retire();
    else this.#idle.push(member);
    this.#dispatch();
  }

  #onBroken(error: PortableError): void {
    if (this.#broken !== null) return;
    const cause = decodeError(error);
    logger.error("exception in the initializer of a pool's worker", cause);
    this.#break("the initializer of a worker has failed: the pool cannot be used any more", cause);
  }

  #onEnd(
    member: Member,
    { how, error, wasStarting }: { how: string; error: unknown; wasStarting: boolean },
  ): void {
    this.#members.delete(member);
    const index = this.#idle.indexOf(member);
    if (index >= 0) this.#idle.splice(index, 1);
    if (wasStarting && this.#broken === null && ++this.#failedStarts >= FAILED_STARTS) {
      this.#break(`workers end before they can begin: the last one ${how}${because(error)}`, error);
    }
    this.#dispatch();
  }

  #break(message: string, cause: unknown): void {
    this.#broken = { message, cause };
    for (const member of this.#members) if (!member.busy) member.retire();
    for (let job = this.#nextJob(); job !== null; job = this.#nextJob()) {
      this.#queue.shift();
      this.#waiting--;
      job.failed(this.#brokenError());
    }
  }

  #brokenError(): BrokenExecutor {
    const { message, cause } = this.#broken!;
    return this.brokenError(message, { cause });
  }

  /** @internal What there is to wait for at the end. */
  unfinished(): string {
    const running = [...this.#members].flatMap((member) => member.describe() ?? []);
    const queued = this.#waiting > 0 ? [`${this.#waiting} that have not begun`] : [];
    return [...running, ...queued].join(", ") || "the end of a worker";
  }

  override toString(): string {
    const state = this.#broken !== null ? "broken" : this.#shutdown !== null ? "shut down" : "open";
    return `<${this.constructor.name} ${state} workers=${this.#members.size} waiting=${this.#waiting}>`;
  }
}

/** A pool with options for the jobs that are submitted by it. */
class PoolView extends Executor {
  readonly #pool: PoolExecutor;
  readonly #options: JobOptions;

  constructor(pool: PoolExecutor, options: JobOptions) {
    super();
    this.#pool = pool;
    this.#options = options;
  }

  override submit<A extends unknown[], R>(work: Work<A, R>, ...args: A): ConcurrentFuture<WorkResult<R>> {
    return this.#pool.enqueue(work, args, false, this.#options) as ConcurrentFuture<WorkResult<R>>;
  }

  protected override submitChunk<A extends unknown[], R>(work: Work<A, R>, calls: readonly A[]): Chunk<R> {
    return submitChunk(this.#pool, work, calls, this.#options);
  }

  override shutdown(options?: ShutdownOptions): ConcurrentFuture<void> {
    return this.#pool.shutdown(options);
  }

  override toString(): string {
    return `<${this.#pool} with ${inspect(this.#options, { depth: 0 })}>`;
  }
}

function submitChunk<A extends unknown[], R>(
  pool: PoolExecutor,
  work: Work<A, R>,
  calls: readonly A[],
  options: JobOptions,
): Chunk<R> {
  const [first, ...others] = calls;
  if (first !== undefined && others.length === 0) {
    return [pool.enqueue(work, first, false, options) as ConcurrentFuture<WorkResult<R>>];
  }
  return pool.enqueue(work, calls, true, options) as ConcurrentFuture<WorkResult<R>[]>;
}
