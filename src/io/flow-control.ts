import type { BaseEventLoop } from "../core/base-events.ts";
import { NotImplementedError, osError, RuntimeError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import type { Future } from "../core/futures.ts";
import { logger } from "../core/log.ts";
import type { Waiting } from "./backend.ts";
import { Protocol } from "./protocols.ts";
import type { Transport } from "./transports.ts";

/** What waits for nothing. It has ended, so it can be shared. */
const AT_ONCE: Waiting<void> = (function* () {})();
AT_ONCE.next();

/** Tasks that wait for the same thing. Each has a future of its own: cancelling one leaves the others alone. */
export class Waiters {
  readonly #loop: BaseEventLoop;
  /** Made when somebody waits: most never do. */
  #futures: Set<Future<void>> | null = null;

  constructor(loop: BaseEventLoop) {
    this.#loop = loop;
  }

  /** Whether nobody waits. */
  isEmpty(): boolean {
    return this.#futures === null || this.#futures.size === 0;
  }

  /** Wait for {@link release}. */
  *wait(): Waiting<void> {
    const future = this.#loop.createFuture<void>();
    this.#futures ??= new Set();
    this.#futures.add(future);
    try {
      yield* future;
    } finally {
      this.#futures.delete(future);
    }
  }

  /** All who wait go on, or get `error`. */
  release(error: Error | null): void {
    for (const future of this.#futures ?? []) {
      if (future.done()) continue;
      if (error === null) future.setResult(undefined);
      else future.setException(error);
    }
  }
}

/**
 * A protocol that knows whether its transport wants to be written to: what {@link StreamWriter.drain} needs. A subclass
 * that overrides one of its methods calls it. Python: `asyncio.streams.FlowControlMixin`.
 */
export class FlowControlMixin extends Protocol {
  /** @internal */
  protected readonly loop: BaseEventLoop;
  readonly #drainers: Waiters;
  #paused = false;
  #connectionLost = false;

  /** Throws RuntimeError if no loop is given and none runs. */
  constructor({ loop = getRunningLoop() }: { loop?: BaseEventLoop } = {}) {
    super();
    this.loop = loop;
    this.#drainers = new Waiters(loop);
  }

  override pauseWriting(): void {
    if (this.#paused) throw new RuntimeError("pauseWriting() called twice without resumeWriting()");
    this.#paused = true;
    this.#log("pauses");
  }

  override resumeWriting(): void {
    if (!this.#paused) throw new RuntimeError("resumeWriting() called without pauseWriting()");
    this.#paused = false;
    this.#log("resumes");
    this.#drainers.release(null);
  }

  override connectionLost(error: Error | null): void {
    this.#connectionLost = true;
    this.#drainers.release(error);
  }

  /** Wait until the transport wants to be written to. Throws ConnectionResetError once the connection is lost. */
  drained(): Waiting<void> {
    if (this.#connectionLost) throw osError("ECONNRESET", "the connection is lost");
    return this.#paused ? this.#drainers.wait() : AT_ONCE;
  }

  /** @internal It has another transport now, which speaks TLS. */
  upgraded(_transport: Transport): void {}

  /** @internal Take out what came in and was not read. */
  takeUnread(): Buffer {
    return Buffer.alloc(0);
  }

  /** Wait until what `_writer` writes to is closed. */
  *closed(_writer: object): Waiting<void> {
    throw new NotImplementedError(`${this.constructor.name} does not tell when it is closed`);
  }

  #log(does: string): void {
    if (this.loop.getDebug()) logger.debug(`${this.constructor.name} ${does} writing`);
  }
}
