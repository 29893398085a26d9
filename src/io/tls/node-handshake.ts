import type { TLSSocket } from "node:tls";
import type { BaseEventLoop } from "../../core/base-events.ts";
import type { StreamProtocol } from "../protocols.ts";
import type { StreamTransport } from "../stream-transport.ts";
import { endedInHandshake, type Handshake, type HandshakeOutcome } from "./handshake.ts";
import { NodeTlsTransport } from "./node-tls-transport.ts";
import type { TlsSettings } from "./tls-settings.ts";
import { clientHandshake, serverHandshake } from "./tls-sockets.ts";
import { TransportDuplex } from "./transport-duplex.ts";

/** Begin a handshake by Node's TLS, on a stream of Node's that stands on the transport. */
export function nodeHandshake(
  loop: BaseEventLoop,
  protocol: StreamProtocol,
  plain: StreamTransport,
  settings: TlsSettings,
  { secured, failed }: HandshakeOutcome,
): Handshake {
  const duplex = new TransportDuplex(plain);
  // On a server Node does not notice. It gets a turn, since the handshake may be complete by what came in last.
  duplex.once("end", () => setImmediate(() => failed(endedInHandshake())));
  const done = (socket: TLSSocket) =>
    secured(() => new NodeTlsTransport(loop, protocol, settings, { plain, duplex, socket }));
  const { serverSide, context, serverHostname } = settings;
  if (serverSide) serverHandshake(duplex, context, { secured: done, failed });
  else clientHandshake(duplex, context, serverHostname, { secured: done, failed });
  return duplex;
}
