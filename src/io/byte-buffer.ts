import { allocate } from "./memory.ts";

const EMPTY = Buffer.alloc(0);

/** The least memory of a block of our own, in bytes: a few small chunks fit without another one. */
const SMALLEST_BLOCK = 256;

/** How many bytes of memory may be kept alive for each byte that is in the buffer. */
const WASTE = 4;

/**
 * Bytes that came in and were not taken out yet: in at the end, out at the front.
 *
 * One block of memory, written only behind its last byte: what was taken out is a view of it, and nothing ever
 * overwrites that. A chunk that comes in while the buffer is empty is itself the block, without a copy; others are
 * copied in, twice at most on average. Taking out costs the same for one byte as for all. The price: a view keeps its
 * block alive.
 */
export class ByteBuffer {
  /** The block, with the room at its end. */
  #block: Buffer = EMPTY;
  /** The written part of the block. */
  #written: Buffer = EMPTY;
  /** Where in the block the first byte is that was not taken out. */
  #start = 0;
  #taken = 0;

  /** How many bytes are in it. */
  get length(): number {
    return this.#written.length - this.#start;
  }

  /** How many bytes were ever taken out: changes whenever positions do. */
  get taken(): number {
    return this.#taken;
  }

  /** Add bytes at the end. They belong to the buffer from now on: nobody may change them. */
  append(data: Uint8Array): void {
    if (data.length === 0) return;
    if (this.length === 0) this.#become(asBuffer(data));
    else this.#copyIn(data);
  }

  /** Put chunks that were taken out back to the front, in their order. */
  unshift(chunks: readonly Buffer[]): void {
    const rest = this.#written.subarray(this.#start);
    this.#become(Buffer.concat([...chunks, rest]));
    this.#taken -= this.length - rest.length;
  }

  /** Take out the first `count` bytes; there must be so many. */
  take(count: number): Buffer {
    const end = this.#start + count;
    const all = end === this.#written.length;
    const bytes = all && this.#start === 0 ? this.#written : this.#written.subarray(this.#start, end);
    this.#taken += count;
    if (all) this.#become(EMPTY);
    else this.#start = end;
    return bytes;
  }

  /**
   * What is left will stay for a while: copy it if it keeps far more memory alive than it needs. Otherwise a thousand
   * clients that each send one byte could hold a thousand blocks that were read together with others' bytes.
   */
  compact(): void {
    const needed = Math.max(this.length, SMALLEST_BLOCK) * WASTE;
    if (this.length > 0 && this.#block.buffer.byteLength > needed) this.#grow(EMPTY);
  }

  /** Take out everything. */
  takeAll(): Buffer {
    return this.take(this.length);
  }

  /**
   * Where `bytes` first stand at `from` or behind it, and end at `limit` or before; -1 if they do not. Positions count
   * from the first byte that was not taken out.
   */
  indexOf(bytes: Buffer, from = 0, limit = this.length): number {
    const start = this.#start;
    const end = start + limit;
    const where = end === this.#written.length ? this.#written : this.#written.subarray(0, end);
    // For a single byte the number is the faster needle.
    const needle = bytes.length === 1 ? bytes[0]! : bytes;
    const index = where.indexOf(needle, start + from);
    return index < 0 ? -1 : index - start;
  }

  #become(block: Buffer): void {
    this.#block = block;
    this.#written = block;
    this.#start = 0;
  }

  #copyIn(data: Uint8Array): void {
    const end = this.#written.length;
    if (this.#block.length - end < data.length) {
      this.#grow(data);
      return;
    }
    this.#block.set(data, end);
    this.#written = this.#block.subarray(0, end + data.length);
  }

  /** At least twice what is there, so that each byte is moved a constant number of times on average. */
  #grow(data: Uint8Array): void {
    const { length } = this;
    const size = Math.max(length + data.length, 2 * length, SMALLEST_BLOCK);
    const block = allocate(size);
    block.set(this.#written.subarray(this.#start));
    block.set(data, length);
    this.#become(block);
    this.#written = block.subarray(0, length + data.length);
  }
}

function asBuffer(data: Uint8Array): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
