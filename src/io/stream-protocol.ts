import { isThenable } from "../core/awaitables.ts";
import type { BaseEventLoop } from "../core/base-events.ts";
import { type Context, copyContext } from "../core/contextvars.ts";
import { Coroutine, iscoroutine, iscoroutinefunction } from "../core/coroutines.ts";
import { runAs } from "../core/execution.ts";
import { isfuture, NO_ERROR } from "../core/futures.ts";
import { Handle, type Runnable } from "../core/handles.ts";
import type { Task } from "../core/tasks.ts";
import type { Waiting } from "./backend.ts";
import { FlowControlMixin, Waiters } from "./flow-control.ts";
import type { StreamReader } from "./stream-reader.ts";
import { StreamTransport } from "./stream-transport.ts";
import { StreamWriter } from "./stream-writer.ts";
import type { Transport } from "./transports.ts";

/**
 * What a server calls for each connection: an async function, a generator function, or a plain function. What it
 * returns does not matter, unless that is a coroutine, a generator or a promise.
 */
export type ClientConnectedCallback = (reader: StreamReader, writer: StreamWriter) => unknown;

/** How the connection ended; null as long as it has not. */
type End = { readonly error: Error | null } | null;

/**
 * Feeds a {@link StreamReader} with what comes in, and on a server calls back for each connection.
 *
 * It does not keep the reader: when the program has dropped both halves of a connection they can be collected, although
 * the connection itself refers to this. Python: `asyncio.StreamReaderProtocol`.
 */
export class StreamReaderProtocol extends FlowControlMixin {
  readonly #reader: WeakRef<StreamReader>;
  /** On a server, until there is a connection: it keeps the reader, which nobody else has. */
  #greet: ((transport: Transport) => void) | null = null;
  readonly #closers: Waiters;
  #end: End = null;
  #overTls = false;
  /** What the connection's transport is since `startTls`. */
  #upgraded: Transport | null = null;
  /** @internal */
  readonly serverSide: boolean;

  /** `clientConnectedCb` is called with a reader and a writer when the connection is made. */
  constructor(
    reader: StreamReader,
    clientConnectedCb: ClientConnectedCallback | null = null,
    options: { loop?: BaseEventLoop } = {},
  ) {
    super(options);
    this.#reader = new WeakRef(reader);
    this.serverSide = clientConnectedCb !== null;
    if (clientConnectedCb !== null) {
      this.#greet = (transport) => this.#connected(clientConnectedCb, reader, transport);
    }
    this.#closers = new Waiters(this.loop);
  }

  override connectionMade(transport: Transport): void {
    this.#overTls = transport.getExtraInfo("sslcontext") !== null;
    this.#reader.deref()?.setTransport(transport);
    this.#greet?.(transport);
    this.#greet = null;
  }

  /** @internal */
  override upgraded(transport: Transport): void {
    this.#overTls = true;
    this.#upgraded = transport;
    this.#reader.deref()?.replaceTransport(transport);
  }

  /** @internal */
  override takeUnread(): Buffer {
    return this.#reader.deref()?.takeUnread() ?? super.takeUnread();
  }

  override dataReceived(data: Buffer): void {
    this.#reader.deref()?.feedData(data);
  }

  /** Keeps the connection open: our side may still have something to say. TLS has no half-open connections. */
  override eofReceived(): boolean {
    this.#reader.deref()?.feedEof();
    return !this.#overTls;
  }

  override connectionLost(error: Error | null): void {
    const reader = this.#reader.deref();
    if (error === null) reader?.feedEof();
    else reader?.setException(error);
    this.#end = { error };
    this.#closers.release(error);
    super.connectionLost(error);
  }

  /** @internal */
  override *closed(): Waiting<void> {
    if (this.#end === null) yield* this.#closers.wait();
    else if (this.#end.error !== null) throw this.#end.error;
  }

  #connected(callback: ClientConnectedCallback, reader: StreamReader, transport: Transport): void {
    const writer = new StreamWriter(transport, this, reader, this.loop);
    const task = this.#callBack(callback, () => callback(reader, writer), transport);
    if (task === null) return;
    task.addWaiter(new HandlerEnd(task, transport, this));
    if (transport instanceof StreamTransport) transport.handledBy(task);
  }

  /** Coroutine functions are handed over uncalled, so that all of them runs in the task. */
  #callBack(
    callback: ClientConnectedCallback,
    call: () => unknown,
    transport: Transport,
  ): Task<unknown> | null {
    if (iscoroutinefunction(callback)) {
      return this.loop.createTask(new Coroutine(call, callback.name || "<anonymous>"));
    }
    try {
      return this.#callPlain(call);
    } catch (error) {
      transport.close();
      throw error;
    }
  }

  /**
   * `(reader, writer) => serve(reader, writer)` is a plain function too, and if `serve` is an async function it has
   * begun by the time we know. What it awaits first asks who is running only in a microtask, so there is time to put
   * it into a task: then it can be cancelled as any other.
   */
  #callPlain(call: () => unknown): Task<unknown> | null {
    const caller: { task: Task<unknown> | null; context: Context } = { task: null, context: copyContext() };
    const result = runAs(caller, call);
    if (iscoroutine(result)) return this.loop.createTask(result);
    if (!isThenable(result) || isfuture(result)) return null;
    caller.task = this.loop.createTask(() => result, { context: caller.context });
    this.loop.promiseSettled();
    // The task looks at it in the next iteration; for Node a rejection before that would be unhandled.
    result.then(null, () => {});
    return caller.task;
  }

  /** @internal The task that serves the connection is done. */
  handled(task: Task<unknown>, transport: Transport): void {
    if (transport instanceof StreamTransport) transport.handled(task);
    const cancelled = task.cancelled();
    const exception = task.takeError();
    if (exception === NO_ERROR) return;
    if (!cancelled) {
      this.loop.callExceptionHandler({
        message: "Unhandled exception in clientConnectedCb",
        exception,
        transport,
      });
    }
    (this.#upgraded ?? transport).close();
  }
}

/** The handler of a connection ends in its own turn, as a done callback would. That would be three times as large. */
class HandlerEnd implements Runnable {
  readonly #task: Task<unknown>;
  readonly #transport: Transport;
  readonly #protocol: StreamReaderProtocol;

  constructor(task: Task<unknown>, transport: Transport, protocol: StreamReaderProtocol) {
    this.#task = task;
    this.#transport = transport;
    this.#protocol = protocol;
  }

  run(): void {
    const { loop, context } = this.#task;
    new Handle(() => this.#protocol.handled(this.#task, this.#transport), [], loop, context).run();
  }
}
