import { Protocol } from "../io/protocols.ts";
import type { BaseSubprocessTransport } from "./base-subprocess.ts";

/** Between a pipe of a process and its transport. Python: `WriteSubprocessPipeProto`, `ReadSubprocessPipeProto`. */
export class PipeProtocol extends Protocol {
  readonly #fd: number;
  readonly #transport: BaseSubprocessTransport;

  constructor(fd: number, transport: BaseSubprocessTransport) {
    super();
    this.#fd = fd;
    this.#transport = transport;
  }

  override dataReceived(data: Buffer): void {
    this.#transport.pipeDataReceived(this.#fd, data);
  }

  override connectionLost(error: Error | null): void {
    this.#transport.pipeConnectionLost(this.#fd, error);
  }

  override pauseWriting(): void {
    this.#transport.getProtocol().pauseWriting();
  }

  override resumeWriting(): void {
    this.#transport.getProtocol().resumeWriting();
  }
}
