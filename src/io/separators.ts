import { IncompleteReadError, LimitOverrunError, ValueError } from "../core/errors.ts";
import type { ByteBuffer } from "./byte-buffer.ts";
import { type BytesLike, toBytes } from "./transports.ts";

/** One separator, or several of which the one that ends first counts. */
export type Separator = BytesLike | readonly BytesLike[];

/** Separators as bytes, the shortest first: of two that end at the same place the shorter one counts. */
export type Separators = readonly [Buffer, ...Buffer[]];

/** The last separator that was a string, which nobody can change: who reads by one does so again and again. */
let last: { readonly text: string; readonly separators: Separators } | null = null;

/** Throws ValueError if there is none, or an empty one; TypeError if it is no bytes. */
export function separatorsOf(separator: Separator): Separators {
  if (typeof separator !== "string") return copied(separator);
  if (last?.text !== separator) last = { text: separator, separators: copied(separator) };
  return last.separators;
}

/** What was given as memory may change while a read waits. */
function copied(separator: Separator): Separators {
  const several: readonly BytesLike[] = isSeveral(separator) ? separator : [separator];
  const [shortest, ...others] = several
    .map((one) => Buffer.from(toBytes(one)))
    .sort((a, b) => a.length - b.length);
  if (shortest === undefined) throw new ValueError("readuntil() needs at least one separator");
  if (shortest.length === 0) throw new ValueError("a separator must have at least one byte");
  return [shortest, ...others];
}

function isSeveral(separator: Separator): separator is readonly BytesLike[] {
  return Array.isArray(separator);
}

/** The search for the first separator in a buffer that grows: no byte is looked at twice. */
export class SeparatorSearch {
  readonly #buffer: ByteBuffer;
  readonly #separators: Separators;
  readonly #limit: number;
  /** No separator begins before this position. */
  #searched = 0;
  #taken: number;

  constructor(buffer: ByteBuffer, separators: Separators, limit: number) {
    this.#buffer = buffer;
    this.#separators = separators;
    this.#limit = limit;
    this.#taken = buffer.taken;
  }

  /**
   * Take out everything through the first separator; null if there must be more data first. Throws LimitOverrunError
   * if more than `limit` bytes stand before the separator, or are known to; IncompleteReadError if there is none and,
   * with `eof`, never will be.
   */
  take(eof: boolean): Buffer | null {
    this.#noticeOtherReader();
    const found = this.#find();
    if (found !== null) return this.#takeThrough(found);
    if (eof) throw new IncompleteReadError(this.#buffer.takeAll(), null);
    return null;
  }

  /** Somebody read here between two looks: what was known of positions is void. */
  #noticeOtherReader(): void {
    if (this.#taken === this.#buffer.taken) return;
    this.#taken = this.#buffer.taken;
    this.#searched = 0;
  }

  #find(): Match | null {
    const { length } = this.#buffer;
    const [shortest] = this.#separators;
    if (length - this.#searched < shortest.length) return null;
    const match = this.#firstMatch();
    if (match !== null) return match;
    const longest = this.#separators.at(-1)!;
    this.#searched = Math.max(0, length + 1 - longest.length);
    if (this.#searched > this.#limit) {
      throw new LimitOverrunError(`no separator within the limit of ${this.#limit} bytes`, this.#searched);
    }
    return null;
  }

  #firstMatch(): Match | null {
    let first: Match | null = null;
    for (const separator of this.#separators) {
      const start = this.#buffer.indexOf(separator, this.#searched, first?.end);
      const end = start + separator.length;
      if (start >= 0 && (first === null || end < first.end)) first = { start, end };
    }
    return first;
  }

  #takeThrough({ start, end }: Match): Buffer {
    if (start > this.#limit) {
      throw new LimitOverrunError(`the separator comes behind the limit of ${this.#limit} bytes`, start);
    }
    return this.#buffer.take(end);
  }
}

interface Match {
  start: number;
  end: number;
}
