import {
  isMainThread,
  MessageChannel,
  type MessagePort,
  postMessageToThread,
  receiveMessageOnPort,
  threadId,
} from "node:worker_threads";
import { RuntimeError } from "../core/errors.ts";
import { ConcurrentFuture } from "../executors/futures.ts";
import { assertIntact } from "../executors/intact.ts";
import { decodeError } from "../executors/remote-errors.ts";
import { transferList } from "../executors/transfer.ts";
import type { PortableWork } from "../executors/work.ts";
import { isClosed, type LoopAddress } from "./loop-address.ts";
import { accept } from "./loop-gate.ts";
import { type CallMessage, type FromLoop, INTRODUCTION, type Introduction, type ToLoop } from "./messages.ts";

/** Milliseconds between two looks whether the thread is still there for whose answer this one is blocked. */
const LOOK = 50;

const LOOP_CLOSED = "Event loop is closed";

/** The future of a call in a loop of another thread. It can block. */
class RemoteFuture extends ConcurrentFuture {
  readonly #block: (future: RemoteFuture, timeout: number | null) => void;

  constructor(block: (future: RemoteFuture, timeout: number | null) => void) {
    super();
    this.#block = block;
  }

  protected override block(timeout: number | null): void {
    this.#block(this, timeout);
  }
}

/** How this thread reaches a loop in another one. */
export class Connection {
  readonly #address: LoopAddress;
  readonly #port: MessagePort;
  readonly #bell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #pending = new Map<number, RemoteFuture>();
  #introduced = false;
  #lastId = 0;
  /** Why nothing can be called any more. */
  #ended: string | null = null;

  /** Throws RuntimeError if the loop is closed. */
  constructor(address: LoopAddress) {
    if (isClosed(address.state)) throw new RuntimeError(LOOP_CLOSED);
    this.#address = address;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on("message", (message: FromLoop) => this.#receive(message));
    port1.on("messageerror", (error) => this.end(`an answer of the loop cannot be read: ${error.message}`));
    port1.on("close", () => this.#lost());
    const { id, state } = address;
    void this.#introduce({ kind: INTRODUCTION, id, state, port: port2, bell: this.#bell });
  }

  /** Why nothing can be called any more; null if there is no reason. */
  get ended(): string | null {
    return isClosed(this.#address.state) ? LOOP_CLOSED : this.#ended;
  }

  /** Give what {@link cancel} needs. Throws RuntimeError if the loop is gone, TypeError for arguments that cannot be sent. */
  call(work: PortableWork, args: readonly unknown[]): number {
    return this.#send("call", work, args);
  }

  /** As {@link call}, with an outcome. */
  run(work: PortableWork, args: readonly unknown[]): ConcurrentFuture {
    const id = this.#send("run", work, args);
    const future = new RemoteFuture((one, timeout) => this.#block(one, timeout));
    this.#pending.set(id, future);
    this.#hold();
    future.addDoneCallback(() => {
      if (this.#forget(id) !== undefined && future.cancelled()) this.cancel(id);
    });
    return future;
  }

  cancel(id: number): void {
    const message: ToLoop = { kind: "cancel", id };
    if (this.ended === null) this.#port.postMessage(message);
  }

  /** Nothing can be called any more; futures that are pending fail. */
  end(why: string): void {
    if (this.#ended !== null) return;
    this.#ended = why;
    for (const [id, future] of this.#pending) {
      this.#forget(id);
      future.setException(new RuntimeError(why));
    }
    this.#port.close();
  }

  #send(kind: CallMessage["kind"], work: PortableWork, args: readonly unknown[]): number {
    const { ended } = this;
    if (ended !== null) throw new RuntimeError(ended);
    const message: ToLoop = { kind, id: ++this.#lastId, work, args };
    try {
      const moved = transferList(args);
      assertIntact(message, moved);
      this.#port.postMessage(message, moved);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : cause;
      throw new TypeError(`the arguments of ${work.name}() cannot be sent: ${why}`, { cause });
    }
    return message.id;
  }

  #receive(message: FromLoop): void {
    const future = this.#forget(message.id);
    if (future === undefined) return;
    if (message.kind === "result") future.setResult(message.value);
    else if (message.kind === "error") future.setException(decodeError(message.error));
    else future.cancel();
  }

  #forget(id: number): RemoteFuture | undefined {
    const future = this.#pending.get(id);
    this.#pending.delete(id);
    this.#hold();
    return future;
  }

  /** A thread that waits for an answer stays alive; before it is introduced, what it has said could be lost. */
  #hold(): void {
    if (this.#pending.size > 0 || !this.#introduced) this.#port.ref();
    else this.#port.unref();
  }

  /** Messages can come while the thread is blocked, but Node tells nobody of them. */
  #block(future: RemoteFuture, timeout: number | null): void {
    if (isMainThread)
      throw new RuntimeError(`${future} is not done, and the main thread must not block: await it`);
    if (this.#address.threadId === threadId) {
      throw new RuntimeError(
        `${future} is not done, and waits for this very thread, which must not block: await it`,
      );
    }
    const due = timeout === null ? Number.POSITIVE_INFINITY : performance.now() + 1000 * timeout;
    for (let silent = false; ; ) {
      const rung = Atomics.load(this.#bell, 0);
      const closed = isClosed(this.#address.state);
      this.#receiveAll();
      if (future.done()) return;
      if (closed || (silent && !this.#isOpen())) {
        this.#lost();
        return;
      }
      const left = due - performance.now();
      if (left <= 0) return;
      silent = Atomics.wait(this.#bell, 0, rung, Math.min(left, LOOK)) === "timed-out";
    }
  }

  #receiveAll(): void {
    try {
      for (;;) {
        const received = receiveMessageOnPort(this.#port);
        if (received === undefined) return;
        this.#receive(received.message);
      }
    } catch (error) {
      this.end(`an answer of the loop cannot be read: ${error}`);
    }
  }

  /** A port that is closed cannot be sent, and that is told before it is told that a function cannot be sent either. */
  #isOpen(): boolean {
    try {
      probe.postMessage(() => {}, [this.#port]);
      return true;
    } catch (error) {
      return !/detached/.test(String(error));
    }
  }

  #lost(): void {
    this.end(isClosed(this.#address.state) ? LOOP_CLOSED : "the thread of the event loop has ended");
  }

  async #introduce(introduction: Introduction): Promise<void> {
    const { threadId: target } = this.#address;
    try {
      if (target === threadId) accept(introduction);
      else await postMessageToThread(target, introduction, [introduction.port]);
    } catch {
      this.#lost();
    }
    this.#introduced = true;
    this.#hold();
  }
}

const { port1: probe } = new MessageChannel();
probe.unref();
