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

  /** The oldest chunks, as many as one system call takes. */
  head(): readonly Uint8Array[] {
    if (this.#first === 0 && this.#chunks.length <= MAX_CHUNKS) return this.#chunks;
    return this.#chunks.slice(this.#first, this.#first + MAX_CHUNKS);
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
