import vm from "node:vm";

/**
 * After so many bytes V8 is to free those that nobody needs: a collection takes 0.2 ms. With more, the processor's cache
 * would have less of the memory that is used again; and in a small heap V8 begins to mark at 8 MiB.
 */
const ROUND = 6 * 1024 * 1024;

let sinceCollected = 0;

/** Memory for bytes that come in: much of it, and soon of no use. */
export function allocate(size: number): Buffer {
  countMemory(size);
  return Buffer.allocUnsafeSlow(size);
}

/**
 * So many bytes came in, in memory of their own.
 *
 * V8 frees such memory with its young generation, which is cheap; but it does that when the young generation is full, and
 * this memory is not in it. Until then each read goes into memory that no cache has; and when there is much of it, V8 marks
 * the whole heap, again and again, which takes 20 ms of processor time. So it is told when it is time.
 */
export function countMemory(size: number): void {
  sinceCollected += size;
  if (sinceCollected < ROUND) return;
  sinceCollected = 0;
  collect ??= findCollector();
  collect?.({ type: "minor" });
}

type Collect = (what: { type: "minor" }) => void;

let collect: Collect | undefined;

/**
 * V8 gives its collector to contexts that are made while a flag is set. The flag is the process's, so it is set for that moment
 * only. Undefined if another thread takes it back just then: it is tried again the next time.
 */
function findCollector(): Collect | undefined {
  const exposed = globalThis.gc !== undefined;
  const { setFlagsFromString } = process.getBuiltinModule("node:v8");
  setFlagsFromString("--expose-gc");
  const { gc } = vm.createContext(vm.constants.DONT_CONTEXTIFY) as { gc?: Collect };
  if (!exposed) setFlagsFromString("--no-expose-gc");
  return gc;
}
