import type { BaseEventLoop } from "../core/base-events.ts";
import { RuntimeError } from "../core/errors.ts";
import type { TimerHandle } from "../core/handles.ts";
import type { PoolWorker, WorkerListener } from "../executors/pool-worker.ts";
import type { Waiting } from "../io/backend.ts";
import { ServingWorker } from "./serving-worker.ts";
import type { WorkerSetup } from "./setup.ts";

/** Seconds for which a worker must have listened, or its crash is one more in a row. */
const STABLE = 1;

/** Seconds before the second replacement in a row, and at the most. */
const FIRST_DELAY = 0.1;
const LONGEST_DELAY = 2;

/** What a place needs of the cluster. */
export interface PlaceHost {
  readonly loop: BaseEventLoop;
  readonly drain: number;
  readonly grace: number;
  readonly maxCrashes: number;
  setup(place: number): WorkerSetup;
  startWorker(place: number, listener: WorkerListener): PoolWorker;
  /** A worker has crashed, the last one of so many in a row. */
  onCrash(worker: ServingWorker, crashes: number): void;
  /** A worker has not ended within so many seconds. */
  onLate(worker: ServingWorker, seconds: number): void;
}

/** The place of one worker among others: when that ends, another one takes it. */
export class Place {
  readonly index: number;
  /** All that have it, the one that is to keep it last. */
  readonly workers = new Set<ServingWorker>();
  /** How many have had it before. */
  restarts = -1;
  readonly #host: PlaceHost;
  #current: ServingWorker | null = null;
  #crashes = 0;
  #retry: TimerHandle | null = null;
  #closed = false;

  constructor(index: number, host: PlaceHost) {
    this.index = index;
    this.#host = host;
  }

  /** Its first worker. */
  *start(): Waiting<void> {
    this.#current = this.#launch();
    yield* this.#current.ready;
  }

  /** Put a new worker in the place of the one that has it, as soon as the new one listens. Gives the old one. */
  *replace(): Waiting<ServingWorker | null> {
    const next = this.#launch();
    try {
      yield* next.ready;
    } catch (error) {
      next.kill();
      throw error;
    }
    const old = this.#current;
    this.#take(next);
    if (old !== null) this.#drain(old, this.#host.drain);
    return old;
  }

  /** Let all of them end; nobody takes the place any more. */
  close(seconds: number): void {
    this.#closed = true;
    this.#retry?.cancel();
    for (const worker of this.workers) this.#drain(worker, seconds);
  }

  #launch(): ServingWorker {
    if (this.#closed) throw new RuntimeError("the cluster was closed meanwhile");
    const worker = new ServingWorker(this.#host.setup(this.index), {
      start: (listener) => this.#host.startWorker(this.index, listener),
      onLeaving: (leaving) => this.#onLeaving(leaving),
      onEnd: (ended) => this.#onEnd(ended),
    });
    this.workers.add(worker);
    this.restarts++;
    return worker;
  }

  #take(worker: ServingWorker): void {
    this.#retry?.cancel();
    this.#retry = null;
    this.#current = worker;
  }

  /** It goes on until the next one listens. */
  #onLeaving(worker: ServingWorker): void {
    if (this.#closed || worker !== this.#current) return;
    this.#take(this.#launch());
    this.#current!.ready.addDoneCallback(() => this.#drain(worker, this.#host.drain));
  }

  #onEnd(worker: ServingWorker): void {
    this.workers.delete(worker);
    if (worker !== this.#current) return;
    this.#current = null;
    if (this.#closed || worker.asked || this.#host.loop.isClosed()) return;
    // The first ones tell start() why, and nobody is to take their place.
    if (this.restarts === 0 && !worker.listened) return;
    this.#crashes = worker.age < STABLE ? this.#crashes + 1 : 1;
    this.#host.onCrash(worker, this.#crashes);
    if (this.#crashes <= this.#host.maxCrashes) this.#relaunchSoon();
  }

  #drain(worker: ServingWorker, seconds: number): void {
    const { loop, grace } = this.#host;
    worker.drain(seconds);
    if (!Number.isFinite(seconds + grace)) return;
    const timer = loop.callLater(seconds + grace, () => this.#host.onLate(worker, seconds + grace));
    worker.ended.addDoneCallback(() => timer.cancel());
  }

  #relaunchSoon(): void {
    const delay = this.#crashes <= 1 ? 0 : FIRST_DELAY * 2 ** (this.#crashes - 2);
    this.#retry = this.#host.loop.callLater(Math.min(delay, LONGEST_DELAY), () => {
      this.#take(this.#launch());
    });
  }
}
