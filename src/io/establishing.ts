import type { BaseEventLoop } from "../core/base-events.ts";
import { setResultUnlessDone } from "../core/futures.ts";
import type { Waiting } from "./backend.ts";
import type { BaseProtocol } from "./protocols.ts";

/** A transport that was made, and can begin to serve its protocol. */
interface NewTransport {
  /** Have the protocol told, then call `made`. */
  begin(made: () => void): void;
  close(): void;
}

/**
 * The transport that `makeTransport` makes on a connected socket, and the protocol of `factory`, when its
 * `connectionMade` has run. If there is no transport, `discard` gets rid of the socket.
 *
 * Cancel safety: the connection is closed.
 */
export function* establish<T extends NewTransport, P extends BaseProtocol>(
  loop: BaseEventLoop,
  factory: () => P,
  makeTransport: (protocol: P) => T,
  discard: () => void,
): Waiting<[T, P]> {
  let transport: T;
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
