import type { Socket } from "node:net";
import type { Stream } from "node:stream";

/** A pipe to or from a process that is about to be started. */
export interface ChildPipe {
  /** The process's end, as Node's `spawn` is told of it: an fd, a stream, or "pipe" for what Node is to make by itself. */
  readonly stdio: number | Stream | "pipe";

  /**
   * The process has its end: give up ours of that, and give the other one, for a transport. `made` is what Node made, if
   * that was asked for.
   */
  take(made: Socket | null): number | Socket;

  /** There is no process: close both ends. */
  discard(): void;
}
