import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";
import { type OSError, osError } from "../../core/errors.ts";

const codes = new Map<number, string>();
for (const [code, errno] of Object.entries(constants.errno)) {
  // Two names can share a number (EAGAIN and EWOULDBLOCK): the first is the one that Node and Python use.
  if (!codes.has(errno)) codes.set(errno, code);
}

/**
 * The error for a failed system call, of the class that Python would raise: `errnoError(111, "connect",
 * "127.0.0.1:1")` is a ConnectionRefusedError with the message `connect ECONNREFUSED 127.0.0.1:1: Connection refused`.
 *
 * `errno` is positive, as in C. `detail` says on what: an address, a path, an fd. A number that this platform does
 * not know gives the code `ERRNO_<number>`.
 */
export function errnoError(errno: number, syscall: string, detail?: string): OSError {
  const code = codes.get(errno) ?? `ERRNO_${errno}`;
  const subject = detail === undefined ? code : `${code} ${detail}`;
  return osError(code, `${syscall} ${subject}: ${strerror(errno)}`, { errno, syscall });
}

/** What the error means, in words. libuv's words, with a capital letter, are those of strerror(3). */
function strerror(errno: number): string {
  const text = getSystemErrorMap().get(-errno)?.[1] ?? `Unknown error ${errno}`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}
