import {
  type EventLoop,
  type Future,
  SubprocessProtocol,
  type SubprocessTransport,
} from "../../src/index.ts";

/** A protocol that writes down what it is told. */
export class Recorder extends SubprocessProtocol {
  readonly calls: string[] = [];
  readonly output = { 1: "", 2: "" };
  readonly over: Future<Error | null>;
  transport: SubprocessTransport | null = null;

  constructor(loop: EventLoop) {
    super();
    this.over = loop.createFuture();
  }

  override connectionMade(transport: SubprocessTransport): void {
    this.transport = transport;
    this.calls.push("connectionMade");
  }

  override pipeDataReceived(fd: 1 | 2, data: Buffer): void {
    if (this.output[fd] === "") this.calls.push(`pipeDataReceived ${fd}`);
    this.output[fd] += data;
  }

  override pipeConnectionLost(fd: number, error: Error | null): void {
    this.calls.push(`pipeConnectionLost ${fd} ${error === null ? null : error.name}`);
  }

  override processExited(): void {
    this.calls.push(`processExited ${this.transport!.getReturncode()}`);
  }

  override connectionLost(error: Error | null): void {
    this.calls.push("connectionLost");
    this.over.setResult(error);
  }

  override pauseWriting(): void {
    this.calls.push("pauseWriting");
  }

  override resumeWriting(): void {
    this.calls.push("resumeWriting");
  }
}
