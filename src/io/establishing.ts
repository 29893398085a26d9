import type { BaseEventLoop } from "../core/base-events.ts";
import { setResultUnlessDone } from "../core/futures.ts";
import type { Waiting } from "./backend.ts";
import type { StreamProtocol } from "./protocols.ts";
import type { StreamTransport } from "./stream-transport.ts";
import type { Transport } from "./transports.ts";

/**
 * The transport that `makeTransport` makes on a connected socket, and the protocol of `factory`, when its
 * `connectionMade` has run. If there is no transport, `discard` gets rid of the socket.
 *
 * Cancel safety: the connection is closed.
 */
export function* establish<P extends StreamProtocol>(
  loop: BaseEventLoop,
  factory: () => P,
  makeTransport: (protocol: P) => StreamTransport,
  discard: () => void,
): Waiting<[Transport, P]> {
  let transport: StreamTransport;
  let protocol: P;
  try {
    protocol = factory();
    transport = makeTransport(protocol);
  } catch (error) {
    discard();
    throw error;
  }
  const made = loop.createFuture<void>();
  transport.begin(() => {
    setResultUnlessDone(made, undefined);
  });
  try {
    yield* made;
  } catch (error) {
    transport.close();
    throw error;
  }
  return [transport, protocol];
}
