import { closeSync, fstatSync, read } from "node:fs";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import type { Bench } from "./backends.ts";
import { nativeSkip } from "./backends.ts";

/** Only that library makes pipes for us; what reads and writes them is what is tested. */
export const pipesSkip: false | string = nativeSkip;

type Call = (...args: unknown[]) => number;

/** A function of the C library that no other test needs. */
export function foreign(definition: string): Call {
  const koffi = createRequire(import.meta.url)("koffi") as { load(path: null): { func(text: string): Call } };
  return koffi.load(null).func(definition);
}

/** The two ends of a pipe; those that are still open after the test are closed. */
export function makePipe({ defer }: Pick<Bench, "defer">): { reader: number; writer: number } {
  const fds = new Int32Array(2);
  if (foreign("int pipe2(void *, int)")(fds, 0) !== 0) throw new Error("pipe2 failed");
  const [reader, writer] = fds as unknown as [number, number];
  closeAfter(defer, reader);
  closeAfter(defer, writer);
  return { reader, writer };
}

/** The two sides of a pseudo-terminal in raw mode: what is written to one is read from the other, unchanged. */
export function makePty({ defer }: Pick<Bench, "defer">): { master: number; slave: number } {
  const fds = new Int32Array(2);
  const [master, slave] = [fds.subarray(0, 1), fds.subarray(1)];
  const termios = new Uint8Array(256);
  if (foreign("int openpty(void *, void *, void *, void *, void *)")(master, slave, null, null, null) !== 0)
    throw new Error("openpty failed");
  foreign("int tcgetattr(int, void *)")(fds[1], termios);
  foreign("void cfmakeraw(void *)")(termios);
  foreign("int tcsetattr(int, int, void *)")(fds[1], 0, termios);
  closeAfter(defer, fds[0]!);
  closeAfter(defer, fds[1]!);
  return { master: fds[0]!, slave: fds[1]! };
}

/** The number may be another file's by then, which is not to be closed. */
function closeAfter(defer: Bench["defer"], fd: number): void {
  const identity = identityOf(fd);
  defer(() => {
    if (identityOf(fd) === identity) closeSync(fd);
  });
}

function identityOf(fd: number): string {
  try {
    const { dev, ino } = fstatSync(fd);
    return `${dev}:${ino}`;
  } catch {
    return "closed";
  }
}

/** Whether the fd of a pipe that this test made is closed. */
export function isClosed(fd: number): boolean {
  return identityOf(fd) === "closed";
}

/** All that comes out of `fd` up to its end, read in another thread: it may block. */
export async function drainFd(fd: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = await readFd(fd);
    if (chunk.length === 0) return Buffer.concat(chunks);
    chunks.push(chunk);
  }
}

/** Some bytes from `fd`, read in another thread: it may block. */
export async function readFd(fd: number, size = 64 * 1024): Promise<Buffer> {
  const { bytesRead, buffer } = await promisify(read)(fd, Buffer.alloc(size), 0, size, null);
  return buffer.subarray(0, bytesRead);
}
