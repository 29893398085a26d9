import { Socket } from "node:net";
import type { BaseEventLoop } from "../../core/base-events.ts";
import { NotImplementedError, RuntimeError, ValueError } from "../../core/errors.ts";
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
import type { Transport } from "../transports.ts";
import { connectTo } from "./connecting.ts";
import { fromNode } from "./errors.ts";
import { PortableListener } from "./listening.ts";
import { OpenHandles } from "./open-handles.ts";
import { SocketTransport } from "./socket-transport.ts";

/**
 * I/O on Node's own handles: everywhere. They call the loop by themselves, so there is nothing to poll. All of them are
 * "unref": the loop keeps the process alive while it runs, and what is left open after that must not.
 */
export class PortableBackend implements Backend {
  readonly name = "portable";
  readonly poller = null;
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
    host: string,
    port: number,
    options: ConnectOptions,
  ): Waiting<[Transport, P]> {
    return yield* this.#establish(factory, yield* connectTo(this.#attached, host, port, options));
  }

  *adopt<P extends StreamProtocol>(factory: () => P, sock: SocketLike): Waiting<[Transport, P]> {
    return yield* this.#establish(factory, openSocket(sock));
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

  *listenOn(factory: () => StreamProtocol, sock: SocketLike, options: ListenOptions): Waiting<Listener> {
    const listener = new PortableListener(this.#attached, factory, options, this.#open);
    yield* listener.listenOn(sock.fileno());
    letGo(sock);
    return listener;
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

  #establish<P extends StreamProtocol>(factory: () => P, socket: Socket): Waiting<[Transport, P]> {
    this.#open.add(socket);
    const make = (protocol: P) => new SocketTransport(this.#attached, socket, protocol);
    return establish(this.#attached, factory, make, () => socket.destroy());
  }
}

function openSocket(sock: SocketLike): Socket {
  let socket: Socket;
  try {
    socket = new Socket({ fd: sock.fileno(), allowHalfOpen: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).errno !== undefined) throw fromNode(error as NodeJS.ErrnoException);
    throw new ValueError(`A Stream Socket was expected, got ${sock}`, { cause: error });
  }
  socket.unref();
  letGo(sock);
  return socket;
}

/** The descriptor belongs to Node now: whoever had it must not close it as well. */
function letGo(sock: SocketLike & { detach?(): number }): void {
  sock.detach?.();
}

function unwatchable(method: string): NotImplementedError {
  return new NotImplementedError(
    `${method}() is not possible on the portable backend, because Node cannot watch a file descriptor; ` +
      "use the native backend (Linux, with koffi installed), or one of Node's streams",
  );
}
