import { inspect } from "node:util";
import { sleep } from "../concurrency/sleep.ts";
import { wait } from "../concurrency/wait.ts";
import { waitFor } from "../concurrency/wait-for.ts";
import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import { CancelledError, RuntimeError, TimeoutError } from "../core/errors.ts";
import { type Future, setResultUnlessDone } from "../core/futures.ts";
import { Inspectable } from "../core/inspectable.ts";
import type { Obligation } from "../core/obligations.ts";
import type { Task } from "../core/tasks.ts";
import { assertDuration } from "./arguments.ts";
import type { Waiting } from "./backend.ts";
import type { Transport } from "./transports.ts";
import type { TransportSocket } from "./trsock.ts";
import { mustBeClosed } from "./unclosed.ts";

/** The listening sockets of a server, whatever they are made of. */
export interface Listener {
  readonly sockets: readonly TransportSocket[];
  /** Accept from now on; each connection is attached to `server`. Throws OSError if the system refuses. */
  start(server: Server): void;
  /** Accept those that are connected, and wait for that: closing would reset them. Where the backend can tell. */
  acceptWaiting?(server: Server): void;
  /** Stop accepting, and close the sockets. */
  close(): void;
}

export interface ServerCloseOptions {
  /** How many seconds the connections may take to come to an end by themselves. */
  drain: number;
}

/**
 * A server that accepts connections: what `createServer` and `startServer` give. At the end of an `await using` block
 * it is closed, and its last connection awaited. Python: `asyncio.Server`.
 */
export class Server extends Inspectable implements AsyncDisposable {
  readonly #loop: BaseEventLoop;
  readonly #transports = new Set<Transport>();
  /** The tasks of `startServer` that serve a connection. */
  readonly #handlers = new Set<Task<unknown>>();
  /** Null once closed. */
  #listener: Listener | null;
  /** Null once closed and without connections. */
  #waiters: Future<void>[] | null = [];
  #serving = false;
  #draining = false;
  #serveForever: Future<void> | null = null;
  /** In debug mode. */
  readonly #closingOwed: Obligation | null;

  /** @internal */
  constructor(loop: BaseEventLoop, listener: Listener) {
    super();
    this.#loop = loop;
    this.#listener = listener;
    this.#closingOwed = mustBeClosed(this, "server", loop);
  }

  /** The loop that the server belongs to. Python: `Server.get_loop`. */
  getLoop(): BaseEventLoop {
    return this.#loop;
  }

  /** Whether new connections are accepted. Python: `Server.is_serving`. */
  isServing(): boolean {
    return this.#serving;
  }

