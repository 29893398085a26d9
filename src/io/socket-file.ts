import { type BigIntStats, statSync, unlinkSync } from "node:fs";
import { inspect } from "node:util";
import { logger } from "../core/log.ts";

/** Whether a unix socket of this name is a file: not in Linux's abstract namespace, nor one of Windows's named pipes. */
export function isFileName(name: string): boolean {
  return name !== "" && !name.startsWith("\0") && process.platform !== "win32";
}

/**
 * Remove the socket that an earlier server left at `path`, so that it can be bound to. Whoever still listens there is not
 * found any more, as in CPython. What is not a socket stays. A failure is logged: binding will tell whether it matters.
 */
export function removeStaleSocket(path: string): void {
  try {
    if (status(path)?.isSocket()) unlinkSync(path);
  } catch (error) {
    logger.error(`cannot check or remove the stale unix socket ${inspect(path)}`, error);
  }
}

/** The file of a server's socket, to be removed with it, unless it has become another one's. */
export class SocketFile {
  readonly #path: string;
  readonly #atFirst: BigIntStats | null;

  constructor(path: string) {
    this.#path = path;
    this.#atFirst = status(path);
  }

  /** While the socket is open: then no other file can have got its number. A failure is logged. */
  remove(): void {
    try {
      if (this.#isStillThere()) unlinkSync(this.#path);
    } catch (error) {
      logger.error(`cannot remove the unix socket ${inspect(this.#path)}`, error);
    }
  }

  #isStillThere(): boolean {
    const now = status(this.#path);
    return now !== null && now.ino === this.#atFirst?.ino && now.dev === this.#atFirst.dev;
  }
}

/** Null if there is no such file. */
function status(path: string): BigIntStats | null {
  return statSync(path, { bigint: true, throwIfNoEntry: false }) ?? null;
}
