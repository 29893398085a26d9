import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import { RuntimeError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import { Inspectable } from "../core/inspectable.ts";
import { ConcurrentFuture } from "../executors/futures.ts";
import { concurrentWait } from "../executors/waiting.ts";
import type { Address } from "../io/address.ts";
import { assertDuration } from "../io/arguments.ts";
import type { Waiting } from "../io/backend.ts";
import type { ServerCloseOptions } from "../io/server.ts";
import { type ClusterWorker, Crew } from "./crew.ts";
import { checkedSettings, type ServeHandler, type ServeOptions, type ServeSettings } from "./options.ts";
import { bindPorts } from "./ports.ts";

type State = "created" | "starting" | "serving" | "closing" | "closed";

/**
 * A server in several workers, processes or threads, each with a loop of its own. They listen at the same port
 * (SO_REUSEPORT), and the kernel spreads the connections over them. A worker that crashes is reported to the loop's
 * exception handler, and another takes its place. At the end of an `await using` block it is closed.
 *
 * ```ts
 * await using cluster = new Cluster(work(import.meta, handler), { port: 8080 });
 * await cluster.start();
 * process.on("SIGHUP", () => cluster.getLoop().createTask(cluster.restart()));
 * await cluster.serveForever();
 * ```
 *
 * The connections that a worker had end with it; those that waited for it, the next one accepts. For Linux, with koffi
 * installed. Not in Python.
 */
export class Cluster extends Inspectable implements AsyncDisposable {
  readonly #settings: ServeSettings;
  /** Fails when all is given up, is cancelled when the cluster is closed. */
  readonly #over = new ConcurrentFuture<never>();
  #loop: BaseEventLoop | null = null;
  #crew: Crew | null = null;
  #state: State = "created";

  /**
   * `handler` is called with a reader and a writer for each connection, as that of `startServer`.
   *
   * Throws TypeError or ValueError for options that make no sense, and for a handler or options that cannot be sent.
   */
  constructor(handler: ServeHandler, options: ServeOptions = {}) {
    super();
    this.#settings = checkedSettings(handler, options);
  }

  /** The loop that the cluster belongs to: the one in which it was started. Throws RuntimeError before. */
  getLoop(): BaseEventLoop {
    if (this.#loop === null) throw new RuntimeError(`${this} is not started`);
    return this.#loop;
  }

  /** Where the workers listen: none before the start, nor once closed. */
  get addresses(): readonly Address[] {
    return this.#crew?.addresses ?? [];
  }

  /** The workers of this moment. While one takes the place of another, both are there. */
  get workers(): ClusterWorker[] {
    return this.#crew?.describe() ?? [];
  }

  /**
   * Start the workers; done when all of them listen.
   *
   * Throws OSError if an address cannot be had (`EADDRINUSE`, …), gaierror if a name does not resolve; what the
   * handler's module or the initializer throws in a worker; RuntimeError if a worker ends at once, or the cluster was
   * started before; NotImplementedError where workers cannot share a port. Cancel safety: nothing is left.
   */
  start(): Coroutine<void> {
    return new Coroutine(() => this.#start(), "Cluster.start");
  }

  /**
   * Serve until cancelled, or until somebody closes the cluster; then close it, and throw the CancelledError. Throws
   * RuntimeError if it is not started, and with the last worker's error as its cause if one has crashed too often.
   */
  serveForever(): Coroutine<never> {
    return new Coroutine(() => this.#serveForever(), "Cluster.serveForever");
  }

  /**
   * Put a new worker in the place of each, one after the other: with the code and the files that are there now. A new one
   * listens before the old one stops, so that no connection is refused. Done when the old ones have finished theirs.
   *
   * Throws RuntimeError if the cluster does not serve; what {@link start} throws if a new worker does not come up: then
   * the old one stays, and those behind it. Cancel safety: the same.
   */
  restart(): Coroutine<void> {
    return new Coroutine(() => this.#restart(), "Cluster.restart");
  }

  /**
   * Stop accepting, and wait until the connections are gone and the workers have ended. After `drain` seconds, by
   * default those of the options, handlers are cancelled and connections aborted; a worker that has not ended `grace`
   * seconds later is killed, and named to the loop's exception handler.
   *
   * Throws TypeError or ValueError if `drain` is not 0 or more seconds. Cancel safety: the workers are killed.
   */
  close({ drain }: ServerCloseOptions = { drain: this.#settings.drain }): Coroutine<void> {
    assertDuration("drain", drain);
    return new Coroutine(() => this.#close(drain), "Cluster.close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  *#start(): Waiting<void> {
    if (this.#state !== "created") throw new RuntimeError(`${this} was started before`);
    this.#state = "starting";
    const loop = getRunningLoop();
    this.#loop = loop;
    try {
      const ports = yield* bindPorts(this.#settings);
      this.#crew = new Crew(loop, this.#settings, ports, (error) => this.#giveUp(error));
      if (this.#state !== "starting") throw new RuntimeError("the cluster was closed meanwhile");
      yield* this.#crew.start();
    } catch (error) {
      yield* this.#close(0);
      throw error;
    }
    if (this.#state === "starting") this.#state = "serving";
  }

  *#serveForever(): Waiting<never> {
    this.#assertServing();
    try {
      yield* concurrentWait([this.#over]);
      return this.#over.result();
    } finally {
      yield* this.#close(this.#settings.drain);
    }
  }

  *#restart(): Waiting<void> {
    yield* this.#assertServing().restart();
  }

  *#close(drain: number): Waiting<void> {
    if (this.#state !== "closed") this.#state = "closing";
    try {
      if (this.#crew !== null) yield* this.#crew.close(drain);
    } finally {
      this.#state = "closed";
      this.#over.cancel();
    }
  }

  #assertServing(): Crew {
    if (this.#state === "serving" && this.#crew !== null) return this.#crew;
    throw new RuntimeError(`${this} does not serve`);
  }

  #giveUp(error: unknown): void {
    if (!this.#over.done()) this.#over.setException(error);
    this.getLoop().createTask(this.close());
  }

  override toString(): string {
    const { kind, workers } = this.#settings;
    return `<Cluster ${this.#state} kind=${kind} workers=${workers}>`;
  }
}
