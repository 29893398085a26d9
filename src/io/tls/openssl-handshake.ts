import type { BaseEventLoop } from "../../core/base-events.ts";
import { SocketTransport } from "../native/socket-transport.ts";
import type { StreamProtocol } from "../protocols.ts";
import type { StreamTransport } from "../stream-transport.ts";
import { endedInHandshake, type Handshake, type HandshakeOutcome } from "./handshake.ts";
import { opensslContext } from "./openssl-context.ts";
import { OpensslObject } from "./openssl-object.ts";
import { OpensslTransport } from "./openssl-transport.ts";
import { assertServer } from "./server-identity.ts";
import type { TlsSettings } from "./tls-settings.ts";

/** Begin a handshake by OpenSSL's functions; null where it is for Node's TLS. */
export function opensslHandshake(
  loop: BaseEventLoop,
  protocol: StreamProtocol,
  plain: StreamTransport,
  settings: TlsSettings,
  outcome: HandshakeOutcome,
): Handshake | null {
  const isNative = plain instanceof SocketTransport || plain instanceof OpensslTransport;
  const context = isNative ? opensslContext(settings.context) : null;
  if (context === null) return null;
  const tls = new OpensslObject(context, settings, (bytes) => plain.lend(bytes));
  const make = () => new OpensslTransport(loop, protocol, settings, { plain, tls });
  const handshake = new OpensslHandshake(tls, settings, outcome, make);
  handshake.shake();
  return handshake;
}

class OpensslHandshake implements Handshake {
  readonly #tls: OpensslObject;
  readonly #settings: TlsSettings;
  readonly #outcome: HandshakeOutcome;
  readonly #makeTransport: () => OpensslTransport;
  #transport: OpensslTransport | null = null;
  #paused = false;

  constructor(
    tls: OpensslObject,
    settings: TlsSettings,
    outcome: HandshakeOutcome,
    makeTransport: () => OpensslTransport,
  ) {
    this.#tls = tls;
    this.#settings = settings;
    this.#outcome = outcome;
    this.#makeTransport = makeTransport;
  }

  /** Go on with it. */
  shake(): void {
    try {
      if (!this.#tls.handshake()) return;
      if (!this.#settings.serverSide) assertServer(this.#settings, this.#tls.getPeerX509Certificate());
    } catch (error) {
      this.#outcome.failed(error as Error);
      return;
    }
    this.#outcome.secured(() => this.#secured());
  }

  #secured(): OpensslTransport {
    const transport = this.#makeTransport();
    if (this.#paused) transport.pauseWriting();
    this.#transport = transport;
    return transport;
  }

  receive(data: Buffer): void {
    this.#tls.feed(data);
    this.shake();
  }

  receiveEof(): void {
    if (this.#transport === null) this.#outcome.failed(endedInHandshake());
    else this.#transport.receiveEof();
  }

  pauseWriting(): void {
    this.#paused = true;
    this.#transport?.pauseWriting();
  }

  resumeWriting(): void {
    this.#paused = false;
    this.#transport?.resumeWriting();
  }

  destroy(): void {
    this.#tls.free();
  }
}
