import type { Readable, Writable } from "node:stream";
import { Coroutine } from "../core/coroutines.ts";
import { getRunningLoop } from "../core/events.ts";
import type { Waiting } from "./backend.ts";
import { establish } from "./establishing.ts";
import { NodeReadPipe } from "./portable/read-pipe.ts";
import { NodeWritePipe } from "./portable/write-pipe.ts";
import { StreamReaderProtocol } from "./stream-protocol.ts";
import { DEFAULT_LIMIT, StreamReader } from "./stream-reader.ts";
import { StreamWriter } from "./stream-writer.ts";

/**
 * What the process is given: a pipe, a terminal, a socket, a file. It goes through `process.stdin`, so that a terminal
 * stays as it is for the programs that share it; what else uses `process.stdin` sees what comes in, too. Once the loop is
 * closed it is let go, and can be opened in another loop.
 *
 * ```ts
 * for await (const line of await openStdin()) console.log(line.toString());
 * ```
 *
 * `limit` is the longest line, in bytes; 64 KiB by default. Throws RuntimeError if it is open already, ValueError unless
 * `limit` is above 0. Cancel safety: it is let go. Python: `loop.connect_read_pipe(lambda: protocol, sys.stdin)`.
 */
export function openStdin({ limit = DEFAULT_LIMIT }: { limit?: number } = {}): Coroutine<StreamReader> {
  return new Coroutine(() => openReader(process.stdin, limit), "openStdin");
}

/**
 * Where the process writes to, with `drain` to wait for a slow reader. It goes through `process.stdout`, and comes out
 * in one order with what `console.log` writes. Close it when you are done, at best by `await using`: that sends what is
 * buffered, and leaves the process's stream open. Without a pipe or a socket behind it Node writes at once, and there is
 * nothing to wait for.
 *
 * If nobody reads any more, `drain` and `waitClosed` throw BrokenPipeError. Throws RuntimeError if it is open already.
 * Cancel safety: it is let go. Python: `loop.connect_write_pipe(lambda: protocol, sys.stdout)`.
 */
export function openStdout(): Coroutine<StreamWriter> {
  return new Coroutine(() => openWriter(process.stdout), "openStdout");
}

/** As {@link openStdout}, for what goes to `process.stderr`. Python: `loop.connect_write_pipe(lambda: protocol, sys.stderr)`. */
export function openStderr(): Coroutine<StreamWriter> {
  return new Coroutine(() => openWriter(process.stderr), "openStderr");
}

function* openReader(stream: Readable, limit: number): Waiting<StreamReader> {
  const loop = getRunningLoop();
  const reader = new StreamReader({ limit, loop });
  const protocol = new StreamReaderProtocol(reader, null, { loop });
  const make = () => new NodeReadPipe(loop, stream, stream, protocol);
  yield* establish(loop, () => protocol, make, leaveOpen);
  return reader;
}

function* openWriter(stream: Writable): Waiting<StreamWriter> {
  const loop = getRunningLoop();
  const protocol = new StreamReaderProtocol(new StreamReader({ loop }), null, { loop });
  const make = () => new NodeWritePipe(loop, stream, stream, protocol);
  const [transport] = yield* establish(loop, () => protocol, make, leaveOpen);
  return new StreamWriter(transport, protocol, null, loop);
}

function leaveOpen(): void {}
