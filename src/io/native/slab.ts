import { allocate } from "../memory.ts";
import { libc } from "./libc.ts";

/**
 * One read takes at most this much, as in CPython: a fast sender does not keep the loop from its other connections.
 */
const READ_SIZE = 256 * 1024;

/** A slab is replaced when less is left: so short reads share slabs, and no read is cut into crumbs. */
const WORTH_READING = 64 * 1024;

/**
 * The memory that reads go into. Each read is handed out as a slice, without a copy; the rest of the slab serves the
 * next read, of any connection. Nothing is ever written twice, so a slice is its owner's for good; a slab is
 * collected with its last slice.
 */
let slab = allocate(READ_SIZE);
let used = 0;

/** Puts bytes of `source` into `memory`, at most `length` from `offset` on. Gives how many; 0 or less for none. */
type Fill<S> = (source: S, memory: Buffer, offset: number, length: number) => number;

/** Have `fill` put bytes into memory. Gives them, or what it returned if that is 0 or negative. */
export function fillSlab<S>(source: S, fill: Fill<S>): Buffer | number {
  if (slab.length - used < WORTH_READING) {
    slab = allocate(READ_SIZE);
    used = 0;
  }
  const count = fill(source, slab, used, slab.length - used);
  if (count <= 0) return count;
  const bytes = slab.subarray(used, used + count);
  used += count;
  return bytes;
}

const recv: Fill<number> = (fd, memory, offset, length) => libc().recv(fd, memory, offset, length);
const read: Fill<number> = (fd, memory, offset, length) => libc().read(fd, memory, offset, length);

/** Have the system call fill memory from `fd`. Gives the bytes, or what it returned if that is 0 or negative. */
export function readIntoSlab(call: "recv" | "read", fd: number): Buffer | number {
  return fillSlab(fd, call === "recv" ? recv : read);
}
