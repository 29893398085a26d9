import { Job, Queue } from "bullmq";
import { onAbort } from "../../core/abort-signals.ts";
import { LookupError, RuntimeError } from "../../core/errors.ts";
import { logger } from "../../core/log.ts";
import { Cancellations } from "./cancellations.ts";
import { Connection, type RedisAddress } from "./connection.ts";
import { type QueueEvent, QueueEventReader } from "./events.ts";
import { Followers } from "./followers.ts";
import { BullmqFuture } from "./future.ts";
import { type BullmqJobOptions, jobsOptions } from "./options.ts";
import { outcomeOf, resultOf } from "./outcome.ts";
import type { JobData, ReturnValue } from "./payload.ts";

/** Milliseconds after which jobs are looked at of which no event may ever tell: Redis keeps the last 10,000 events only. */
const CHECK = 30_000;

/** So many jobs are looked at at once. */
const BATCH = 100;

/** States in which no worker has the job, nor has had it to the end. */
const QUEUED = ["waiting", "delayed", "prioritized", "paused"];

/** A queue in Redis, seen from where jobs are submitted. */
export class QueueClient {
  readonly #connection: Connection;
  readonly #queue: Queue<JobData, ReturnValue | null>;
  readonly #events: QueueEventReader;
  readonly #cancellations: Cancellations;
  readonly #followers = new Followers();
  /** Jobs that are not in Redis yet: that they are not found there means nothing. */
  readonly #unsent = new Set<string>();
  /** Their futures, as long as BullMQ has not been given them either. */
  readonly #unbegun = new Set<BullmqFuture>();
  /** What is said to Redis, and not yet answered; it is waited for at the end. */
  readonly #underWay = new Set<Promise<void>>();
  readonly #onIdle: () => void;
  readonly #timer: NodeJS.Timeout;
  #closing: Promise<void> | null = null;

