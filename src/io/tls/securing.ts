import type { BaseEventLoop } from "../../core/base-events.ts";
import type { Waiting } from "../backend.ts";
import type { StreamProtocol } from "../protocols.ts";
import type { Transport } from "../transports.ts";
import { TlsProtocol } from "./tls-protocol.ts";
import type { TlsSettings } from "./tls-settings.ts";

/** Makes a connection for the protocols of `factory`. */
type Connect = <F extends StreamProtocol>(factory: () => F) => Waiting<[Transport, F]>;

/** What `connect` makes, with TLS on it if there are settings; its protocol is told after the handshake. */
export function connectSecurely<P extends StreamProtocol>(
  loop: BaseEventLoop,
  factory: () => P,
  settings: TlsSettings | null,
  connect: Connect,
): Waiting<[Transport, P]> {
  return settings === null ? connect(factory) : handshake(loop, factory, settings, connect);
}

function* handshake<P extends StreamProtocol>(
  loop: BaseEventLoop,
  factory: () => P,
  settings: TlsSettings,
  connect: Connect,
): Waiting<[Transport, P]> {
  const [, tls] = yield* connect(
    () => new TlsProtocol(loop, factory(), settings, { tell: true, awaited: true }),
  );
  return [yield* tls.handshaken(), tls.protocol];
}

/** The factory of a server, whose protocols are behind TLS if there are settings. */
export function secureFactory(
  loop: BaseEventLoop,
  factory: () => StreamProtocol,
  settings: TlsSettings | null,
): () => StreamProtocol {
  return settings === null
    ? factory
    : () => new TlsProtocol(loop, factory(), settings, { tell: true, awaited: false });
}
