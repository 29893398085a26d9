/** For each so many bytes of memory, an array of so many elements of 8 bytes: three fifths of it. */
const SHARE = 160 * 1024;
const ELEMENTS = 12_000;

const ballast: { array: unknown[]; owed: number } = { array: [], owed: 0 };

/**
 * Memory for bytes that come in: much of it, and soon of no use.
 *
 * V8 frees such memory when it collects its young generation, which is cheap; but it does that when the young generation is
 * full, and this memory is not in it. At 64 MiB of it V8 marks the whole heap instead, which takes 20 ms of processor time. So
 * arrays that nobody needs are made too, for the young generation, of at most 32 MiB, to be full before.
 */
export function allocate(size: number): Buffer {
  ballast.owed += size;
  if (ballast.owed >= SHARE) {
    ballast.owed %= SHARE;
    ballast.array = new Array(ELEMENTS);
  }
  return Buffer.allocUnsafeSlow(size);
}
