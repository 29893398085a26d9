import { renameSync, statSync } from "node:fs";
import { connect, Server as NodeServer, type Socket } from "node:net";
import { constants } from "node:os";
import { dirname } from "node:path";
import type { BaseEventLoop } from "../../core/base-events.ts";
import { OSError, osError } from "../../core/errors.ts";
import type { Address } from "../address.ts";
import type { SocketLike, Waiting } from "../backend.ts";
import { isFileName } from "../socket-file.ts";
import type { TransportSocket } from "../trsock.ts";
import type { SocketNames } from "./addresses.ts";
import { untilConnected } from "./connecting.ts";

/** The room for a name in `struct sockaddr_un`; Windows has none. */
const NAME_MAX = { linux: 108, win32: Number.POSITIVE_INFINITY }[process.platform as string] ?? 104;

/** A socket connected to the unix socket `path`. Cancel safety: the attempt is given up. */
export function* connectToUnix(loop: BaseEventLoop, path: string): Waiting<Socket> {
  assertFits(path, "connect");
  return yield* untilConnected(loop, connect({ path, allowHalfOpen: true }));
}

/** The addresses of a unix socket that was made elsewhere, as far as it tells them; undefined for any other one. */
export function unixNames(sock: SocketLike & Partial<TransportSocket>): SocketNames | undefined {
  const sockname = sock.getsockname?.();
  if (typeof sockname !== "string") return undefined;
  return { sockname, peername: peernameOf(sock) };
}

function peernameOf(sock: Partial<TransportSocket>): Address | null {
  try {
    return sock.getpeername?.() ?? null;
  } catch {
    return null;
  }
}

/** Node says of a name that is too long no more than EINVAL. */
export function assertFits(path: string, syscall: string): void {
  // A path ends with NUL.
  const longest = isFileName(path) ? NAME_MAX - 1 : NAME_MAX;
  if (Buffer.byteLength(path) <= longest) return;
  const message = `${syscall} ENAMETOOLONG ${path}: the name of a unix socket has at most ${longest} bytes`;
  throw osError("ENAMETOOLONG", message, { errno: constants.errno.ENAMETOOLONG, syscall });
}

/** Why Node could not bind to `path`: it says EACCES also where there is no such directory. */
export function bindError(error: unknown, path: string): unknown {
  if (!(error instanceof OSError) || error.code !== "EACCES" || !isMissing(dirname(path))) return error;
  const message = `bind ENOENT ${path}: No such file or directory`;
  return osError("ENOENT", message, { errno: constants.errno.ENOENT, syscall: "bind", cause: error });
}

function isMissing(directory: string): boolean {
  try {
    return statSync(directory, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

/**
 * A server of Node's that leaves the file of its socket alone. Node would remove whatever is at the path by then, be it
 * another server's.
 */
export class UnixServer extends NodeServer {
  /** The path, once it is bound. */
  path: string | null = null;

  override close(): this {
    const { path } = this;
    this.path = null;
    const putBack = path !== null && isFileName(path) ? putAside(path) : null;
    super.close();
    putBack?.();
    return this;
  }
}

/** Gives what puts it back; null if there is nothing, or the directory cannot be written to: then Node cannot either. */
function putAside(path: string): (() => void) | null {
  const aside = `${path}.${crypto.randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch {
    return null;
  }
  return () => renameSync(aside, path);
}
