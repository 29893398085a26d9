import type { Readable } from "node:stream";
import { countMemory } from "../memory.ts";

/** How many bytes Node may read ahead of the protocol. What CPython reads at once, which is as much per turn. */
const READ_AHEAD = 256 * 1024;

/**
 * What came in and was not delivered yet: bytes, and behind them at most one end. Node is faster than a busy loop, so
 * the stream is paused when that is too much; whoever empties it resumes the stream.
 */
export class Incoming {
  /** Why the stream ended; null for the peer's end. Only behind the last chunk. */
  error: Error | null = null;
  readonly #stream: Readable;
  /** Few: one per read of Node's, each of which takes what there is. */
  #chunks: Buffer[] = [];
  #size = 0;
  #ended = false;

  constructor(stream: Readable) {
    this.#stream = stream;
  }

  /** How many chunks there are. */
  get count(): number {
    return this.#chunks.length;
  }

  isEmpty(): boolean {
    return this.#chunks.length === 0 && !this.#ended;
  }

  push(chunk: Buffer): void {
    countMemory(chunk.length);
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size >= READ_AHEAD) this.#stream.pause();
  }

  /** Put back the rest of the oldest chunk. */
  unshift(chunk: Buffer): void {
    this.#chunks.unshift(chunk);
    this.#size += chunk.length;
  }

  end(): void {
    this.#ended = true;
  }

  /** As {@link end}, behind what Node had read while it was paused: after an error it delivers nothing more by itself. */
  fail(error: Error): void {
    let count = this.#chunks.length;
    for (let chunk = this.#stream.read(); chunk !== null; chunk = this.#stream.read()) {
      // Unless the stream itself knows of the error, it emits what it gives, and that is here already.
      if (this.#chunks.length === count) this.push(chunk);
      count = this.#chunks.length;
    }
    this.error ??= error;
    this.#ended = true;
  }

  /** The oldest chunk; or null if only the end is left, which is delivered once. */
  shift(): Buffer | null {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) {
      this.#ended = false;
      return null;
    }
    this.#size -= chunk.length;
    return chunk;
  }

  clear(): void {
    this.#chunks = [];
    this.#size = 0;
    this.#ended = false;
  }
}
