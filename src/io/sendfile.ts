import { inspect } from "node:util";
import { SENDFILE_FALLBACK_READBUFFER_SIZE } from "../core/constants.ts";
import { Coroutine } from "../core/coroutines.ts";
import { RuntimeError, SendfileNotAvailableError, ValueError } from "../core/errors.ts";
import type { Backend, Waiting } from "./backend.ts";
import { type FileLike, FileReader, fileDescriptor } from "./open-file.ts";
import { StreamTransport } from "./stream-transport.ts";
import type { WriteTransport } from "./transports.ts";

export interface SendfileOptions {
  /** Where in the file to begin, in bytes; 0 by default, whatever the file's position is. */
  offset?: number;
  /** How many bytes to send, at most; null, the default, for all to the end of the file. */
  count?: number | null;
  /** Whether to read and write the file where the kernel cannot send it by itself; true by default. */
  fallback?: boolean;
}

/** Which bytes of which file to send; checked. */
export interface FilePart {
  readonly file: FileLike;
  readonly offset: number;
  /** Infinity for all that there are. */
  readonly count: number;
}

/** Throws TypeError for what is no open file or no number, ValueError for a closed file or a number out of range. */
export function checkedPart(file: FileLike, { offset = 0, count = null }: SendfileOptions): FilePart {
  fileDescriptor(file);
  assertInteger("offset", offset, 0);
  if (count !== null) assertInteger("count", count, 1);
  return { file, offset, count: count ?? Number.POSITIVE_INFINITY };
}

function assertInteger(name: string, value: unknown, least: 0 | 1): void {
  const wanted = `${name} must be a ${least === 0 ? "non-negative" : "positive"} integer, not ${inspect(value)}`;
  if (!Number.isSafeInteger(value)) throw new TypeError(wanted);
  if ((value as number) < least) throw new ValueError(wanted);
}

/** The work of `loop.sendfile`. */
export function sendfile(
  io: Backend,
  transport: WriteTransport,
  file: FileLike,
  { fallback = true, ...options }: SendfileOptions,
): Coroutine<number> {
  const part = checkedPart(file, options);
  if (!(transport instanceof StreamTransport)) {
    throw new RuntimeError(`sendfile is not supported for transport ${inspect(transport)}`);
  }
  if (transport.isClosing()) throw new RuntimeError("Transport is closing");
  const send = () => sendPart(io, transport, part, fallback);
  return new Coroutine(() => transport.sendFile(send), "sendfile");
}

function* sendPart(
  io: Backend,
  transport: StreamTransport,
  part: FilePart,
  fallback: boolean,
): Waiting<number> {
  try {
    return yield* io.sendfile(transport, part);
  } catch (error) {
    if (!fallback || !(error instanceof SendfileNotAvailableError)) throw error;
  }
  return yield* sendBlocks(io, part, (block, sent) => transport.writeBlock(block, sent));
}

/** Sends all of the block, and says of each piece of it how long it is when it is sent. */
export type SendBlock = (block: Buffer, sent: (count: number) => void) => Waiting<void>;

/** Have `send` send what is read; gives the number of bytes. Whatever happens, the file's position is behind them. */
export function* sendBlocks(
  { seek }: Pick<Backend, "seek">,
  { file, offset, count }: FilePart,
  send: SendBlock,
): Waiting<number> {
  const reader = new FileReader(file, offset);
  let total = 0;
  const sent = (more: number) => {
    total += more;
  };
  try {
    while (total < count) {
      const block = yield* reader.next(Math.min(count - total, SENDFILE_FALLBACK_READBUFFER_SIZE));
      if (block.length === 0) break;
      yield* send(block, sent);
    }
    return total;
  } finally {
    if (total > 0) seek(file, offset + total);
  }
}
