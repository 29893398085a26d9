import type { Stream } from "node:stream";

/** A program that is to be started in a process of its own, in the system's terms. */
export interface ChildProgram {
  /** Its file; looked for in the PATH of `env` if there is no slash in it. */
  readonly file: string;
  /** What it is told, its name first. */
  readonly argv: readonly string[];
  /** Its environment; null for that of this process. What is undefined is left out. */
  readonly env: Readonly<Record<string, string | undefined>> | null;
  /** The directory it runs in; null for that of this process. */
  readonly cwd: string | null;
  /** What it has at its fds 0, 1, 2 and so on, as Node's `spawn` is told of it. */
  readonly stdio: readonly (number | Stream | "pipe" | "ignore")[];
  /** Whether it gets a session, and a process group, of its own. */
  readonly ownSession: boolean;
}
