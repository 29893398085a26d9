import type { Coroutine } from "../core/coroutines.ts";
import type { Address } from "./address.ts";
import type { Socket } from "./native/socket.ts";
import type { FileLike } from "./open-file.ts";
import type { SendfileOptions } from "./sendfile.ts";
import type { BytesLike } from "./transports.ts";

/** What `loop.sock…` does with a socket of the user's own. All of it checks its arguments at the call. */
export interface SocketCalls {
  recv(sock: Socket, size: number): Coroutine<Buffer>;
  recvInto(sock: Socket, buffer: ArrayBufferView | ArrayBuffer): Coroutine<number>;
  recvfrom(sock: Socket, size: number): Coroutine<[Buffer, Address | null]>;
  recvfromInto(
    sock: Socket,
    buffer: ArrayBufferView | ArrayBuffer,
    nbytes: number,
  ): Coroutine<[number, Address | null]>;
  sendall(sock: Socket, data: BytesLike): Coroutine<void>;
  sendto(sock: Socket, data: BytesLike, address: Address): Coroutine<number>;
  connect(sock: Socket, address: Address): Coroutine<void>;
  accept(sock: Socket): Coroutine<[Socket, Address]>;
  sendfile(sock: Socket, file: FileLike, options: SendfileOptions): Coroutine<number>;
}
