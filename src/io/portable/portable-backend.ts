import { Socket } from "node:net";
import type { BaseEventLoop } from "../../core/base-events.ts";
import {
  NotImplementedError,
  RuntimeError,
  SendfileNotAvailableError,
  ValueError,
} from "../../core/errors.ts";
import type { Callback } from "../../core/handles.ts";
import type {
  Backend,
  ConnectOptions,
  DatagramOptions,
  FileDescriptor,
  ListenOptions,
  SocketLike,
  Waiting,
} from "../backend.ts";
import type { ChildPipe } from "../child-pipe.ts";
import { establish } from "../establishing.ts";
import type { PipeProtocol } from "../pipes.ts";
import type { BaseProtocol, DatagramProtocol, StreamProtocol } from "../protocols.ts";
import type { FilePart } from "../sendfile.ts";
import type { Listener } from "../server.ts";
import type { DatagramTransport, Transport } from "../transports.ts";
import type { SocketNames } from "./addresses.ts";
import { nodeChildPipe, sharedChildPipe } from "./child-pipe.ts";
import { connectSocket } from "./connecting.ts";
import { adoptDatagramSocket, type OpenDatagramSocket, openDatagramSocket } from "./datagram-socket.ts";
import { DatagramSocketTransport } from "./datagram-transport.ts";
import { fromNode, openDescriptor } from "./errors.ts";
import { PortableListener } from "./listening.ts";
import { OpenHandles } from "./open-handles.ts";
import { readableOf, writableOf } from "./pipe-streams.ts";
import { NodeReadPipe } from "./read-pipe.ts";
import { NoSocketCalls } from "./socket-calls.ts";
import { SocketTransport } from "./socket-transport.ts";
import { connectToUnix, unixNames } from "./unix.ts";
import { NodeWritePipe } from "./write-pipe.ts";

/**
 * I/O on Node's own handles: everywhere. They call the loop by themselves, so there is nothing to poll. All of them are
 * "unref": the loop keeps the process alive while it runs, and what is left open after that must not.
 */
export class PortableBackend implements Backend {
  readonly name = "portable";
  readonly poller = null;
  readonly sockets = new NoSocketCalls();
  #loop: BaseEventLoop | null = null;
  readonly #open = new OpenHandles();

  attach(loop: BaseEventLoop): void {
    this.#loop = loop;
  }

  get #attached(): BaseEventLoop {
    if (this.#loop === null) throw new RuntimeError("the backend belongs to no loop yet");
    return this.#loop;
  }

  *connect<P extends StreamProtocol>(
    factory: () => P,
    host: string | null,
    port: number,
    options: ConnectOptions,
  ): Waiting<[Transport, P]> {
    return yield* this.#establish(factory, yield* connectSocket(this.#attached, host, port, options));
  }

  *connectUnix<P extends StreamProtocol>(factory: () => P, path: string): Waiting<[Transport, P]> {
    const names = { sockname: "", peername: path };
    return yield* this.#establish(factory, yield* connectToUnix(this.#attached, path), names);
  }

  *adopt<P extends StreamProtocol>(factory: () => P, sock: SocketLike): Waiting<[Transport, P]> {
    const names = unixNames(sock);
    return yield* this.#establish(factory, openSocket(sock), names);
  }

