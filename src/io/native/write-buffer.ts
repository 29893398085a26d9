/** No writev takes more (Linux's UIO_MAXIOV). */
const MAX_CHUNKS = 1024;

const NOTHING = new Uint8Array(0);

/** What the kernel has not taken yet, in order. */
export class WriteBuffer {
  #chunks: Uint8Array[] = [];
  #first = 0;
  #size = 0;

  /** How many bytes it holds. */
  get size(): number {
    return this.#size;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.byteLength;
  }

  /** What was pushed last is in memory that will be used again. */
  copyLast(): void {
    this.#chunks.push(Buffer.from(this.#chunks.pop()!));
  }

  /** The oldest chunks, as many as one system call takes. */
  head(): readonly Uint8Array[] {
    if (this.#first === 0 && this.#chunks.length <= MAX_CHUNKS) return this.#chunks;
    return this.#chunks.slice(this.#first, this.#first + MAX_CHUNKS);
  }

  /** The oldest bytes in one piece: `most` of them, or less. */
  front(most: number): Uint8Array {
    const oldest = this.#chunks[this.#first]!;
    if (oldest.byteLength >= most || oldest.byteLength === this.#size) return oldest.subarray(0, most);
    const chunks: Uint8Array[] = [];
    for (let i = this.#first, size = 0; size < most && i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!;
      chunks.push(chunk.subarray(0, most - size));
      size += chunk.byteLength;
    }
    return Buffer.concat(chunks);
  }

  /** The first `count` bytes are gone. */
  consume(count: number): void {
    this.#size -= count;
    for (let left = count; left > 0; ) {
      const chunk = this.#chunks[this.#first]!;
      if (left < chunk.byteLength) {
        this.#chunks[this.#first] = chunk.subarray(left);
        break;
      }
      left -= chunk.byteLength;
      // A peer that is never quite done would otherwise keep the memory of all of them.
      this.#chunks[this.#first++] = NOTHING;
    }
    this.#dropGone();
  }

  /** Not often: a long queue would be copied again and again. */
  #dropGone(): void {
    const { length } = this.#chunks;
    if (this.#first === length || (this.#first > MAX_CHUNKS && 2 * this.#first > length)) {
      this.#chunks = this.#chunks.slice(this.#first);
      this.#first = 0;
    }
  }

  clear(): void {
    this.#chunks = [];
    this.#first = 0;
    this.#size = 0;
  }
}
