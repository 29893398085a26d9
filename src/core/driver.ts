/**
 * Where a loop gets its time, its I/O and its turns from. The loop itself knows none of Node's handles: the real
 * driver hosts it in libuv, a virtual one jumps from timer to timer.
 */
export interface Driver {
  /** The loop's clock: seconds, monotonic, from an arbitrary start. */
  time(): number;

  /** How much earlier than its due time a timer may run, in seconds: one tick of the clock. */
  readonly resolution: number;

  /** A run of the loop begins: the process must stay alive until {@link end}. */
  begin(): void;

  /** The run is over. */
  end(): void;

  /**
   * The loop has nothing to run for `timeout` seconds (null: until {@link wake}). Returns true if it may go on at
   * once; else calls `resume`, once, when the time is over or {@link wake} was called.
   *
   * A timeout of 0 is a busy loop asking: a driver that has others to serve lets them have a turn now and then.
   */
  wait(timeout: number | null, resume: () => void): boolean;

  /** End a {@link wait} early: something was queued. Does nothing if the loop is awake. */
  wake(): void;

  /** Queue the callbacks of all I/O that is ready now, without waiting for any. */
  poll(): void;

  /** Call `resume` as soon as no microtask is left, with the AsyncLocalStorage values of the caller. */
  afterMicrotasks(resume: () => void): void;
}

/**
 * A microtask that asks for a tick: Node runs ticks when the microtask queue is empty, also when the microtasks
 * themselves queued more. A tick alone would come too early: from a macrotask or a tick, ticks run before microtasks.
 */
export function afterMicrotasks(resume: () => void): void {
  settled.then(() => process.nextTick(resume));
}

const settled = Promise.resolve();
