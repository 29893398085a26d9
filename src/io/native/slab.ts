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

/** Have the system call fill memory from `fd`. Gives the bytes, or what it returned if that is 0 or negative. */
export function readIntoSlab(call: "recv" | "read", fd: number): Buffer | number {
  if (slab.length - used < WORTH_READING) {
    slab = allocate(READ_SIZE);
    used = 0;
  }
  const count = libc()[call](fd, slab, used, slab.length - used);
  if (count <= 0) return count;
  const bytes = slab.subarray(used, used + count);
  used += count;
  return bytes;
}
