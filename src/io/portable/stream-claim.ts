import type { Duplex, Readable, Writable } from "node:stream";
import type { BaseEventLoop } from "../../core/base-events.ts";
import { RuntimeError } from "../../core/errors.ts";

type Direction = "reading" | "writing";
type NodeStream = Readable | Writable;
type Listener = Parameters<Readable["on"]>[1];

/** What is claimed of each stream. */
const claimed = new WeakMap<NodeStream, Set<Direction>>();
/** What the transports of a loop have. */
const open = new WeakMap<BaseEventLoop, Set<StreamClaim>>();

/**
 * One direction of a stream of Node's, which a transport has until it lets go. Reading does not keep the process alive
 * meanwhile: the loop does, while it runs.
 */
export class StreamClaim {
  readonly #loop: BaseEventLoop;
  readonly #stream: NodeStream;
  readonly #direction: Direction;
  readonly #listeners: [event: string, listener: Listener][] = [];

  /** Throws RuntimeError if another transport has that direction. */
  constructor(loop: BaseEventLoop, stream: NodeStream, direction: Direction) {
    const directions = claimed.get(stream) ?? new Set();
    if (directions.has(direction)) throw new RuntimeError("the stream is used by a transport already");
    claimed.set(stream, directions.add(direction));
    open.set(loop, (open.get(loop) ?? new Set()).add(this));
    this.#loop = loop;
    this.#stream = stream;
    this.#direction = direction;
    if (direction === "reading") keepProcessAlive(stream, false);
  }

  /** Listen until it is let go. */
  on(event: string, listener: Listener): void {
    this.#listeners.push([event, listener]);
    this.#stream.on(event, listener);
  }

  /**
   * Close the stream, unless it is one of the process's own, which others use too, or somebody else has its other
   * direction. `end` ends it in good order, as far as it can be written to; else what it buffers is dropped.
   */
  release(end: boolean): void {
    if (open.get(this.#loop)?.delete(this) !== true) return;
    const directions = claimed.get(this.#stream);
    directions?.delete(this.#direction);
    for (const [event, listener] of this.#listeners) this.#stream.off(event, listener);
    if (this.#direction === "reading") stopReading(this.#stream as Readable);
    if (!isOfProcess(this.#stream)) close(this.#stream, end, directions?.size !== 0);
  }
}

/** The loop is closed: let go of all that is left. */
export function releaseStreams(loop: BaseEventLoop): void {
  for (const claim of open.get(loop) ?? []) claim.release(false);
}

function stopReading(stream: Readable): void {
  stream.pause();
  keepProcessAlive(stream, true);
}

function close(stream: NodeStream, end: boolean, shared: boolean): void {
  // What goes wrong from now on is nobody's business; for Node it would be an uncaught exception.
  stream.on("error", () => {});
  if (end && "end" in stream) stream.end(shared ? undefined : () => stream.destroy());
  else if (!shared) stream.destroy();
}

function isOfProcess(stream: NodeStream): boolean {
  const { fd } = stream as { fd?: unknown };
  return fd === 0 || fd === 1 || fd === 2;
}

/** Files have no such methods: they keep the process alive only while they read or write. */
function keepProcessAlive(stream: NodeStream, does: boolean): void {
  const handle = stream as Partial<Pick<Duplex & { ref(): void; unref(): void }, "ref" | "unref">>;
  if (does) handle.ref?.();
  else handle.unref?.();
}
