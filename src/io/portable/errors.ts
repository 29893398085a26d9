import { fstatSync } from "node:fs";
import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";
import { osError } from "../../core/errors.ts";
import { formatAddress } from "./addresses.ts";

/** An error of Node's. The declared type has no address: only some have one. */
type NodeError = NodeJS.ErrnoException & { address?: string; port?: number };

const numbers: Readonly<Record<string, number>> = constants.errno;

/**
 * The OSError for a system error of Node's, of the class that Python would raise, with the system's own error number
 * (libuv's is negative, and made up on Windows). An error that is not the system's is given back as it is.
 */
export function fromNode(error: NodeError): Error {
  const { code, errno, syscall = "", address, port } = error;
  if (code === undefined || errno === undefined) return error;
  const subject = address === undefined ? code : `${code} ${formatAddress(address, port)}`;
  return osError(code, `${syscall} ${subject}: ${inWords(errno)}`, {
    errno: numbers[code] ?? Math.abs(errno),
    syscall,
    cause: error,
  });
}

/** The open descriptor of what the user gave. Throws OSError (EBADF) if it is closed, which Node calls another kind. */
export function openDescriptor(owner: { fileno(): number }): number {
  const fd = owner.fileno();
  const { EBADF } = constants.errno;
  if (!(fd >= 0)) throw osError("EBADF", `EBADF fd ${fd}: Bad file descriptor`, { errno: EBADF });
  try {
    fstatSync(fd);
  } catch (error) {
    throw fromNode(error as NodeJS.ErrnoException);
  }
  return fd;
}

/** What the error means; `errno` is Node's number. */
export function inWords(errno: number): string {
  const text = getSystemErrorMap().get(errno)?.[1] ?? `Unknown error ${errno}`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}
