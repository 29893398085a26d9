import type { ChildProcess } from "node:child_process";
import type { Suspension } from "../core/awaitables.ts";
import type { Callback } from "../core/handles.ts";
import type { ChildPipe } from "./child-pipe.ts";
import type { ChildProgram } from "./child-program.ts";
import type { Poller } from "./host.ts";
import type { FileLike } from "./open-file.ts";
import type { PipeProtocol } from "./pipes.ts";
import type { BaseProtocol, DatagramProtocol, StreamProtocol } from "./protocols.ts";
import type { ReadPipeTransport } from "./read-pipe-transport.ts";
import type { FilePart } from "./sendfile.ts";
import type { Listener } from "./server.ts";
import type { SocketCalls } from "./socket-calls.ts";
import type { DatagramTransport, Transport } from "./transports.ts";
import type { WritePipeTransport } from "./write-pipe-transport.ts";

/** A file descriptor, or an object that has one. */
export type FileDescriptor = number | { fileno(): number };

/** What a generator of ours gives, for `yield*`. */
export type Waiting<T> = Generator<Suspension, T, unknown>;

/** A socket that was made elsewhere: connected for `createConnection`, bound for `createServer`. */
export interface SocketLike {
  fileno(): number;
}

export interface ConnectOptions {
  /** AF_INET or AF_INET6 to use only that family; 0, the default, for both. */
  family?: number;
  /** The protocol: IPPROTO_TCP, or 0, the default, which is the same. */
  proto?: number;
  /** How names are resolved: AI_ADDRCONFIG, AI_NUMERICHOST, …, or 0, the default. */
  flags?: number;
  /** The address to connect from; any by default. */
  localAddr?: HostAddress | null;
  /**
   * Try the next address when the last one has not answered for so many seconds, besides that one: "happy eyeballs"
   * (RFC 8305, which recommends 0.25). By default, null, the next one is tried when the last one has failed.
   */
  happyEyeballsDelay?: number | null;
  /**
   * Try addresses of both families by turns, after so many of the family that comes first; 0 for the order in which
   * they are resolved. By default 1 with `happyEyeballsDelay`, else 0.
   */
  interleave?: number | null;
  /** If no address answers, throw an ExceptionGroup of all errors in place of one OSError. */
  allErrors?: boolean;
}

export interface ListenOptions {
  /** AF_INET or AF_INET6 to use only that family; 0, the default, for both. */
  family?: number;
  /** How names are resolved: AI_ADDRCONFIG, AI_NUMERICHOST, …; AI_PASSIVE by default. */
  flags?: number;
  /** How many connections may wait to be accepted; 100 by default. */
  backlog?: number;
  /**
   * Whether an address is taken that was in use a moment ago; by default true, but not on Windows. On the portable
   * backend anything else is a NotImplementedError: Node cannot be told.
   */
  reuseAddress?: boolean | null;
  /** Whether several servers may listen at the same port. */
  reusePort?: boolean;
  /** Whether connections that are idle are probed, so that one whose peer is gone ends (SO_KEEPALIVE). */
  keepAlive?: boolean;
}

/** A host and a port. Without a host, this machine: by its loopback address, or with the flag AI_PASSIVE any of its addresses. */
export type HostAddress = readonly [host: string | null, port: number];

export interface DatagramOptions {
  /** The address to bind to: `[host, port]`, or with AF_UNIX a path, at which a stale socket is removed. */
  localAddr?: HostAddress | string | null;
  /** The address to connect to; datagrams of others are not received then. With `allowBroadcast` it is only where to send. */
  remoteAddr?: HostAddress | string | null;
  /** AF_INET, AF_INET6 or AF_UNIX; 0, the default, for that of the addresses. */
  family?: number;
  /** The protocol number; 0, the default, for UDP. */
  proto?: number;
  /** How names are resolved: AI_NUMERICHOST, …; with AI_PASSIVE, no host stands for any address of this machine. */
  flags?: number;
  /** Whether several sockets may bind to the same address. */
  reusePort?: boolean;
  /** Whether datagrams may be sent to broadcast addresses. */
  allowBroadcast?: boolean;
}

