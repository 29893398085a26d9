import { Socket as DatagramSocket } from "node:dgram";
import { type Server, Socket } from "node:net";

/** The handles of Node's that a loop has open. What is left when the loop closes would stay open for as long as the process. */
export class OpenHandles {
  readonly #handles = new Set<Server | Socket | DatagramSocket>();

  /** Keep it until it closes. */
  add(handle: Server | Socket | DatagramSocket): void {
    this.#handles.add(handle);
    handle.once("close", () => this.#handles.delete(handle));
  }

  closeAll(): void {
    for (const handle of this.#handles) {
      if (handle instanceof Socket) handle.destroy();
      // The only one that throws if it is closing already.
      else if (handle instanceof DatagramSocket) void handle[Symbol.asyncDispose]();
      else handle.close();
    }
  }
}
