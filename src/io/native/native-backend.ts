import type { BaseEventLoop } from "../../core/base-events.ts";
import { SendfileNotAvailableError, ValueError } from "../../core/errors.ts";
import type { Callback } from "../../core/handles.ts";
import type { Address } from "../address.ts";
import type {
  Backend,
  ConnectOptions,
  DatagramOptions,
  FileDescriptor,
  ListenOptions,
  SocketLike,
  Waiting,
} from "../backend.ts";
import type { ChildProgram } from "../child-program.ts";
import { establish } from "../establishing.ts";
import type { PipeProtocol } from "../pipes.ts";
import type { BaseProtocol, DatagramProtocol, StreamProtocol } from "../protocols.ts";
import type { FilePart } from "../sendfile.ts";
import type { Listener } from "../server.ts";
import { SOCK_STREAM } from "../socket-constants.ts";
import type { DatagramTransport, Transport } from "../transports.ts";
import type { NativeChild } from "./child.ts";
import { NativeChildPipe } from "./child-pipe.ts";
import { connectSocket } from "./connecting.ts";
import { DatagramSocketTransport } from "./datagram-transport.ts";
import { datagramSocket, openDatagramSocket } from "./datagrams.ts";
import { bindAll, SocketListener } from "./listening.ts";
import { NativeReadPipe } from "./read-pipe.ts";
import { SelectorEvents } from "./selector-events.ts";
import { seek } from "./sendfile.ts";
import { Socket } from "./socket.ts";
import { NativeSocketCalls } from "./socket-calls.ts";
import { SocketTransport } from "./socket-transport.ts";
import { startChild } from "./spawning.ts";
import { bindUnix, connectToUnix } from "./unix.ts";
import { NativeWritePipe } from "./write-pipe.ts";

/** I/O on raw file descriptors: Linux, through libc and epoll. */
export class NativeBackend implements Backend {
  readonly name = "native";
  readonly poller = new SelectorEvents();
  readonly sockets = new NativeSocketCalls(this.poller);
  readonly seek = seek;

  attach(loop: BaseEventLoop): void {
    this.poller.attach(loop);
  }

  *connect<P extends StreamProtocol>(
    factory: () => P,
    host: string | null,
    port: number,
    options: ConnectOptions,
  ): Waiting<[Transport, P]> {
    return yield* this.#establish(factory, yield* connectSocket(this.poller, host, port, options));
  }

  *connectUnix<P extends StreamProtocol>(factory: () => P, path: string): Waiting<[Transport, P]> {
    return yield* this.#establish(factory, yield* connectToUnix(this.poller, path));
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

  *listenUnix(factory: () => StreamProtocol, path: string, options: ListenOptions): Waiting<Listener> {
    return new SocketListener(this.poller, [bindUnix(path)], factory, options);
  }

  *listenOn(factory: () => StreamProtocol, sock: SocketLike, options: ListenOptions): Waiting<Listener> {
    return new SocketListener(this.poller, [nativeSocket(sock)], factory, options);
  }

  *openDatagrams<P extends DatagramProtocol>(
    factory: () => P,
    options: DatagramOptions,
  ): Waiting<[DatagramTransport, P]> {
    const [sock, remote] = yield* openDatagramSocket(options);
    return yield* this.#establishDatagrams(factory, sock, remote);
  }

  *adoptDatagrams<P extends DatagramProtocol>(
    factory: () => P,
    sock: SocketLike,
  ): Waiting<[DatagramTransport, P]> {
    return yield* this.#establishDatagrams(factory, datagramSocket(sock), null);
  }

  makeReadPipe(pipe: FileDescriptor, protocol: PipeProtocol): NativeReadPipe {
    return new NativeReadPipe(this.poller, pipe, protocol);
  }

  makeWritePipe(pipe: FileDescriptor, protocol: BaseProtocol): NativeWritePipe {
    return new NativeWritePipe(this.poller, pipe, protocol);
  }

  *openChildPipe(direction: "read" | "write"): Waiting<NativeChildPipe> {
    return new NativeChildPipe(direction);
  }

  startChild(program: ChildProgram): NativeChild | null {
    return startChild(this.poller, program);
  }

  *sendfile(transport: Transport, part: FilePart): Waiting<number> {
    if (transport instanceof SocketTransport) return yield* transport.sendfile(part);
    throw new SendfileNotAvailableError(`the kernel cannot send to ${transport} by itself`);
  }

  addReader(fd: FileDescriptor, callback: Callback, args: readonly unknown[]): void {
    this.poller.addFile("reader", fd, callback, args);
  }

  removeReader(fd: FileDescriptor): boolean {
    return this.poller.removeFile("reader", fd);
  }

  addWriter(fd: FileDescriptor, callback: Callback, args: readonly unknown[]): void {
    this.poller.addFile("writer", fd, callback, args);
  }

  removeWriter(fd: FileDescriptor): boolean {
    return this.poller.removeFile("writer", fd);
  }

  close(): void {
    this.poller.close();
  }

  #establish<P extends StreamProtocol>(factory: () => P, sock: Socket): Waiting<[Transport, P]> {
    const make = (protocol: P) => new SocketTransport(this.poller, sock, protocol);
    return establish(this.poller.loop, factory, make, () => sock.close());
  }

  #establishDatagrams<P extends DatagramProtocol>(
    factory: () => P,
    sock: Socket,
    remote: Address | null,
  ): Waiting<[DatagramTransport, P]> {
    const make = (protocol: P) => new DatagramSocketTransport(this.poller, sock, protocol, remote);
    return establish(this.poller.loop, factory, make, () => sock.close());
  }
}

function nativeSocket(sock: SocketLike): Socket {
  const native = sock instanceof Socket ? sock : new Socket(-1, -1, -1, { fileno: sock.fileno() });
  if (native.type !== SOCK_STREAM) throw new ValueError(`A Stream Socket was expected, got ${native}`);
  return native;
}
