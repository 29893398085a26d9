import { RuntimeError } from "../core/errors.ts";
import { ConcurrentFuture } from "../executors/futures.ts";
import type { FromWorker } from "../executors/messages.ts";
import { because, type Ending, type PoolWorker, type WorkerListener } from "../executors/pool-worker.ts";
import { decodeError } from "../executors/remote-errors.ts";
import { type WorkerCall, type WorkerSetup, workerCall } from "./setup.ts";

/** What a worker is at. */
export type WorkerState = "starting" | "listening" | "draining" | "ended";

/** What a worker needs of whoever has it. */
export interface ServingHost {
  start(listener: WorkerListener): PoolWorker;
  /** It was sent SIGTERM by others. */
  onLeaving(worker: ServingWorker): void;
  onEnd(worker: ServingWorker): void;
}

/** A worker that serves connections, seen from outside. */
export class ServingWorker implements WorkerListener {
  /** Completed when it listens; fails if it never will. */
  readonly ready = new ConcurrentFuture<void>();
  /** Completed when it does not accept any more. */
  readonly stopped = new ConcurrentFuture<void>();
  readonly ended = new ConcurrentFuture<void>();
  /** Why it ended, unless it was asked to. */
  error: unknown = null;
  readonly #worker: PoolWorker;
  readonly #host: ServingHost;
  readonly #answers = new Map<number, (error: unknown) => void>();
  #state: WorkerState = "starting";
  #listeningSince = Number.POSITIVE_INFINITY;
  #asked = false;
  #calls = 0;

  constructor(setup: WorkerSetup, host: ServingHost) {
    this.#host = host;
    this.#worker = host.start(this);
    this.#worker.post({ kind: "begin", initializer: { work: workerCall("listen"), args: [setup] } }, []);
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** Such as "worker process 4711". */
  get name(): string {
    return this.#worker.name;
  }

  /** The pid of a process, the number of a thread. */
  get id(): number {
    return this.#worker.id;
  }

  /** Whether it was asked to end. */
  get asked(): boolean {
    return this.#asked;
  }

  /** Whether it has ever listened. */
  get listened(): boolean {
    return this.#listeningSince < Number.POSITIVE_INFINITY;
  }

  /** How many seconds ago it began to listen. */
  get age(): number {
    return this.listened ? (performance.now() - this.#listeningSince) / 1000 : 0;
  }

  /** Let it end: accept no more, and give the connections so many seconds. One that does not listen yet is killed. */
  drain(seconds: number): void {
    if (this.#state === "ended") return;
    this.#asked = true;
    if (this.#state === "starting") {
      this.kill();
      return;
    }
    this.#state = "draining";
    this.#worker.hold(true);
    this.#call("stopAccepting", [seconds], () => settle(this.stopped));
    this.#call("drain", [], (error) => {
      this.error ??= error;
      this.#worker.end();
    });
  }

  kill(): void {
    this.#asked = true;
    if (this.#state !== "ended") this.#worker.kill("SIGKILL");
  }

  onMessage(message: FromWorker): void {
    if (message.kind === "ready") this.#onReady();
    else if (message.kind === "broken") this.#onBroken(decodeError(message.error));
    else if (message.kind !== "uncaught")
      this.#onAnswer(message.id, message.kind === "error" ? decodeError(message.error) : null);
  }

  onGarbled(error: Error): void {
    this.error ??= error;
    this.#worker.kill("SIGKILL");
  }

  onEnd({ how, error }: Ending): void {
    this.#state = "ended";
    this.error ??= this.#asked
      ? null
      : new RuntimeError(`${this.name} ${how}${because(error)}`, { cause: error });
    if (!this.ready.done())
      this.ready.setException(this.error ?? new RuntimeError(`${this.name} was ended before it listened`));
    settle(this.stopped);
    settle(this.ended);
    this.#host.onEnd(this);
  }

  #onReady(): void {
    if (this.#state !== "starting" || this.#asked) return;
    this.#state = "listening";
    this.#listeningSince = performance.now();
    this.#worker.hold(false);
    this.#call("untilTerminated", [], () => this.#host.onLeaving(this));
    settle(this.ready);
  }

  #onBroken(error: unknown): void {
    this.error ??= error;
    this.#worker.end();
  }

  #call(name: WorkerCall, args: readonly unknown[], onAnswer: (error: unknown) => void): void {
    const id = ++this.#calls;
    this.#answers.set(id, onAnswer);
    this.#worker.post({ kind: "job", id, work: workerCall(name), args, chunk: false }, []);
  }

  #onAnswer(id: number, error: unknown): void {
    this.#answers.get(id)?.(error);
    this.#answers.delete(id);
  }
}

function settle(future: ConcurrentFuture<void>): void {
  if (!future.done()) future.setResult();
}
