import type { FileDescriptor } from "../backend.ts";
import { close, setBlocking } from "./descriptor.ts";
import { errnoError } from "./errno.ts";

/** The fd of a pipe that a transport has: non-blocking. */
export class PipeEnd {
  readonly #pipe: FileDescriptor & { close?(): void };
  readonly #fd: number;

  /** Throws OSError. */
  constructor(pipe: FileDescriptor, fd: number) {
    this.#pipe = pipe;
    this.#fd = fd;
    const result = setBlocking(fd, false);
    if (result < 0) throw errnoError(-result, "fcntl", `fd ${fd}`);
  }

  fileno(): number {
    return this.#fd;
  }

  /** By the object that has the fd, if it can: or that would close the number once more, when it is another file's. */
  close(): void {
    if (typeof this.#pipe === "object" && typeof this.#pipe.close === "function") this.#pipe.close();
    else close(this.#fd);
  }
}
