import type { ChildPipe } from "../child-pipe.ts";
import { close } from "./descriptor.ts";
import { errnoError } from "./errno.ts";
import { libc } from "./libc.ts";

const O_CLOEXEC = 0o2000000;

/** A pipe of the kernel's. The process's end waits, as programs expect it; Node hands it on, and nothing else inherits it. */
export class NativeChildPipe implements ChildPipe {
  readonly stdio: number;
  readonly #ours: number;

  /** `direction` is ours: "read" for what the process writes. Throws OSError (EMFILE, …). */
  constructor(direction: "read" | "write") {
    const ends = new Int32Array(2);
    const result = libc().pipe2(ends, O_CLOEXEC);
    if (result < 0) throw errnoError(-result, "pipe2");
    const [reader, writer] = ends as unknown as [number, number];
    this.#ours = direction === "read" ? reader : writer;
    this.stdio = direction === "read" ? writer : reader;
  }

  take(): number {
    close(this.stdio);
    return this.#ours;
  }

  discard(): void {
    close(this.stdio);
    close(this.#ours);
  }
}
