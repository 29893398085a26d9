import { BaseProtocol } from "../io/protocols.ts";
import type { SubprocessTransport } from "./subprocess-transport.ts";

/**
 * A protocol for a process and its pipes. What the pipes tell and {@link processExited} come in any order; first of all
 * comes `connectionMade`, and last, when the process has exited and all of its pipes are closed, `connectionLost`.
 * `pauseWriting` and `resumeWriting` are about the process's stdin. Python: `asyncio.SubprocessProtocol`.
 */
export abstract class SubprocessProtocol extends BaseProtocol {
  override connectionMade(_transport: SubprocessTransport): void {}

  /** Some bytes came from the process's stdout (1) or stderr (2): at least one. Python: `pipe_data_received`. */
  pipeDataReceived(_fd: number, _data: Buffer): void {}

  /** The pipe to stdin (0), or from stdout (1) or stderr (2), is closed; `error` if it broke. Python: `pipe_connection_lost`. */
  pipeConnectionLost(_fd: number, _error: Error | null): void {}

  /** The process has exited; `transport.getReturncode()` says how. Output may still come. Python: `process_exited`. */
  processExited(): void {}
}
