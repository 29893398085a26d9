import { constants } from "node:os";
import { logger } from "../../core/log.ts";
import { close } from "./descriptor.ts";
import type { SelectorEvents } from "./selector-events.ts";
import type { SpawnCalls } from "./spawn-calls.ts";

const { EINTR } = constants.errno;

const WNOHANG = 1;

/** What wait(2) would say of an exit with code 255. */
const UNKNOWN = 255 << 8;

/** The longest time between two looks at a process whose loop is closed, in milliseconds. */
const SELDOM = 1000;

const found = new Int32Array(1);

/** Collects a process when it has exited, and tells its status: in the loop's turn, or later on if the loop is closed. */
export class ExitWatch {
  readonly exclusive = true;
  readonly #calls: SpawnCalls;
  readonly #events: SelectorEvents;
  readonly #pid: number;
  readonly #pidfd: number;
  readonly #onExit: (status: number) => void;
  #isOver = false;

  /** `pidfd` belongs to it from now on, even if it throws: OSError, where it cannot be watched. */
  constructor(
    calls: SpawnCalls,
    events: SelectorEvents,
    pid: number,
    pidfd: number,
    onExit: (status: number) => void,
  ) {
    this.#calls = calls;
    this.#events = events;
    this.#pid = pid;
    this.#pidfd = pidfd;
    this.#onExit = onExit;
    events.own(this);
    try {
      events.add("reader", pidfd, () => this.#collect());
    } catch (error) {
      events.closeOwned(this);
      throw error;
    }
  }

  fileno(): number {
    return this.#pidfd;
  }

  close(): void {
    close(this.#pidfd);
    if (!this.#isOver) this.#collectLater(1);
  }

  #collect(): void {
    const status = this.#status();
    if (status === null) return;
    this.#isOver = true;
    this.#events.closeOwned(this);
    this.#onExit(status);
  }

  /** Nobody is told by the kernel any more. It does not keep this process alive. */
  #collectLater(delay: number): void {
    const look = () => {
      const status = this.#status();
      if (status !== null) this.#onExit(status);
      else this.#collectLater(Math.min(2 * delay, SELDOM));
    };
    setTimeout(look, delay).unref();
  }

  #status(): number | null {
    const result = this.#calls.waitpid(this.#pid, found, WNOHANG);
    if (result > 0) return found[0]!;
    if (result === 0 || result === -EINTR) return null;
    logger.warn(`somebody else has collected the process ${this.#pid}: its return code counts as 255`);
    return UNKNOWN;
  }
}
