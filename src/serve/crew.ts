import { gatherAll } from "../concurrency/gather.ts";
import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import { RuntimeError } from "../core/errors.ts";
import type { PoolWorker, WorkerListener } from "../executors/pool-worker.ts";
import { concurrentWait } from "../executors/waiting.ts";
import { FIRST_INHERITED, WorkerProcess } from "../executors/worker-process.ts";
import { WorkerThread } from "../executors/worker-thread.ts";
import type { Address } from "../io/address.ts";
import type { Waiting } from "../io/backend.ts";
import type { ServeSettings } from "./options.ts";
import { Place, type PlaceHost } from "./place.ts";
import type { Ports } from "./ports.ts";
import type { ServingWorker, WorkerState } from "./serving-worker.ts";
import type { WorkerSetup } from "./setup.ts";

/** A worker of a `Cluster`, as it is now. */
export interface ClusterWorker {
  /** Such as "worker process 4711". */
  readonly name: string;
  /** The pid of a process, the number of a thread. */
  readonly id: number;
  readonly state: WorkerState;
  /** Which of the cluster's places it has, from 0 on. */
  readonly place: number;
  /** How many workers this place has had before the latest one. */
  readonly restarts: number;
}

/** The workers of a cluster, and the ports that they listen at. */
export class Crew implements PlaceHost {
  readonly loop: BaseEventLoop;
  readonly #settings: ServeSettings;
  readonly #ports: Ports;
  readonly #places: readonly Place[];
  readonly #onGivenUp: (error: unknown) => void;
  #closed = false;

  /** `onGivenUp` is told of the error of a worker that has crashed too often. The ports belong to the crew then. */
  constructor(
    loop: BaseEventLoop,
    settings: ServeSettings,
    ports: Ports,
    onGivenUp: (error: unknown) => void,
  ) {
    this.loop = loop;
    this.#settings = settings;
    this.#ports = ports;
    this.#onGivenUp = onGivenUp;
    this.#places = Array.from({ length: settings.workers }, (_, index) => new Place(index, this));
  }

  get drain(): number {
    return this.#settings.drain;
  }

  get grace(): number {
    return this.#settings.grace;
  }

  get maxCrashes(): number {
    return this.#settings.maxCrashes;
  }

  get addresses(): readonly Address[] {
    return this.#closed ? [] : this.#ports.addresses;
  }

  /** Done when all listen. */
  *start(): Waiting<void> {
    const starts = this.#places.map((place) => new Coroutine(() => place.start(), "Cluster.start"));
    yield* gatherAll(starts, false);
  }

  /** Done when those that were replaced have ended. */
  *restart(): Waiting<void> {
    const old: ServingWorker[] = [];
    for (const place of this.#places) {
      const worker = yield* place.replace();
      if (worker !== null) old.push(worker);
    }
    yield* concurrentWait(old.map(({ ended }) => ended));
  }

  /** Done when all have ended. */
  *close(drain: number): Waiting<void> {
    this.#closed = true;
    for (const place of this.#places) place.close(drain);
    const workers = this.#workers();
    try {
      // A thread listens at our descriptors, not at its own.
      yield* concurrentWait(workers.map(({ stopped }) => stopped));
      this.#ports.close();
      yield* concurrentWait(workers.map(({ ended }) => ended));
    } catch (error) {
      for (const worker of workers) worker.kill();
      yield* concurrentWait(workers.map(({ ended }) => ended));
      throw error;
    } finally {
      this.#ports.close();
    }
  }

  describe(): ClusterWorker[] {
    return this.#places.flatMap((place) =>
      Array.from(place.workers, ({ name, id, state }) => {
        return { name, id, state, place: place.index, restarts: place.restarts };
      }),
    );
  }

  setup(place: number): WorkerSetup {
    const { handler, initializer, server, kind } = this.#settings;
    const { backend } = this.loop as { backend?: WorkerSetup["backend"] };
    const borrowed = kind === "thread";
    const own = this.#ports.descriptors(place);
    const descriptors = borrowed ? own : own.map((_, index) => FIRST_INHERITED + index);
    return { handler, initializer, server, backend, descriptors, borrowed };
  }

  startWorker(place: number, listener: WorkerListener): PoolWorker {
    const { kind, env, execArgv, resourceLimits } = this.#settings;
    if (kind === "thread") return new WorkerThread({ name: `serve_${place}`, resourceLimits }, listener);
    return new WorkerProcess({ env, execArgv, descriptors: this.#ports.descriptors(place) }, listener);
  }

  onCrash(worker: ServingWorker, crashes: number): void {
    const { error } = worker;
    if (crashes <= this.maxCrashes) {
      this.#report(`${worker.name} of a cluster crashed; another one takes its place`, error);
      return;
    }
    const message = `the workers of a cluster crash again and again, ${crashes} times in a row: it is closed`;
    this.#report(message, error);
    this.#onGivenUp(new RuntimeError(message, { cause: error }));
  }

  onLate(worker: ServingWorker, seconds: number): void {
    this.#report(`${worker.name} of a cluster has not ended within ${seconds} s, and is killed`);
    worker.kill();
  }

  #workers(): ServingWorker[] {
    return this.#places.flatMap((place) => [...place.workers]);
  }

  #report(message: string, exception?: unknown): void {
    this.loop.callExceptionHandler({ message, ...(exception !== undefined && { exception }) });
  }
}
