import { inspect } from "node:util";
import { isMainThread } from "node:worker_threads";
import { BaseRunner, type RunnerOptions, type RunOptions } from "./concurrency/runners.ts";
import { BaseEventLoop, type CoroutineLike } from "./core/base-events.ts";
import { Coroutine } from "./core/coroutines.ts";
import { NotImplementedError, ValueError } from "./core/errors.ts";
import { currentLoop, getRunningLoop as runningLoopOrThrow } from "./core/events.ts";
import type { Callback } from "./core/handles.ts";
import { logger } from "./core/log.ts";
import type { Backend, FileDescriptor } from "./io/backend.ts";
import { NodeHost } from "./io/host.ts";
import { nativeAvailable } from "./io/native/libc.ts";
import { NativeBackend } from "./io/native/native-backend.ts";
import type { CreateConnectionOptions, CreateServerOptions } from "./io/network-loop.ts";
import { PortableBackend } from "./io/portable/portable-backend.ts";
import type { StreamProtocol } from "./io/protocols.ts";
import { Server } from "./io/server.ts";
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
    const { sock, ...rest } = options;
    assertFactory(factory);
    if (sock !== undefined) {
      assertNoAddress(host, port);
      return new Coroutine(() => this.#io.adopt(factory, sock), "createConnection");
    }
    const target = host ?? "localhost";
    if (host === null && port === null)
      throw new ValueError("host and port was not specified and no sock specified");
    assertHost(target);
    const number = checkedPort(port);
    return new Coroutine(() => this.#io.connect(factory, target, number, rest), "createConnection");
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
    const { sock, startServing = true, ...rest } = options;
    assertFactory(factory);
    if (sock !== undefined) {
      assertNoAddress(host, port);
      return this.#serve((io) => io.listenOn(factory, sock, rest), startServing);
    }
    if (host === null && port === null) throw new ValueError("Neither host/port nor sock were specified");
    const hosts = host === null || host === "" ? [null] : typeof host === "string" ? [host] : [...host];
    for (const one of hosts) if (one !== null) assertHost(one);
    const number = checkedPort(port ?? 0);
    return this.#serve((io) => io.listen(factory, hosts, number, rest), startServing);
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

  #serve(listen: (io: Backend) => ReturnType<Backend["listen"]>, startServing: boolean): Coroutine<Server> {
    return new Coroutine(() => this.#listenAndServe(listen, startServing), "createServer");
  }

  *#listenAndServe(listen: (io: Backend) => ReturnType<Backend["listen"]>, startServing: boolean) {
    const server = new Server(this, yield* listen(this.#io));
    if (startServing) yield* startOrClose(server);
    return server;
  }
}

/**
 * Run `main` in a new loop, and give its result or throw its error; then cancel the tasks that are left, close the
 * async generators, and close the loop. This is how a program starts.
 *
 * ```ts
 * await run(async () => { await sleep(1); console.log("hello"); });
 * await run(serve, { signals: true, grace: 10 });   // Ctrl-C and SIGTERM shut down, within 10 seconds
 * ```
 *
 * `main` is a function of either flavour, or a coroutine. It is cancelled when `options.signal` aborts, and by the first
 * Ctrl-C, or the first of `options.signals`; if it ends by such a signal, `run` throws KeyboardInterrupt (SIGINT) or
 * SystemExit (the others). A second one exits at once with 128 + its number, 130 for SIGINT, and so does a clean-up that
 * takes longer than `options.grace` seconds.
 *
 * Rejects with RuntimeError if a loop runs already, TypeError if `main` is a promise or `signal` no AbortSignal, TypeError
 * or ValueError for `signals` and `grace` that make no sense. Python: `asyncio.run`, which blocks; JavaScript cannot, so
 * await it.
 */
export async function run<T>(main: CoroutineLike<T>, options: RunOptions = {}): Promise<T> {
  const { signal, ...rest } = options;
  await using runner = new Runner(rest);
  return await runner.run<T>(main, { signal });
}

/** The {@link BaseRunner} of a new `EventLoop`, or of what `loopFactory` makes. */
export class Runner extends BaseRunner {
  /** Throws as {@link BaseRunner} does. */
  constructor({ loopFactory = newEventLoop, ...options }: RunnerOptions = {}) {
    super({ loopFactory, ...options });
  }
}

/**
 * The loop that runs in this thread. Throws RuntimeError if none does.
 *
 * As long as a loop runs, this is it for every function in the thread, not only for tasks and callbacks. For a loop of
 * another class, name that: `getRunningLoop<MyLoop>()`. Python: `asyncio.get_running_loop`.
 */
export function getRunningLoop<L extends BaseEventLoop = EventLoop>(): L {
  return runningLoopOrThrow() as L;
}

/**
 * The loop that runs, else the one that `setEventLoop` has installed. Where that was never called, a new one is
 * installed, in the main thread; RuntimeError otherwise. In coroutines and callbacks, {@link getRunningLoop} says more
 * clearly what is meant. Python: `asyncio.get_event_loop`.
 */
export function getEventLoop<L extends BaseEventLoop = EventLoop>(): L {
  return currentLoop(isMainThread ? newEventLoop : null) as L;
}

/** A new loop, which does not run yet. Python: `asyncio.new_event_loop`. */
export function newEventLoop(options: EventLoopOptions = {}): EventLoop {
  return new EventLoop(options);
}

function* startOrClose(server: Server) {
  try {
    yield* server.startServing();
  } catch (error) {
    server.close();
    throw error;
  }
}

function defaultBackend(): "native" | "portable" {
  const wanted = process.env.ASYNCIO_BACKEND;
  if (wanted === "native" || wanted === "portable") return wanted;
  if (wanted)
    throw new ValueError(`ASYNCIO_BACKEND must be native or portable, not ${JSON.stringify(wanted)}`);
  return nativeAvailable().available ? "native" : "portable";
}

function makeBackend(name: "native" | "portable"): NativeBackend | PortableBackend {
  if (name === "portable") return new PortableBackend();
  const native = nativeAvailable();
  if (native.available) return new NativeBackend();
  throw new NotImplementedError(`the native backend is not available: ${native.reason}; use "portable"`);
}

function assertFactory(factory: unknown): void {
  if (typeof factory !== "function") {
    throw new TypeError(`a function that makes a protocol was expected, not ${inspect(factory)}`);
  }
}

function assertNoAddress(host: unknown, port: unknown): void {
  if (host === null && port === null) return;
  throw new ValueError("host/port and sock can not be specified at the same time");
}

function assertHost(host: unknown): void {
  if (typeof host !== "string") throw new TypeError(`host must be a string, not ${inspect(host)}`);
}

function checkedPort(port: number | null): number {
  if (typeof port === "number" && Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new ValueError(`port must be an integer from 0 to 65535, not ${inspect(port)}`);
}

function checkedCallback<A extends unknown[]>(callback: Callback<A>): Callback {
  if (typeof callback !== "function")
    throw new TypeError(`a function was expected, not ${inspect(callback)}`);
  return callback as Callback;
}
