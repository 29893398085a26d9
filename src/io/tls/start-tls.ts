import { inspect } from "node:util";
import type { BaseEventLoop } from "../../core/base-events.ts";
import { Coroutine } from "../../core/coroutines.ts";
import { osError } from "../../core/errors.ts";
import type { Waiting } from "../backend.ts";
import { FlowControlMixin } from "../flow-control.ts";
import type { StreamProtocol } from "../protocols.ts";
import { StreamTransport } from "../stream-transport.ts";
import type { BaseTransport, Transport } from "../transports.ts";
import { Purpose, type SSLContext } from "./ssl-context.ts";
import type { SSLContextOptions } from "./ssl-options.ts";
import { TlsProtocol } from "./tls-protocol.ts";
import {
  contextFor,
  secureClient,
  secureServer,
  type TlsSettings,
  type TlsTimeouts,
} from "./tls-settings.ts";

export interface StartTlsOptions extends TlsTimeouts {
  /** Whether this is the server's side of the connection; false by default. */
  serverSide?: boolean;
  /** The name that the server's certificate must be for; needed by a client, unless it does not check that. */
  serverHostname?: string | null;
}

/** The work of `loop.startTls`. */
export function startTls(
  loop: BaseEventLoop,
  transport: BaseTransport,
  protocol: StreamProtocol,
  sslcontext: SSLContext | SSLContextOptions,
  options: StartTlsOptions,
): Coroutine<Transport> {
  const settings = upgradeSettings(transport, sslcontext, options);
  return new Coroutine(() => upgrade(loop, transport, protocol, settings), "startTls");
}

/** What {@link upgrade} needs, checked. */
export function upgradeSettings(
  transport: BaseTransport,
  sslcontext: SSLContext | SSLContextOptions,
  { serverSide = false, serverHostname = null, ...timeouts }: StartTlsOptions,
): TlsSettings {
  assertPlain(transport);
  return serverSide
    ? secureServer(contextFor(Purpose.CLIENT_AUTH, sslcontext), timeouts)
    : secureClient(contextFor(Purpose.SERVER_AUTH, sslcontext), serverHostname, timeouts);
}

/** Put TLS between a transport and its protocol. Cancel safety: the connection is ended. */
export function* upgrade(
  loop: BaseEventLoop,
  plain: BaseTransport,
  protocol: StreamProtocol,
  settings: TlsSettings,
): Waiting<Transport> {
  assertPlain(plain);
  if (plain.isClosing()) throw osError("ECONNRESET", `the connection is closing, or lost: ${plain}`);
  const tls = new TlsProtocol(loop, protocol, settings, { tell: false, awaited: true });
  plain.setProtocol(tls);
  tls.connectionMade(plain);
  // The client may have begun before our side of the program had read what comes before TLS.
  if (settings.serverSide && protocol instanceof FlowControlMixin) tls.receive(protocol.takeUnread());
  plain.resumeReading();
  return yield* tls.handshaken();
}

function assertPlain(transport: BaseTransport): asserts transport is StreamTransport {
  if (transport instanceof StreamTransport) return;
  throw new TypeError(`TLS needs a transport of a connection, not ${inspect(transport)}`);
}
