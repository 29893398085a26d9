import type { BaseEventLoop } from "../../core/base-events.ts";
import { ValueError } from "../../core/errors.ts";
import type { Callback } from "../../core/handles.ts";
import type {
  Backend,
  ConnectOptions,
  FileDescriptor,
  ListenOptions,
  SocketLike,
  Waiting,
} from "../backend.ts";
import { establish } from "../establishing.ts";
import type { StreamProtocol } from "../protocols.ts";
import type { Listener } from "../server.ts";
import { SOCK_STREAM } from "../socket-constants.ts";
import type { Transport } from "../transports.ts";
import { connectTo } from "./connecting.ts";
import { bindAll, SocketListener } from "./listening.ts";
import { SelectorEvents } from "./selector-events.ts";
import { Socket } from "./socket.ts";
import { SocketTransport } from "./socket-transport.ts";

/** I/O on raw file descriptors: Linux, through libc and epoll. */
export class NativeBackend implements Backend {
  readonly name = "native";
  readonly poller = new SelectorEvents();

  attach(loop: BaseEventLoop): void {
    this.poller.attach(loop);
  }

  *connect<P extends StreamProtocol>(
    factory: () => P,
    host: string,
    port: number,
    options: ConnectOptions,
  ): Waiting<[Transport, P]> {
    return yield* this.#establish(factory, yield* connectTo(this.poller, host, port, options));
  }

  *adopt<P extends StreamProtocol>(factory: () => P, sock: SocketLike): Waiting<[Transport, P]> {
    return yield* this.#establish(factory, nativeSocket(sock));
  }

  *listen(
    factory: () => StreamProtocol,
    hosts: readonly (string | null)[],
    port: number,
    options: ListenOptions,
  ): Waiting<Listener> {
    return new SocketListener(this.poller, yield* bindAll(hosts, port, options), factory, options);
  }

  *listenOn(factory: () => StreamProtocol, sock: SocketLike, options: ListenOptions): Waiting<Listener> {
    return new SocketListener(this.poller, [nativeSocket(sock)], factory, options);
  }

  addReader(fd: FileDescriptor, callback: Callback, args: readonly unknown[]): void {
    this.poller.add("reader", this.poller.userFd(fd), callback, args);
  }

  removeReader(fd: FileDescriptor): boolean {
    return this.poller.remove("reader", this.poller.userFd(fd));
  }

  addWriter(fd: FileDescriptor, callback: Callback, args: readonly unknown[]): void {
    this.poller.add("writer", this.poller.userFd(fd), callback, args);
  }

  removeWriter(fd: FileDescriptor): boolean {
    return this.poller.remove("writer", this.poller.userFd(fd));
  }

  close(): void {
    this.poller.close();
  }

  #establish<P extends StreamProtocol>(factory: () => P, sock: Socket): Waiting<[Transport, P]> {
    const make = (protocol: P) => new SocketTransport(this.poller, sock, protocol);
    return establish(this.poller.loop, factory, make, () => sock.close());
  }
}

function nativeSocket(sock: SocketLike): Socket {
  const native = sock instanceof Socket ? sock : new Socket(-1, -1, -1, { fileno: sock.fileno() });
  if (native.type !== SOCK_STREAM) throw new ValueError(`A Stream Socket was expected, got ${native}`);
  return native;
}
