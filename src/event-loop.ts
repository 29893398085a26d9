import { BaseEventLoop } from "./core/base-events.ts";
import { Coroutine } from "./core/coroutines.ts";
import { RuntimeError } from "./core/errors.ts";
import type { Future } from "./core/futures.ts";
import type { Callback } from "./core/handles.ts";
import { logger } from "./core/log.ts";
import { assertTimeout, DefaultExecutor } from "./executors/default-executor.ts";
import { runInExecutor, type Submitter } from "./executors/run-in-executor.ts";
import type { ThreadPoolExecutor } from "./executors/thread.ts";
import type { Work, WorkResult } from "./executors/work.ts";
import type { Address } from "./io/address.ts";
import { checkedCallback } from "./io/arguments.ts";
import type { Backend, FileDescriptor, SocketLike } from "./io/backend.ts";
import { defaultBackend, makeBackend } from "./io/backends.ts";
import { type CreateDatagramEndpointOptions, createDatagramEndpoint } from "./io/datagrams.ts";
import { type AddressInfo, type GetaddrinfoOptions, getaddrinfo } from "./io/getaddrinfo.ts";
import { getnameinfo } from "./io/getnameinfo.ts";
import { NodeHost } from "./io/host.ts";
import type { Socket } from "./io/native/socket.ts";
import type {
  CreateConnectionOptions,
  CreateServerOptions,
  CreateUnixConnectionOptions,
  CreateUnixServerOptions,
} from "./io/network-loop.ts";
import type { FileLike } from "./io/open-file.ts";
import {
  connectReadPipe,
  connectWritePipe,
  type PipeProtocol,
  type ReadPipe,
  type WritePipe,
} from "./io/pipes.ts";
import { releaseStreams } from "./io/portable/stream-claim.ts";
import type { BaseProtocol, DatagramProtocol, StreamProtocol } from "./io/protocols.ts";
import { type SendfileOptions, sendfile } from "./io/sendfile.ts";
import type { Server } from "./io/server.ts";
import { connectAcceptedSocket, createConnection, createServer } from "./io/tcp.ts";
import type { SSLContext } from "./io/tls/ssl-context.ts";
import type { SSLContextOptions } from "./io/tls/ssl-options.ts";
import { type StartTlsOptions, startTls } from "./io/tls/start-tls.ts";
import type { TlsServerOptions } from "./io/tls/tls-settings.ts";
import type {
  BaseTransport,
  BytesLike,
  DatagramTransport,
  ReadTransport,
  Transport,
  WriteTransport,
} from "./io/transports.ts";
import { warnOfUnclosed } from "./io/unclosed.ts";
import { createUnixConnection, createUnixServer, type UnixPath } from "./io/unix.ts";
import type { ProgramArguments } from "./process/arguments.ts";
import { closeChildren } from "./process/children.ts";
import { subprocessExec, subprocessShell } from "./process/loop-subprocess.ts";
import { SignalHandlers } from "./process/signals.ts";
import type { SpawnOptions } from "./process/spawn-options.ts";
import type { SubprocessProtocol } from "./process/subprocess-protocol.ts";
import type { SubprocessTransport } from "./process/subprocess-transport.ts";
import type { LoopAddress } from "./threads/loop-address.ts";
import { LoopGate } from "./threads/loop-gate.ts";

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
  readonly #signals = new SignalHandlers(this);
  readonly #defaultExecutor = new DefaultExecutor();
  readonly #gate = new LoopGate(this);

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
   * Throws OSError if no address answers (ConnectionRefusedError, TimeoutError, …), with `allErrors` an ExceptionGroup of
   * them; gaierror if the name does not resolve, or there is no TCP for `family` and `proto`; ValueError if both or
   * neither of an address and `sock` are given, `sock` is no stream socket, or a number is out of range. With `ssl`, as
   * {@link startTls}; ValueError if there is neither a host nor `serverHostname`. Cancel safety:
   * the attempts are given up, and their sockets closed. Python: `loop.create_connection`.
   */
  createConnection<P extends StreamProtocol>(
    factory: () => P,
    host: string | null = null,
    port: number | null = null,
    options: CreateConnectionOptions = {},
  ): Coroutine<[Transport, P]> {
    return createConnection(this, this.#io, factory, host, port, options);
  }

  /**
   * Adopt `sock`, a connection that was accepted elsewhere, as the server's side of it; gives the transport, and the
   * protocol that `factory` made, when its `connectionMade` has run. The socket belongs to the transport then.
   *
   * Throws ValueError if `sock` is no stream socket, OSError if it is closed; with `ssl`, as {@link startTls}. Cancel
   * safety: the connection is closed. Python: `loop.connect_accepted_socket`.
   */
  connectAcceptedSocket<P extends StreamProtocol>(
    factory: () => P,
    sock: SocketLike,
    options: TlsServerOptions = {},
  ): Coroutine<[Transport, P]> {
    return connectAcceptedSocket(this, this.#io, factory, sock, options);
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
    host: string | readonly string[] | null = null,
    port: number | null = null,
    options: CreateServerOptions = {},
  ): Coroutine<Server> {
    return createServer(this, this.#io, factory, host, port, options);
  }

  /**
   * Connect to the unix socket `path`, or adopt `options.sock`; gives the transport, and the protocol that `factory`
   * made, when its `connectionMade` has run. A `path` that begins with "\0" is a name in Linux's abstract namespace.
   *
   * Throws OSError if that fails: FileNotFoundError if there is no such file, ConnectionRefusedError if nobody listens,
   * PermissionError, BlockingIOError if the server's backlog is full, ENAMETOOLONG. ValueError if both or neither of
   * `path` and `sock` are given, `sock` is no unix stream socket, or `path` is empty, not UTF-8 or contains NUL; with `ssl`,
   * as {@link startTls}, and ValueError without `serverHostname`. Cancel safety: the attempt is given up, and its socket closed. Python: `loop.create_unix_connection`.
   */
  createUnixConnection<P extends StreamProtocol>(
    factory: () => P,
    path: UnixPath | null = null,
    options: CreateUnixConnectionOptions = {},
  ): Coroutine<[Transport, P]> {
    return createUnixConnection(this, this.#io, factory, path, options);
  }

  /**
   * Listen at the unix socket `path`, or at `options.sock`. Each connection gets a protocol of `factory`. A socket that is
   * there already is replaced, also if somebody still listens at it. Closing the server removes the file, unless it has
   * become another server's, or `cleanupSocket` is false.
   *
   * Throws OSError if it cannot be made: EADDRINUSE if `path` is there and is no socket, FileNotFoundError if its
   * directory is not there, PermissionError, ENAMETOOLONG (Linux: more than 107 bytes); ValueError as
   * {@link createUnixConnection}. Cancel safety: nothing stays bound. Python: `loop.create_unix_server`.
   */
  createUnixServer(
    factory: () => StreamProtocol,
    path: UnixPath | null = null,
    options: CreateUnixServerOptions = {},
  ): Coroutine<Server> {
    return createUnixServer(this, this.#io, factory, path, options);
  }

  /**
   * Read from `pipe`: a pipe, FIFO, stream socket or character device, by its file descriptor, or a stream of Node's for
   * bytes. Gives the transport and the protocol that `factory` made, when its `connectionMade` has run. The pipe belongs
   * to the transport then, which closes it; but the process's own streams, `process.stdin`, it only lets go.
   *
   * Throws TypeError if `pipe` is nothing of that, ValueError if it is a regular file or the like, OSError if it is
   * closed, RuntimeError if a transport has it already. On the native backend the descriptor becomes non-blocking for all
   * processes that share it; for the terminal, use `openStdin`. Cancel safety: the pipe is closed. Python:
   * `loop.connect_read_pipe`.
   */
  connectReadPipe<P extends PipeProtocol>(factory: () => P, pipe: ReadPipe): Coroutine<[ReadTransport, P]> {
    return connectReadPipe(this, this.#io, factory, pipe);
  }

  /**
   * As {@link connectReadPipe}, to write to `pipe`. When nobody can read from it any more, the connection is lost: with
   * a BrokenPipeError if something was buffered. A pipe, FIFO or socket on the native backend notices it by itself,
   * others by a write that fails. Python: `loop.connect_write_pipe`.
   */
  connectWritePipe<P extends BaseProtocol>(
    factory: () => P,
    pipe: WritePipe,
  ): Coroutine<[WriteTransport, P]> {
    return connectWritePipe(this, this.#io, factory, pipe);
  }

  /**
   * Make an endpoint for datagrams: bound to `options.localAddr`, connected to `options.remoteAddr`, or on `options.sock`;
   * gives the transport, and the protocol that `factory` made, when its `connectionMade` has run. UDP, or with `family`
   * AF_UNIX unix datagrams; with a family alone, an endpoint without an address, which can send.
   *
   * Throws OSError if no address can be had (`EADDRINUSE`, …), gaierror if a name does not resolve, ValueError if no address
   * and no family is given, an address besides `sock`, or two addresses without a family in common, TypeError for what is
   * no address; NotImplementedError on the portable backend for unix datagrams, other protocols than UDP, and a `sock` that
   * does not tell its `family`. Cancel safety: the socket is closed. Python: `loop.create_datagram_endpoint`.
   */
  createDatagramEndpoint<P extends DatagramProtocol>(
    factory: () => P,
    options: CreateDatagramEndpointOptions = {},
  ): Coroutine<[DatagramTransport, P]> {
    return createDatagramEndpoint(this.#io, factory, options);
  }

  /**
   * Speak TLS from here on, on a connection that exists, with `protocol` behind it; gives the new transport after the
   * handshake. `protocol.connectionMade` is not called again, and the old transport is not to be used any more. Reading and
   * writing should be at rest: what was written before goes out as it is.
   *
   * Throws SSLError if the two sides do not come to terms, SSLCertVerificationError if the other's certificate is not
   * trusted, ConnectionAbortedError after `sslHandshakeTimeout`, ConnectionResetError if the connection ends; at the call,
   * TypeError for what is no transport of a connection or no context, ValueError for a context of the other side, or a
   * client without `serverHostname`. After an error the connection is gone. Cancel safety: the connection is ended.
   * Python: `loop.start_tls`.
   */
  startTls(
    transport: BaseTransport,
    protocol: StreamProtocol,
    sslcontext: SSLContext | SSLContextOptions,
    options: StartTlsOptions = {},
  ): Coroutine<Transport> {
    return startTls(this, transport, protocol, sslcontext, options);
  }

  /**
   * Where to connect to, or bind, for `port` of `host`: `[family, type, proto, canonname, sockaddr]`, the best first. A
   * port may be a service's name, as in /etc/services. Without a host it is this machine: its loopback, or with
   * AI_PASSIVE any address. Looked up outside of the loop's thread; debug mode logs how long it takes.
   *
   * Throws gaierror (`EAI_NONAME`, `EAI_SERVICE`, `EAI_AGAIN`, …), TypeError for a host or port of another type, ValueError
   * for a port out of range, NotImplementedError for AI_CANONNAME with a name. Cancel safety: nothing is lost. Python:
   * `loop.getaddrinfo`.
   */
  getaddrinfo(
    host: string | null,
    port: string | number | null,
    options: GetaddrinfoOptions = {},
  ): Coroutine<AddressInfo[]> {
    return getaddrinfo(this, host, port, options);
  }

  /**
   * The names for an address, `[host, service]`: the numbers as text where there is no name, or where NI_NUMERICHOST or
   * NI_NUMERICSERV among `flags` ask for that.
   *
   * Throws gaierror, with NI_NAMEREQD also if the host has no name; TypeError for what is no address, ValueError for a
   * port out of range, NotImplementedError for NI_NOFQDN. Cancel safety: nothing is lost. Python: `loop.getnameinfo`.
   */
  getnameinfo(sockaddr: Address, flags = 0): Coroutine<[host: string, service: string]> {
    return getnameinfo(sockaddr, flags);
  }

  /**
   * Call `callback(...args)` in every iteration in which there is something to read at `fd`; it replaces an earlier
   * callback. `fd` is a number or has a `fileno()`.
   *
   * Throws ValueError for what is no fd, RuntimeError if a transport owns it, OSError if it is closed or cannot be
   * watched, NotImplementedError on the portable backend. Python: `loop.add_reader`.
   */
  addReader<A extends unknown[]>(fd: FileDescriptor, callback: Callback<A>, ...args: A): void {
    this.#io.addReader(fd, checkedCallback(callback), args);
  }

  /**
   * Stop watching `fd` for reading; false if it was not. An object that has been closed meanwhile is known by itself.
   * Throws as {@link addReader}. Python: `loop.remove_reader`.
   */
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

  /**
   * Up to `size` bytes of a socket of your own; an empty Buffer at the end of the stream.
   *
   * The calls that begin with `sock` are for a {@link Socket} that no transport has, and are made at once where it is
   * ready. They throw OSError (EBADF if it is closed); at the call, TypeError for what is no Socket or makes no sense,
   * ValueError if the socket is blocking or a number is out of range, RuntimeError if a transport has it, and
   * NotImplementedError on the portable backend. Do not close a socket for which a task waits: cancel the task first.
   *
   * Cancel safety: nothing is lost. Several tasks may wait for the same socket; they are served in turn. Python:
   * `loop.sock_recv`.
   */
  sockRecv(sock: Socket, size: number): Coroutine<Buffer> {
    return this.#io.sockets.recv(sock, size);
  }

  /**
   * As {@link sockRecv}, into `buffer`: the number of bytes, 0 at the end of the stream. Cancel safety: `buffer` is as it
   * was. Python: `loop.sock_recv_into`.
   */
  sockRecvInto(sock: Socket, buffer: ArrayBufferView | ArrayBuffer): Coroutine<number> {
    return this.#io.sockets.recvInto(sock, buffer);
  }

  /**
   * One datagram, cut to `size` bytes, and its sender: null if the sender has no address. Throws as {@link sockRecv}.
   * Cancel safety: nothing is lost. Python: `loop.sock_recvfrom`.
   */
  sockRecvfrom(sock: Socket, size: number): Coroutine<[Buffer, Address | null]> {
    return this.#io.sockets.recvfrom(sock, size);
  }

  /**
   * As {@link sockRecvfrom}, into `buffer`: the number of bytes, at most `nbytes` (0, the default: as many as fit), and the
   * sender. ValueError if `nbytes` do not fit. Cancel safety: `buffer` is as it was. Python: `loop.sock_recvfrom_into`.
   */
  sockRecvfromInto(
    sock: Socket,
    buffer: ArrayBufferView | ArrayBuffer,
    nbytes = 0,
  ): Coroutine<[number, Address | null]> {
    return this.#io.sockets.recvfromInto(sock, buffer, nbytes);
  }

  /**
   * Send all of `data`, which must not change meanwhile, to the socket's peer. Throws as {@link sockRecv};
   * BrokenPipeError or ConnectionResetError if the connection is gone.
   *
   * Cancel safety: a part may have been sent, and nobody knows how much, as after an error. Python: `loop.sock_sendall`.
   */
  sockSendall(sock: Socket, data: BytesLike): Coroutine<void> {
    return this.#io.sockets.sendall(sock, data);
  }

  /**
   * Send one datagram to `address`, which has a literal IP address; gives the number of bytes. Throws as {@link sockRecv};
   * at the call, gaierror for a host name. Cancel safety: nothing was sent. Python: `loop.sock_sendto`.
   */
  sockSendto(sock: Socket, data: BytesLike, address: Address): Coroutine<number> {
    return this.#io.sockets.sendto(sock, data, address);
  }

  /**
   * Connect to `address`. Of a host name, the first address of the socket's family is tried, and no other. Throws as
   * {@link sockRecv}; gaierror if the name does not resolve, ConnectionRefusedError, TimeoutError, …
   *
   * Cancel safety: the socket stays open, and may become connected; close it, or call `sockConnect` again to wait on.
   * Python: `loop.sock_connect`.
   */
  sockConnect(sock: Socket, address: Address): Coroutine<void> {
    return this.#io.sockets.connect(sock, address);
  }

  /**
   * The next connection at a socket that listens, non-blocking, and the peer's address. Throws as {@link sockRecv}; EINVAL
   * if it does not listen. Cancel safety: the connection stays in the backlog. Python: `loop.sock_accept`.
   */
  sockAccept(sock: Socket): Coroutine<[Socket, Address]> {
    return this.#io.sockets.accept(sock);
  }

  /**
   * As {@link sendfile}, to a stream socket of your own. Throws as {@link sockRecv}; also ValueError if the socket is no
   * stream. Python: `loop.sock_sendfile`.
   */
  sockSendfile(sock: Socket, file: FileLike, options: SendfileOptions = {}): Coroutine<number> {
    return this.#io.sockets.sendfile(sock, file, options);
  }

  /**
   * Send an open file, or a part of it, over a connection; gives the number of bytes, fewer than `count` if the file ends.
   * `file` is an fd, or has one: Node's `FileHandle`, for instance. Bytes are sent as they are: there is no text mode. It
   * waits for what is buffered; then the kernel sends the file, without a copy in between, where it can. Meanwhile
   * nothing is received, and writing is a RuntimeError.
   *
   * The file's position is behind what was sent, after an error or a cancellation too; on the portable backend, which
   * cannot move it, it stays.
   *
   * Throws OSError (ConnectionResetError, BrokenPipeError, …) if the connection ends, or reading fails; RuntimeError if it
   * is closing, was ended with `writeEof`, is sending a file already, or is no stream; SendfileNotAvailableError if the
   * kernel cannot send this file, or over this connection, and `fallback` is false; at the call, TypeError for what is no
   * file or no integer, ValueError for a closed file, a negative `offset` or a `count` below 1.
   *
   * Cancel safety: a part is sent, and the connection can be used on. Python: `loop.sendfile`.
   */
  sendfile(transport: WriteTransport, file: FileLike, options: SendfileOptions = {}): Coroutine<number> {
    return sendfile(this.#io, transport, file, options);
  }

  /**
   * Start `program`, with these arguments, and options as the last one; gives the transport and the protocol that `factory`
   * made, when its `connectionMade` has run. What is not among `stdin`, `stdout` and `stderr` of the options is a pipe.
   *
   * Throws as `createSubprocessExec`. Cancel safety: the process is killed, and has exited. Python: `loop.subprocess_exec`.
   */
  subprocessExec<P extends SubprocessProtocol>(
    factory: () => P,
    program: string | URL,
    ...args: ProgramArguments<SpawnOptions>
  ): Coroutine<[SubprocessTransport, P]> {
    return subprocessExec(this, this.#io, factory, program, args);
  }

  /** As {@link subprocessExec}, for a command of the shell, as `createSubprocessShell`. Python: `loop.subprocess_shell`. */
  subprocessShell<P extends SubprocessProtocol>(
    factory: () => P,
    command: string | Uint8Array,
    options: SpawnOptions = {},
  ): Coroutine<[SubprocessTransport, P]> {
    return subprocessShell(this, this.#io, factory, command, options);
  }

  /**
   * Call `callback(...args)`, in the loop's turn, for each signal `sig` that reaches the process; `sig` is a number or a
   * name. It replaces an earlier callback of this loop. While there is one, the signal does not end the process, and does
   * not interrupt `run` either.
   *
   * Throws RuntimeError for SIGKILL and SIGSTOP, in a worker, and if the loop is closed; ValueError for what is no signal,
   * NotImplementedError for real-time signals; TypeError for a coroutine function, or no function at all. Python:
   * `loop.add_signal_handler`.
   */
  addSignalHandler<A extends unknown[]>(
    sig: number | NodeJS.Signals,
    callback: Callback<A>,
    ...args: A
  ): void {
    this.#signals.add(sig, callback as Callback, args);
  }

  /**
   * Let the signal have its usual effect again; false if there was no callback. Throws ValueError or TypeError for what is
   * no signal. Python: `loop.remove_signal_handler`.
   */
  removeSignalHandler(sig: number | NodeJS.Signals): boolean {
    return this.#signals.remove(sig);
  }

  /**
   * Have `work(...args)` carried out by `executor`, which has `submit`, or if that is null by the default one, a pool of
   * threads. It is submitted by the call; gives a future for its result. Cancelling the future cancels work that has not
   * begun; what else it does, the executor says.
   *
   * Throws TypeError for what is no executor, RuntimeError if the loop is closed or its default executor was shut down,
   * and what `submit` throws: TypeError or ValueError for work that cannot be sent to where it is to run. Context
   * variables stay here. Python: `loop.run_in_executor`.
   */
  runInExecutor<A extends unknown[], R>(
    executor: Submitter | null,
    work: Work<A, R>,
    ...args: A
  ): Future<WorkResult<R>> {
    if (this.isClosed()) throw new RuntimeError("Event loop is closed");
    return runInExecutor(this, executor ?? this.#defaultExecutor.get(), work, args);
  }

  /**
   * Use `executor` for work for which none is named. The one before is left alone. Throws TypeError if it is no
   * ThreadPoolExecutor. Python: `loop.set_default_executor`.
   */
  setDefaultExecutor(executor: ThreadPoolExecutor): void {
    this.#defaultExecutor.set(executor);
  }

  /**
   * The address of this loop for other threads, to be sent to them: `new Worker(file, { workerData: { loop: loop.threadsafe() } })`.
   * What they can do with it is in {@link RemoteLoop}, `new RemoteLoop(workerData.loop)`. Throws RuntimeError if the loop is
   * closed. Python has no such thing: its threads share the loop.
   */
  threadsafe(): LoopAddress {
    return this.#gate.address();
  }

  override shutdownDefaultExecutor(timeout: number | null = null): Coroutine<void> {
    assertTimeout(timeout);
    return new Coroutine(() => this.#defaultExecutor.shutdown(timeout), "shutdownDefaultExecutor");
  }

  /**
   * As `BaseEventLoop.close`; also closes the sockets of all connections and servers that are left, removes the signal
   * handlers, kills the processes that still run, and shuts down the default executor without waiting; what other threads
   * wait for fails there with RuntimeError.
   */
  override close(): void {
    if (this.isClosed()) return;
    super.close();
    this.#signals.removeAll();
    warnOfUnclosed(this);
    closeChildren(this);
    this.#defaultExecutor.close();
    this.#gate.close();
    this.#io.close();
    releaseStreams(this);
  }

  override setDebug(enabled: boolean): void {
    if (enabled && !this.getDebug()) this.#logBackend();
    super.setDebug(enabled);
  }

  #logBackend(): void {
    logger.debug(`Using the ${this.backend} backend`);
  }
}
