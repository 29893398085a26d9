import { constants } from "node:os";
import { SendfileNotAvailableError } from "../../core/errors.ts";
import type { Waiting } from "../backend.ts";
import { type FileLike, fileDescriptor } from "../open-file.ts";
import type { FilePart } from "../sendfile.ts";
import { errnoError } from "./errno.ts";
import { libc } from "./libc.ts";

const { EAGAIN, EINTR, EINVAL, ENOSYS, EOPNOTSUPP, EOVERFLOW, ESPIPE } = constants.errno;

/** The kernel cannot do it with this file, or with this socket. What else it refuses, reading would not mend. */
const NOT_AVAILABLE: readonly number[] = [EINVAL, ENOSYS, EOPNOTSUPP, EOVERFLOW, ESPIPE];

/** So much at once keeps the loop for about as long as a large write does. */
const MOST_AT_ONCE = 1024 * 1024;

/** Where a file is sent to. */
export interface Outlet {
  /** Asked before each call: -1 once it is closed. */
  fileno(): number;
  /** Wait until the kernel takes more. */
  writable(): Waiting<void>;
}

/**
 * Have the kernel send a file; gives the number of bytes. Whatever happens, the file's position is behind them.
 *
 * Throws SendfileNotAvailableError, before anything is sent, if the kernel cannot send this file; OSError.
 */
export function* sendfile(out: Outlet, { file, offset, count }: FilePart): Waiting<number> {
  let total = 0;
  try {
    for (;;) {
      const size = Math.min(count - total, MOST_AT_ONCE);
      const sent = libc().sendfile(out.fileno(), fileDescriptor(file), offset + total, size);
      if (sent < 0 && sent !== -EAGAIN && sent !== -EINTR) throw failure(-sent, total);
      total += Math.max(sent, 0);
      if (sent === 0 || total === count) return total;
      yield* out.writable();
    }
  } finally {
    if (total > 0) seek(file, offset + total);
  }
}

function failure(errno: number, total: number): Error {
  const cause = errnoError(errno, "sendfile");
  if (total > 0 || !NOT_AVAILABLE.includes(errno)) return cause;
  return new SendfileNotAvailableError("the kernel cannot send this file by itself", { cause });
}

/** Set the position of a file. Nothing if it has none, or is closed. */
export function seek(file: FileLike, position: number): void {
  try {
    libc().seek(fileDescriptor(file), position);
  } catch {
    // Closed meanwhile, by somebody who does not care for its position either.
  }
}