  constructor(name: string, address: RedisAddress, prefix: string, onIdle: () => void) {
    this.#onIdle = onIdle;
    this.#connection = new Connection(address);
    this.#queue = new Queue(name, { connection: this.#connection.redis, prefix });
    // What is wrong with the connection, that itself says; what is wrong with a call, whoever made it.
    this.#queue.on("error", () => {});
    const key = this.#queue.qualifiedName;
    this.#cancellations = new Cancellations(this.#connection.redis, key);
    this.#events = new QueueEventReader(address, key, {
      onEvent: (event) => this.#onEvent(event),
      onConnected: () => this.#checkAll(),
    });
    this.#timer = setInterval(() => this.#checkAll(), CHECK).unref();
    this.#rest();
  }

  submit(data: JobData, options: BullmqJobOptions): BullmqFuture {
    const future = this.#follow(options.jobId ?? crypto.randomUUID());
    this.#unsent.add(future.id);
    this.#unbegun.add(future);
    this.#do(() => this.#send(future, data, options), future);
    const { signal } = options;
    if (signal === undefined) return future;
    const stopListening = onAbort(signal, () => future.cancel());
    future.addDoneCallback(stopListening);
    return future;
  }

  pickUp(id: string): BullmqFuture {
    const future = this.#follow(id);
    this.#rest();
    this.#attempt(() => this.#events.started.then(() => this.#check(id)), future);
    return future;
  }

  get pending(): BullmqFuture[] {
    return this.#followers.futures;
  }

  /** What is under way goes out; jobs stay as they are. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    for (const future of this.pending) {
      const gone = `the executor was closed; the job ${future.id} goes on: pick it up by its id`;
      future.fail(new RuntimeError(gone));
    }
    await this.#events.close();
    await this.#queue.close();
    await this.#connection.disconnect();
  }

  #follow(id: string): BullmqFuture {
    const future: BullmqFuture = new BullmqFuture(id, () => this.#do(() => this.#cancel(id), null));
    this.#followers.add(future);
    future.addDoneCallback(() => {
      if (!this.#unbegun.delete(future) && future.withdrawn) this.#do(() => this.#cancel(id), null);
      this.#rest();
    });
    return future;
  }

  async #send(future: BullmqFuture, data: JobData, options: BullmqJobOptions): Promise<void> {
    const { id } = future;
    try {
      await this.#untilStarted(future);
      if (future.done()) return;
      this.#unbegun.delete(future);
      await this.#queue.add(data.work.name, data, jobsOptions(id, options));
      future.follow({ kind: "queued" });
    } finally {
      this.#unsent.delete(id);
    }
    // It may be there from before, and done.
    if (options.jobId !== undefined) await this.#check(id);
  }

  /** Or until the future is done: one that is cancelled while Redis is away does not wait for it. */
  async #untilStarted(future: BullmqFuture): Promise<void> {
    const done = new Promise<void>((resolve) => future.addDoneCallback(() => resolve()));
    await Promise.race([this.#events.started, done]);
  }

  async #cancel(id: string): Promise<void> {
    // In this order a worker that begins meanwhile knows of it, and none has completed a job that is removed.
    await this.#cancellations.request(id);
    const state = await this.#queue.getJobState(id);
    if (state === "active") return;
    if (QUEUED.includes(state) && (await this.#queue.remove(id)) !== 1) return;
    await this.#cancellations.forget(id);
  }

  /** Hold the process until it is answered. What goes wrong is the future's error, if it is that of one. */
  #do(step: () => Promise<void>, future: BullmqFuture | null): void {
    if (this.#closing !== null && this.#underWay.size === 0) return;
    const done = this.#attempt(step, future).then(() => {
      this.#underWay.delete(done);
      this.#rest();
    });
    this.#underWay.add(done);
    this.#rest();
  }

  async #attempt(step: () => Promise<void>, future: BullmqFuture | null): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (future === null) logger.warn("a job could not be cancelled", error);
      else future.fail(error);
    }
  }

  #rest(): void {
    const busy = this.#underWay.size > 0 || this.#followers.size > 0;
    this.#connection.hold(busy);
    this.#events.hold(busy);
    if (!busy) this.#onIdle();
  }

  #onEvent({ event, jobId, returnvalue }: QueueEvent): void {
    if (jobId === undefined || !this.#followers.has(jobId)) return;
    if (event === "active") this.#followers.tell(jobId, { kind: "begun" });
    else if (event === "removed") this.#followers.tell(jobId, { kind: "cancelled" });
    else if (event === "completed") this.#onCompleted(jobId, returnvalue!);
    else if (event === "failed") this.#checkSoon(jobId);
  }

  #onCompleted(id: string, text: string): void {
    const returnvalue: ReturnValue | null = JSON.parse(text);
    if (returnvalue === null || !("value" in returnvalue)) this.#checkSoon(id);
    else this.#followers.tell(id, resultOf(returnvalue.value));
  }

  #checkSoon(id: string): void {
    this.#check(id).catch((error: unknown) => {
      // Redis went away: all are checked when it is back.
      logger.debug(`the job ${id} could not be looked up`, error);
    });
  }

  async #check(id: string): Promise<void> {
    const job = await Job.fromId<JobData, ReturnValue | null>(this.#queue, id);
    if (job !== undefined) this.#followers.tell(id, outcomeOf(job));
    else if (!this.#unsent.has(id)) this.#followers.fail(id, this.#missing(id));
  }

  #missing(id: string): LookupError {
    return new LookupError(
      `the queue ${this.#queue.name} has no job ${id}: there was none, or it is not kept any more`,
    );
  }

  async #checkAll(): Promise<void> {
    const ids = this.#followers.ids.filter((id) => !this.#unsent.has(id));
    try {
      for (let i = 0; i < ids.length; i += BATCH) {
        await Promise.all(ids.slice(i, i + BATCH).map((id) => this.#check(id)));
      }
    } catch (error) {
      logger.debug("jobs could not be looked up", error);
    }
  }
}
