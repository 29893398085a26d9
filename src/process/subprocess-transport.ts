import { BaseTransport, type ReadTransport, type WriteTransport } from "../io/transports.ts";
import type { SubprocessProtocol } from "./subprocess-protocol.ts";

/** A process and its pipes, as the protocol sees them. Python: `asyncio.SubprocessTransport`. */
export abstract class SubprocessTransport extends BaseTransport implements AsyncDisposable {
  /** The process's id: with `subprocessShell` that of the shell. Python: `get_pid`. */
  abstract getPid(): number;

  /**
   * How the process exited: its exit status, or -N if signal N ended it; null as long as it runs. Node does not tell
   * real-time signals: they count as 0. Python: `get_returncode`.
   */
  abstract getReturncode(): number | null;

  /**
   * The transport of a pipe: for 0 that which writes to stdin, for 1 and 2 those which read from stdout and stderr. Null
   * where there is no pipe. Python: `get_pipe_transport`.
   */
  abstract getPipeTransport(fd: 0): WriteTransport | null;
  abstract getPipeTransport(fd: 1 | 2): ReadTransport | null;
  abstract getPipeTransport(fd: number): WriteTransport | ReadTransport | null;

  /**
   * Send a signal, by number or name. Nothing happens if the process has exited. Throws ProcessLookupError once the
   * transport has finished; TypeError for what is neither, ValueError for an unknown name, OSError (EINVAL) for a number
   * that is no signal's, PermissionError. Python: `send_signal`.
   */
  abstract sendSignal(signal: number | NodeJS.Signals): void;

  /** Ask the process to end: SIGTERM. Throws as {@link sendSignal}. Python: `terminate`. */
  abstract terminate(): void;

  /** End the process: SIGKILL. Throws as {@link sendSignal}. Python: `kill`. */
  abstract kill(): void;

  /**
   * Close the pipes, and kill the process if it still runs; one with a session of its own together with its group. It does
   * not wait. Python: `close`.
   */
  abstract override close(): void;

  /** {@link close}, and wait until all of it is over: the process has exited, and the pipes are closed. */
  abstract [Symbol.asyncDispose](): Promise<void>;

  abstract override setProtocol(protocol: SubprocessProtocol): void;
  abstract override getProtocol(): SubprocessProtocol;
}