  /** The listening sockets; none once closed. `server.sockets[0].getsockname()` tells the port. Python: `Server.sockets`. */
  get sockets(): readonly TransportSocket[] {
    return [...(this.#listener?.sockets ?? [])];
  }

  /** Accept connections, if it does not yet. Throws RuntimeError once closed. Python: `Server.start_serving`. */
  startServing(): Coroutine<void> {
    return new Coroutine(() => this.#startServing(), "Server.startServing");
  }

  /**
   * Accept connections until cancelled, or until somebody closes the server; then close it and its connections, unless
   * somebody drains it, wait for the last one, and throw the CancelledError. Throws RuntimeError if the server is closed,
   * or somebody does this already. Python: `Server.serve_forever`.
   */
  serveForever(): Coroutine<never> {
    return new Coroutine(() => this.#serveUntilCancelled(), "Server.serveForever");
  }

  /** Stop accepting. Connections that exist stay. Ends {@link serveForever}. Python: `Server.close`. */
  close(): void;
  /**
   * Stop accepting, at once; then, when awaited, wait until the connections are gone and their handlers are done. After
   * `drain` seconds the handlers that are left are cancelled, and their connections aborted; it returns when their
   * clean-up is over. Handlers are the tasks of `startServer`. On the native backend, those that the system has connected
   * by now, and that wait to be accepted, are accepted first, unless `drain` is 0; else they are reset.
   *
   * Throws TypeError or ValueError if `drain` is not 0 or more seconds. Cancel safety: handlers and connections are
   * cancelled and aborted at once. Not in Python.
   */
  close(options: ServerCloseOptions): Coroutine<void>;
  close(options?: ServerCloseOptions): Coroutine<void> | undefined {
    if (options === undefined) {
      this.#stopAccepting();
      return undefined;
    }
    const { drain } = options;
    assertDuration("drain", drain);
    this.#draining = true;
    if (this.#serving && drain > 0) this.#listener?.acceptWaiting?.(this);
    this.#stopAccepting();
    return new Coroutine(() => this.#drain(drain), "Server.close");
  }

  /**
   * Wait until the server is closed and its last connection is gone. It does not close the server. Cancel safety:
   * nothing is lost. Python: `Server.wait_closed`.
   */
  waitClosed(): Coroutine<void> {
    return new Coroutine(() => this.#waitClosed(), "Server.waitClosed");
  }

  /** Close every connection; what is buffered is still sent. Python: `Server.close_clients`. */
  closeClients(): void {
    for (const transport of [...this.#transports]) transport.close();
  }

  /** End every connection now; what is buffered is lost. Python: `Server.abort_clients`. */
  abortClients(): void {
    for (const transport of [...this.#transports]) transport.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.waitClosed();
  }

  /** @internal Accept from now on. */
  begin(): void {
    if (this.#listener === null) throw new RuntimeError(`${this} is closed`);
    if (this.#serving) return;
    this.#serving = true;
    this.#listener.start(this);
  }

  /** @internal A connection was accepted. */
  attach(transport: Transport): void {
    this.#transports.add(transport);
  }

  /** @internal A connection is gone. */
  detach(transport: Transport): void {
    this.#transports.delete(transport);
    this.#wakeIfOver();
  }

  /** @internal Such a task serves a connection. */
  handledBy(task: Task<unknown>): void {
    this.#handlers.add(task);
  }

  /** @internal It is done. */
  handled(task: Task<unknown>): void {
    this.#handlers.delete(task);
  }

  #stopAccepting(): void {
    const listener = this.#listener;
    if (listener === null) return;
    this.#listener = null;
    this.#closingOwed?.settle();
    this.#serving = false;
    listener.close();
    this.#serveForever?.cancel();
    this.#wakeIfOver();
  }

  *#drain(seconds: number): Waiting<void> {
    try {
      yield* waitFor(this.#over(), Number.isFinite(seconds) ? seconds : null);
      return;
    } catch (error) {
      this.#cancelHandlers();
      if (!(error instanceof TimeoutError)) {
        this.abortClients();
        throw error;
      }
    }
    // What they send at the end, and what the kernel takes of it at once, is not lost.
    yield* sleep(0);
    yield* sleep(0);
    this.abortClients();
    yield* this.#over();
  }

  #cancelHandlers(): void {
    for (const task of this.#handlers) task.cancel();
  }

  /** Wait until no connection and no handler is left. */
  *#over(): Waiting<void> {
    yield* this.#waitClosed();
    while (this.#handlers.size > 0) yield* wait(this.#handlers);
  }

  *#startServing() {
    this.begin();
    yield* sleep(0);
  }

  *#serveUntilCancelled(): Waiting<never> {
    if (this.#serveForever !== null) {
      throw new RuntimeError(`${this} is already being awaited on serveForever()`);
    }
    this.begin();
    this.#serveForever = this.#loop.createFuture<void>();
    try {
      yield* this.#serveForever;
      throw new CancelledError();
    } catch (error) {
      this.#stopAccepting();
      if (!this.#draining) this.closeClients();
      yield* this.#waitClosed();
      throw error;
    } finally {
      this.#serveForever = null;
    }
  }

  *#waitClosed() {
    if (this.#waiters === null) return;
    const waiter = this.#loop.createFuture<void>();
    this.#waiters.push(waiter);
    yield* waiter;
  }

  #wakeIfOver(): void {
    if (this.#listener !== null || this.#transports.size > 0) return;
    const waiters = this.#waiters ?? [];
    this.#waiters = null;
    for (const waiter of waiters) setResultUnlessDone(waiter, undefined);
  }

  override toString(): string {
    const names = this.sockets.map((socket) => inspect(socket.getsockname()));
    return `<Server ${this.#serving ? "serving" : "not serving"} sockets=[${names.join(", ")}]>`;
  }
}
