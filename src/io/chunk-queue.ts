/** Chunks of bytes in their order, few of them. */
export class ChunkQueue {
  readonly #chunks: Buffer[] = [];
  #size = 0;

  /** How many bytes they have. */
  get size(): number {
    return this.#size;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /** Put back the rest of the oldest. */
  unshift(chunk: Buffer): void {
    this.#chunks.unshift(chunk);
    this.#size += chunk.length;
  }

  /** The oldest, taken out. */
  shift(): Buffer | undefined {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) this.#size -= chunk.length;
    return chunk;
  }

  clear(): void {
    this.#chunks.length = 0;
    this.#size = 0;
  }
}
