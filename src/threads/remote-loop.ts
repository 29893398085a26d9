import { Inspectable } from "../core/inspectable.ts";
import type { ConcurrentFuture } from "../executors/futures.ts";
import { portable, type Work, type WorkResult } from "../executors/work.ts";
import { Connection } from "./connection.ts";
import { assertAddress, type LoopAddress } from "./loop-address.ts";

/**
 * A loop that runs in another thread, by the address that its `threadsafe()` gave. It keeps this thread alive
 * until that loop's thread knows of it, and while somebody waits for an answer.
 *
 * ```ts
 * const loop = new RemoteLoop(workerData.loop);
 * loop.callSoonThreadsafe(work(main, "progress"), 0.5);
 * const row = runCoroutineThreadsafe(work(main, "query"), loop, "select 1").result(10);
 * ```
 *
 * Functions are named by `work()` or need nothing of their surroundings, see {@link Work}: they are imported, and called, in
 * the loop's thread.
 */
export class RemoteLoop extends Inspectable implements Disposable {
  /** To pass on to other threads. */
  readonly address: LoopAddress;
  readonly #connection: Connection;

  /** Throws TypeError for what is no address, RuntimeError if the loop is closed. */
  constructor(address: LoopAddress) {
    super();
    assertAddress(address);
    this.address = address;
    this.#connection = new Connection(address);
  }

  /**
   * Have `work(...args)` called in a turn of the loop; in the order of the calls of this object. Returns a handle to cancel
   * it with. An error that it throws goes to that loop's exception handler.
   *
   * Throws RuntimeError if the loop is closed or its thread has ended; TypeError or ValueError for work or arguments that
   * cannot be sent. Python: `loop.call_soon_threadsafe`.
   */
  callSoonThreadsafe<A extends unknown[], R>(work: Work<A, R>, ...args: A): RemoteHandle {
    const connection = this.#connection;
    const id = connection.call(portable(work), args);
    return new RemoteHandle(() => connection.cancel(id));
  }

  /** @internal What `runCoroutineThreadsafe` does. */
  runCoroutine<A extends unknown[], R>(work: Work<A, R>, args: A): ConcurrentFuture<WorkResult<R>> {
    return this.#connection.run(portable(work), args) as ConcurrentFuture<WorkResult<R>>;
  }

  /** Whether the loop is closed, or known to be out of reach. */
  isClosed(): boolean {
    return this.#connection.ended !== null;
  }

  /**
   * Give up the connection, not the loop. Futures that are pending fail here with RuntimeError; what they stand for goes on
   * there. Can be repeated.
   */
  close(): void {
    this.#connection.end("this connection to the event loop is closed");
  }

  /** {@link close}, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  override toString(): string {
    return `<RemoteLoop thread=${this.address.threadId} closed=${this.isClosed()}>`;
  }
}

/** A callback in a loop of another thread that waits for its turn. Python: `asyncio.Handle`. */
export class RemoteHandle extends Inspectable implements Disposable {
  readonly #cancel: () => void;
  #cancelled = false;

  /** @internal */
  constructor(cancel: () => void) {
    super();
    this.#cancel = cancel;
  }

  /** Do not call the callback, if it has not been called when this arrives. Python: `Handle.cancel`. */
  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#cancel();
  }

  /** {@link cancel}, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.cancel();
  }

  /** Whether {@link cancel} was called. Python: `Handle.cancelled`. */
  cancelled(): boolean {
    return this.#cancelled;
  }

  override toString(): string {
    return this.#cancelled ? "<RemoteHandle cancelled>" : "<RemoteHandle>";
  }
}
