import { read } from "node:fs";
import { inspect, promisify } from "node:util";
import { ensureFuture } from "../concurrency/ensure-future.ts";
import { ValueError } from "../core/errors.ts";
import type { FileDescriptor, Waiting } from "./backend.ts";
import { fromNode } from "./portable/errors.ts";

/** An open file: an fd, what has a `fileno()`, or what has an `fd`, as Node's `FileHandle` and `ReadStream`. */
export type FileLike = FileDescriptor | { readonly fd: number };

/**
 * The file's fd. Ask for it anew before each use: once the file is closed, the number may be another file's. Throws
 * TypeError for what is no file, ValueError for one that is closed.
 */
export function fileDescriptor(file: FileLike): number {
  const fd = numberOf(file);
  if (!Number.isInteger(fd)) throw new TypeError(`an open file was expected, not ${inspect(file)}`);
  if (fd < 0) throw new ValueError("the file is closed");
  return fd;
}

function numberOf(file: FileLike | null | undefined): number {
  if (typeof file === "number") return file;
  if (typeof file !== "object" || file === null) return Number.NaN;
  return "fd" in file ? file.fd : (file.fileno?.() ?? Number.NaN);
}

const readFile = promisify(read);

/** Reads an open file from a place of its own, wherever the file's position is; and a pipe, which has no places, too. */
export class FileReader {
  readonly #file: FileLike;
  /** Null where bytes come in their order only. */
  #offset: number | null;

  constructor(file: FileLike, offset: number) {
    this.#file = file;
    this.#offset = offset;
  }

  /**
   * The next bytes, at most `size` of them; none at the end of the file. Throws OSError. Cancel safety: the bytes of a
   * pipe may be lost, because a read that Node has begun cannot be called off.
   */
  *next(size: number): Waiting<Buffer> {
    try {
      return yield* this.#read(size);
    } catch (error) {
      const { code } = error as { code?: unknown };
      // Closed while Node was at it: that is said in the same words as if it had been before.
      if (code === "EBADF") fileDescriptor(this.#file);
      if (this.#offset !== 0 || code !== "ESPIPE") throw error;
      this.#offset = null;
      return yield* this.#read(size);
    }
  }

  *#read(size: number): Waiting<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(size);
    const bytesRead = yield* readInto(buffer, fileDescriptor(this.#file), this.#offset);
    if (this.#offset !== null) this.#offset += bytesRead;
    return buffer.subarray(0, bytesRead);
  }
}

function* readInto(buffer: Buffer, fd: number, offset: number | null): Waiting<number> {
  try {
    const { bytesRead } = yield* ensureFuture(readFile(fd, buffer, 0, buffer.length, offset));
    return bytesRead;
  } catch (error) {
    throw fromNode(error as NodeJS.ErrnoException);
  }
}