  *listen(
    factory: () => StreamProtocol,
    hosts: readonly (string | null)[],
    port: number,
    options: ListenOptions,
  ): Waiting<Listener> {
    const listener = new PortableListener(this.#attached, factory, options, this.#open);
    try {
      yield* listener.listenAtAll(hosts, port);
    } catch (error) {
      listener.close();
      throw error;
    }
    return listener;
  }

  *listenUnix(factory: () => StreamProtocol, path: string, options: ListenOptions): Waiting<Listener> {
    const listener = new PortableListener(this.#attached, factory, options, this.#open);
    yield* listener.listenAtPath(path);
    return listener;
  }

  *listenOn(factory: () => StreamProtocol, sock: SocketLike, options: ListenOptions): Waiting<Listener> {
    const listener = new PortableListener(this.#attached, factory, options, this.#open);
    yield* listener.listenOn(openDescriptor(sock), unixNames(sock)?.sockname ?? null);
    letGo(sock);
    return listener;
  }

  *openDatagrams<P extends DatagramProtocol>(
    factory: () => P,
    options: DatagramOptions,
  ): Waiting<[DatagramTransport, P]> {
    return yield* this.#establishDatagrams(factory, yield* openDatagramSocket(this.#attached, options));
  }

  *adoptDatagrams<P extends DatagramProtocol>(
    factory: () => P,
    sock: SocketLike,
  ): Waiting<[DatagramTransport, P]> {
    return yield* this.#establishDatagrams(factory, yield* adoptDatagramSocket(this.#attached, sock));
  }

  *sendfile(_transport: Transport, _part: FilePart): Waiting<never> {
    throw new SendfileNotAvailableError("the portable backend has no sendfile, because Node has none");
  }

  /** Node cannot do that: it reads a file from wherever it is told to. */
  readonly seek = (): void => {};

  makeReadPipe(pipe: FileDescriptor, protocol: PipeProtocol): NodeReadPipe {
    const stream = readableOf(fdOf(pipe));
    letGo(pipe);
    return new NodeReadPipe(this.#attached, stream, pipe, protocol);
  }

  makeWritePipe(pipe: FileDescriptor, protocol: BaseProtocol): NodeWritePipe {
    const stream = writableOf(fdOf(pipe));
    letGo(pipe);
    return new NodeWritePipe(this.#attached, stream, pipe, protocol);
  }

  *openChildPipe(_direction: "read" | "write", shared: boolean): Waiting<ChildPipe> {
    return shared ? yield* sharedChildPipe(this.#attached) : nodeChildPipe;
  }

  startChild(): null {
    return null;
  }

  addReader(_fd: FileDescriptor, _callback: Callback, _args: readonly unknown[]): never {
    throw unwatchable("addReader");
  }

  removeReader(_fd: FileDescriptor): never {
    throw unwatchable("removeReader");
  }

  addWriter(_fd: FileDescriptor, _callback: Callback, _args: readonly unknown[]): never {
    throw unwatchable("addWriter");
  }

  removeWriter(_fd: FileDescriptor): never {
    throw unwatchable("removeWriter");
  }

  close(): void {
    this.#open.closeAll();
  }

  #establish<P extends StreamProtocol>(
    factory: () => P,
    socket: Socket,
    names?: SocketNames,
  ): Waiting<[Transport, P]> {
    this.#open.add(socket);
    const make = (protocol: P) => new SocketTransport(this.#attached, socket, protocol, null, names);
    return establish(this.#attached, factory, make, () => socket.destroy());
  }

  #establishDatagrams<P extends DatagramProtocol>(
    factory: () => P,
    socket: OpenDatagramSocket,
  ): Waiting<[DatagramTransport, P]> {
    this.#open.add(socket.node);
    const make = (protocol: P) => new DatagramSocketTransport(this.#attached, socket, protocol);
    return establish(this.#attached, factory, make, () => socket.node.close());
  }
}

function openSocket(sock: SocketLike): Socket {
  const fd = openDescriptor(sock);
  let socket: Socket;
  try {
    socket = new Socket({ fd, allowHalfOpen: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).errno !== undefined) throw fromNode(error as NodeJS.ErrnoException);
    throw new ValueError(`A Stream Socket was expected, got ${sock}`, { cause: error });
  }
  socket.unref();
  letGo(sock);
  return socket;
}

/** The descriptor belongs to Node now: whoever had it must not close it as well. */
function letGo(owner: FileDescriptor & { detach?(): number }): void {
  owner.detach?.();
}

function fdOf(pipe: FileDescriptor): number {
  return typeof pipe === "number" ? pipe : pipe.fileno();
}

function unwatchable(method: string): NotImplementedError {
  return new NotImplementedError(
    `${method}() is not possible on the portable backend, because Node cannot watch a file descriptor; ` +
      "use the native backend (Linux, with koffi installed), or one of Node's streams",
  );
}