/** What a backend does for the loop. The options have been checked. */
export interface Backend {
  readonly name: "native" | "portable";
  readonly poller: Poller | null;

  /** Connect to the first address of `host` (null: of this machine) that answers, make the transport, and wait until `connectionMade` has run. */
  connect<P extends StreamProtocol>(
    factory: () => P,
    host: string | null,
    port: number,
    options: ConnectOptions,
  ): Waiting<[Transport, P]>;

  /** As {@link connect}, for a connected socket, which then belongs to the transport. */
  adopt<P extends StreamProtocol>(factory: () => P, sock: SocketLike): Waiting<[Transport, P]>;

  /** As {@link connect}, to the unix socket `path`: a file, or "\0" and a name in Linux's abstract namespace. */
  connectUnix<P extends StreamProtocol>(factory: () => P, path: string): Waiting<[Transport, P]>;

  /** Bind to all addresses of `hosts` (null: any of this machine). Nothing is accepted before the listener's `start`. */
  listen(
    factory: () => StreamProtocol,
    hosts: readonly (string | null)[],
    port: number,
    options: ListenOptions,
  ): Waiting<Listener>;

  /** As {@link listen}, at the unix socket `path`, which stays where it is when the listener is closed. */
  listenUnix(factory: () => StreamProtocol, path: string, options: ListenOptions): Waiting<Listener>;

  /** As {@link listen}, for a bound socket, which then belongs to the listener. */
  listenOn(factory: () => StreamProtocol, sock: SocketLike, options: ListenOptions): Waiting<Listener>;

  /** An endpoint for datagrams, at the first addresses that can be had, when `connectionMade` has run. */
  openDatagrams<P extends DatagramProtocol>(
    factory: () => P,
    options: DatagramOptions,
  ): Waiting<[DatagramTransport, P]>;

  /** As {@link openDatagrams}, for a socket, which then belongs to the transport. */
  adoptDatagrams<P extends DatagramProtocol>(
    factory: () => P,
    sock: SocketLike,
  ): Waiting<[DatagramTransport, P]>;

  /** A transport for the reading end of a pipe, a pipe, socket or character device, which belongs to it then. */
  makeReadPipe(pipe: FileDescriptor, protocol: PipeProtocol): ReadPipeTransport;

  /** As {@link makeReadPipe}, for the writing end. */
  makeWritePipe(pipe: FileDescriptor, protocol: BaseProtocol): WritePipeTransport;

  /**
   * A pipe to a process that is about to be started, or from it; `direction` is ours. One that is `shared` the process can
   * have at two fds.
   */
  openChildPipe(direction: "read" | "write", shared: boolean): Waiting<ChildPipe>;

  /** Start a process, which tells its end as Node's do. Null if Node itself is to start it, or to say why it cannot be started. */
  startChild(program: ChildProgram): ChildProcess | null;

  /** What `loop.sock…` does. */
  readonly sockets: SocketCalls;

  /** Have the kernel send a file. Throws SendfileNotAvailableError, before anything is sent, if it cannot. */
  sendfile(transport: Transport, part: FilePart): Waiting<number>;

  /** Set the position of a file, where that is possible. */
  readonly seek: (file: FileLike, position: number) => void;

  addReader(fd: FileDescriptor, callback: Callback, args: readonly unknown[]): void;
  removeReader(fd: FileDescriptor): boolean;
  addWriter(fd: FileDescriptor, callback: Callback, args: readonly unknown[]): void;
  removeWriter(fd: FileDescriptor): boolean;

  /** The loop is closed: close all connections and servers that are left, without a word to their protocols. */
  close(): void;
}
