import { workerData } from "node:worker_threads";
import { libc, nativeAvailable } from "./libc.ts";

/** A bit for each file descriptor below so many; one of a higher number is not noted. */
const HIGHEST = 65536;

/**
 * Which descriptors a thread has open for its connections, in memory that it shares with whoever started it. A thread
 * that is ended by force cannot close them, and the process would keep them: the peers would wait for ever.
 */
export type ThreadFiles = Int32Array<SharedArrayBuffer>;

/** For a thread that is to be started: give it as the `files` of its `workerData`. */
export function newThreadFiles(): ThreadFiles {
  return new Int32Array(new SharedArrayBuffer(HIGHEST / 8));
}

const given: unknown = workerData?.files;
const own = given instanceof Int32Array ? given : null;

/** This thread has it open from now on. */
export function noteOpen(fd: number): void {
  if (own !== null && fd >= 0 && fd < HIGHEST) Atomics.or(own, fd >> 5, 1 << (fd & 31));
}

/** This thread is about to close it: before it does, as its number is somebody else's right after that. */
export function noteClosed(fd: number): void {
  if (own !== null && fd >= 0 && fd < HIGHEST) Atomics.and(own, fd >> 5, ~(1 << (fd & 31)));
}

/** The thread has ended: close what it has left open. */
export function closeLeftOpen(files: ThreadFiles): void {
  for (let index = 0; index < files.length; index++) {
    const word = Atomics.exchange(files, index, 0);
    if (word === 0 || !nativeAvailable().available) continue;
    for (let bit = 0; bit < 32; bit++) if (word & (1 << bit)) libc().close(32 * index + bit);
  }
}
