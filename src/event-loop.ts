import { BaseEventLoop } from "./core/base-events.ts";
import type { Coroutine } from "./core/coroutines.ts";
import type { Callback } from "./core/handles.ts";
import { logger } from "./core/log.ts";
import { checkedCallback } from "./io/arguments.ts";
import type { Backend, FileDescriptor } from "./io/backend.ts";
import { defaultBackend, makeBackend } from "./io/backends.ts";
import { NodeHost } from "./io/host.ts";
import type { CreateConnectionOptions, CreateServerOptions } from "./io/network-loop.ts";
import type { StreamProtocol } from "./io/protocols.ts";
import type { Server } from "./io/server.ts";
import { createConnection, createServer } from "./io/tcp.ts";
import type { Transport } from "./io/transports.ts";
import { warnOfUnclosed } from "./io/unclosed.ts";

export interface EventLoopOptions {
  /**
   * How I/O is done: `"native"` on raw file descriptors, or `"portable"` on Node's own handles. By default the
   * environment's `ASYNCIO_BACKEND`, else native where that is possible (Linux, with koffi installed).
   */
  backend?: "native" | "portable" | undefined;
}

/**
 * The event loop: the scheduler, hosted in Node, with the I/O of one backend. Here the rooms are put together; what a
 * method does is in its room. Python: `asyncio.EventLoop`.
 */
export class EventLoop extends BaseEventLoop {
  /** How this loop does its I/O. */
  readonly backend: "native" | "portable";
  readonly #io: Backend;

  /** Throws NotImplementedError, with the reason, if the native backend is asked for and not available. */
  constructor({ backend = defaultBackend() }: EventLoopOptions = {}) {
    const io = makeBackend(backend);
    super(new NodeHost(io.poller));
    io.attach(this);
    this.#io = io;
    this.backend = io.name;
    if (this.getDebug()) this.#logBackend();
  }

  /**
   * Connect to `port` of `host` by TCP, or adopt `options.sock`; gives the transport, and the protocol that `factory`
   * made, when its `connectionMade` has run.
   *
   * Throws OSError if no address answers (ConnectionRefusedError, TimeoutError, …), gaierror if the name does not
   * resolve, ValueError if both or neither of an address and `sock` are given, or the port is out of range. Cancel
   * safety: the attempt is given up, and its socket closed. Python: `loop.create_connection`.
   */
  createConnection<P extends StreamProtocol>(
    factory: () => P,
    host: string | null,
    port: number | null,
    options: CreateConnectionOptions = {},
  ): Coroutine<[Transport, P]> {
    return createConnection(this.#io, factory, host, port, options);
  }

  /**
   * Listen by TCP at `port` of `host` (of several hosts; of all interfaces, if null or ""), or at `options.sock`. Each
   * connection gets a protocol of `factory`. Port 0 lets the system choose one.
   *
   * Throws OSError if an address cannot be had (`EADDRINUSE`, …), gaierror if a name does not resolve, ValueError as
   * {@link createConnection}. Cancel safety: nothing stays bound. Python: `loop.create_server`.
   */
  createServer(
    factory: () => StreamProtocol,
    host: string | readonly string[] | null,
    port: number | null,
    options: CreateServerOptions = {},
  ): Coroutine<Server> {
    return createServer(this, this.#io, factory, host, port, options);
  }

  /**
   * Call `callback(...args)` in every iteration in which there is something to read at `fd`; it replaces an earlier
   * callback. `fd` is a number or has a `fileno()`.
   *
   * Throws RuntimeError if a transport owns the fd, OSError if it is closed or cannot be watched, NotImplementedError
   * on the portable backend. Python: `loop.add_reader`.
   */
  addReader<A extends unknown[]>(fd: FileDescriptor, callback: Callback<A>, ...args: A): void {
    this.#io.addReader(fd, checkedCallback(callback), args);
  }

  /** Stop watching `fd` for reading; false if it was not. Throws as {@link addReader}. Python: `loop.remove_reader`. */
  removeReader(fd: FileDescriptor): boolean {
    return this.#io.removeReader(fd);
  }

  /** As {@link addReader}, for when `fd` can be written to. Python: `loop.add_writer`. */
  addWriter<A extends unknown[]>(fd: FileDescriptor, callback: Callback<A>, ...args: A): void {
    this.#io.addWriter(fd, checkedCallback(callback), args);
  }

  /** Stop watching `fd` for writing; false if it was not. Throws as {@link addReader}. Python: `loop.remove_writer`. */
  removeWriter(fd: FileDescriptor): boolean {
    return this.#io.removeWriter(fd);
  }

  /** As `BaseEventLoop.close`; also closes the sockets of all connections and servers that are left. */
  override close(): void {
    if (this.isClosed()) return;
    super.close();
    warnOfUnclosed(this);
    this.#io.close();
  }

  override setDebug(enabled: boolean): void {
    if (enabled && !this.getDebug()) this.#logBackend();
    super.setDebug(enabled);
  }

  #logBackend(): void {
    logger.debug(`Using the ${this.backend} backend`);
  }
}
