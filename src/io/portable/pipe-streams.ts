import { closeSync, createReadStream, createWriteStream, fstatSync } from "node:fs";
import { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import * as tty from "node:tty";
import { ValueError } from "../../core/errors.ts";
import { fromNode } from "./errors.ts";

/* A stream of Node's for the fd of a pipe, socket or character device, which then belongs to it. */

/** Throws ValueError for a socket that is no stream, OSError. */
export function readableOf(fd: number): Readable {
  if (tty.isatty(fd)) return closingAlso(fd, new tty.ReadStream(fd));
  if (isDevice(fd)) return createReadStream("", { fd });
  return socketOf(fd, { readable: true, writable: false });
}

/** Throws as {@link readableOf}. */
export function writableOf(fd: number): Writable {
  if (tty.isatty(fd)) return closingAlso(fd, new tty.WriteStream(fd));
  if (isDevice(fd)) return createWriteStream("", { fd });
  return socketOf(fd, { readable: false, writable: true });
}

/**
 * Libuv opens a terminal anew where it can, and leaves alone the descriptor that it was given; the other side would wait
 * for its end for ever. Those of the process itself stay open, as libuv has it.
 */
function closingAlso<S extends Readable | Writable>(fd: number, stream: S): S {
  const { _handle: handle } = stream as { _handle?: { fd?: number } };
  if (fd > 2 && handle?.fd !== undefined && handle.fd !== fd) stream.once("close", () => closeSync(fd));
  return stream;
}

function isDevice(fd: number): boolean {
  return fstatSync(fd).isCharacterDevice();
}

function socketOf(fd: number, directions: { readable: boolean; writable: boolean }): Socket {
  try {
    return new Socket({ fd, ...directions });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).errno !== undefined) throw fromNode(error as NodeJS.ErrnoException);
    throw new ValueError(`a pipe or a stream socket was expected, and fd ${fd} is none`, { cause: error });
  }
}
