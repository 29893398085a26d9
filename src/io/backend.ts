import type { Suspension } from "../core/awaitables.ts";
import type { Callback } from "../core/handles.ts";
import type { Poller } from "./host.ts";
import type { StreamProtocol } from "./protocols.ts";
import type { Listener } from "./server.ts";
import type { Transport } from "./transports.ts";

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
  /** The address to connect from; any by default. */
  localAddr?: readonly [host: string, port: number] | null;
}

export interface ListenOptions {
  /** AF_INET or AF_INET6 to use only that family; 0, the default, for both. */
  family?: number;
  /** How many connections may wait to be accepted; 100 by default. */
  backlog?: number;
  /** Whether an address is taken that was in use a moment ago; by default true, but not on Windows. */
  reuseAddress?: boolean;
  /** Whether several servers may listen at the same port. */
  reusePort?: boolean;
}

/** What a backend does for the loop. The options have been checked. */
export interface Backend {
  readonly name: "native" | "portable";
  readonly poller: Poller | null;

  /** Connect to the first address that answers, make the transport, and wait until `connectionMade` has run. */
  connect<P extends StreamProtocol>(
    factory: () => P,
    host: string,
    port: number,
    options: ConnectOptions,
  ): Waiting<[Transport, P]>;

  /** As {@link connect}, for a connected socket, which then belongs to the transport. */
  adopt<P extends StreamProtocol>(factory: () => P, sock: SocketLike): Waiting<[Transport, P]>;

  /** Bind to all addresses of `hosts` (null: any). Nothing is accepted before the listener's `start`. */
  listen(
    factory: () => StreamProtocol,
    hosts: readonly (string | null)[],
    port: number,
    options: ListenOptions,
  ): Waiting<Listener>;

  /** As {@link listen}, for a bound socket, which then belongs to the listener. */
  listenOn(factory: () => StreamProtocol, sock: SocketLike, options: ListenOptions): Waiting<Listener>;

  addReader(fd: FileDescriptor, callback: Callback, args: readonly unknown[]): void;
  removeReader(fd: FileDescriptor): boolean;
  addWriter(fd: FileDescriptor, callback: Callback, args: readonly unknown[]): void;
  removeWriter(fd: FileDescriptor): boolean;

  /** The loop is closed: close all connections and servers that are left, without a word to their protocols. */
  close(): void;
}
