import type { BaseEventLoop } from "../../core/base-events.ts";
import { ConnectionAbortedError, OSError, RuntimeError } from "../../core/errors.ts";
import { type Future, setResultUnlessDone } from "../../core/futures.ts";
import type { TimerHandle } from "../../core/handles.ts";
import { logger } from "../../core/log.ts";
import type { Waiting } from "../backend.ts";
import { FlowControlMixin } from "../flow-control.ts";
import { Wakeup } from "../portable/wakeup.ts";
import { BufferedProtocol, type StreamProtocol } from "../protocols.ts";
import { StreamTransport } from "../stream-transport.ts";
import type { Transport } from "../transports.ts";
import { endedInHandshake, type Handshake, type HandshakeOutcome } from "./handshake.ts";
import { nodeHandshake } from "./node-handshake.ts";
import { opensslHandshake } from "./openssl-handshake.ts";
import type { TlsSettings } from "./tls-settings.ts";
import type { TlsTransport } from "./tls-transport.ts";

/** What is read stands here until it is decrypted, which is at once: one piece of memory will do for all connections. */
const ciphertext = Buffer.allocUnsafeSlow(256 * 1024);

/** The outcome, once Node has told it. */
type Outcome = { readonly transport: TlsTransport } | { readonly error: Error };

/** What part it has in a program. */
interface Part {
  /** Whether the program's protocol is told of the connection; otherwise it has one already. */
  readonly tell: boolean;
  /** Whether somebody calls {@link TlsProtocol.handshaken}, who then gets the error. */
  readonly awaited: boolean;
}

/** What is known of a connection that is there. */
interface Connection {
  readonly plain: StreamTransport;
  handshake: Handshake | null;
}

/**
 * Speaks TLS between a plain transport, whose protocol it is, and the program's protocol, which gets a
 * {@link TlsTransport} when the handshake is done, and does not hear of a connection if it fails.
 * Python: `asyncio.sslproto.SSLProtocol`.
 */
export class TlsProtocol<P extends StreamProtocol> extends BufferedProtocol {
  readonly protocol: P;
  readonly #loop: BaseEventLoop;
  readonly #settings: TlsSettings;
  readonly #part: Part;
  readonly #settle: Wakeup;
  #connection: Connection | null = null;
  #outcome: Outcome | null = null;
  #timer: TimerHandle | null = null;
  /** Whether the TLS transport has begun: the protocol knows of it from then on. */
  #begun = false;
  /** The end of the plain transport, where that came between the handshake and the beginning. */
  #lostEarly: { readonly error: Error | null } | null = null;
  /** Whether the outcome has had its effect. */
  #over = false;
  #waiter: Future<void> | null = null;
  /** Whether who waited was cancelled. */
  #abandoned = false;

  constructor(loop: BaseEventLoop, protocol: P, settings: TlsSettings, part: Part) {
    super();
    this.#loop = loop;
    this.protocol = protocol;
    this.#settings = settings;
    this.#part = part;
    this.#settle = new Wakeup(loop, () => this.#settled());
  }

  /** Wait for the handshake, and until the protocol knows. Cancel safety: the connection is ended. */
  *handshaken(): Waiting<TlsTransport> {
    if (!this.#over) {
      this.#waiter = this.#loop.createFuture<void>();
      try {
        yield* this.#waiter;
      } catch (error) {
        this.#abandon();
        throw error;
      }
    }
    const outcome = this.#outcome!;
    if ("error" in outcome) throw outcome.error;
    return outcome.transport;
  }

  override connectionMade(plain: Transport): void {
    if (!(plain instanceof StreamTransport)) throw new RuntimeError(`TLS cannot be spoken on ${plain}`);
    const { handshakeTimeout } = this.#settings;
    const connection: Connection = { plain, handshake: null };
    this.#connection = connection;
    this.#timer = this.#loop.callLater(handshakeTimeout, () => this.#failed(tooSlow(handshakeTimeout)));
    try {
      connection.handshake = this.#handshake(plain);
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  #handshake(plain: StreamTransport): Handshake {
    const outcome: HandshakeOutcome = {
      secured: (makeTransport) => this.#secured(makeTransport),
      failed: (error) => this.#failed(error),
    };
    const what = [this.#loop, this.protocol, plain, this.#settings, outcome] as const;
    return opensslHandshake(...what) ?? nodeHandshake(...what);
  }

  override getBuffer(): Uint8Array {
    return ciphertext;
  }

  override bufferUpdated(count: number): void {
    this.receive(ciphertext.subarray(0, count));
  }

  receive(data: Buffer): void {
    const outcome = this.#outcome;
    if (outcome !== null && "transport" in outcome) outcome.transport.receive(data);
    else this.#connection?.handshake?.receive(data);
  }

  /** The connection is closed by the TLS transport, when it has delivered what came in before. */
  override eofReceived(): boolean {
    this.#connection?.handshake?.receiveEof();
    return true;
  }

  override pauseWriting(): void {
    this.#connection?.handshake?.pauseWriting();
  }

  override resumeWriting(): void {
    this.#connection?.handshake?.resumeWriting();
  }

  override connectionLost(error: Error | null): void {
    this.#failed(error ?? endedInHandshake());
    const outcome = this.#outcome!;
    if ("transport" in outcome) this.#transportLost(outcome.transport, error);
    else if (!this.#part.tell) this.protocol.connectionLost(this.#abandoned ? null : outcome.error);
  }

  /** Nothing must reach the protocol before `connectionMade`. */
  #transportLost(transport: TlsTransport, error: Error | null): void {
    if (this.#begun) transport.plainLost(error);
    else this.#lostEarly = { error };
  }

  #secured(makeTransport: () => TlsTransport): void {
    if (this.#outcome !== null || this.#abandoned) return;
    this.#decide({ transport: makeTransport() });
  }

  #failed(error: Error): void {
    if (this.#outcome === null) this.#decide({ error });
  }

  /** Node calls when it likes; the rest is for the loop's turn. */
  #decide(outcome: Outcome): void {
    this.#outcome = outcome;
    this.#settle.queue();
  }

  #settled(): void {
    this.#timer?.cancel();
    const outcome = this.#outcome!;
    if ("error" in outcome) this.#fail(outcome.error);
    else this.#succeed(outcome.transport);
  }

  #succeed(transport: TlsTransport): void {
    transport.takeOver(this.#connection!.plain);
    // Before anything comes in: reading is paused and resumed by way of it.
    if (!this.#part.tell && this.protocol instanceof FlowControlMixin) this.protocol.upgraded(transport);
    this.#begun = true;
    transport.begin(() => this.#finish(), this.#part.tell);
    const lost = this.#lostEarly;
    if (lost !== null) this.#loop.callSoon(() => transport.plainLost(lost.error));
  }

  #fail(exception: Error): void {
    this.#end();
    this.#finish();
    if (!this.#part.awaited) this.#report("TLS handshake failed", exception);
  }

  /** What others do on the network is not worth more than a trace. */
  #report(message: string, exception: Error): void {
    const transport = this.#connection?.plain;
    if (!(exception instanceof OSError)) {
      this.#loop.callExceptionHandler({
        message,
        exception,
        protocol: this.protocol,
        ...(transport && { transport }),
      });
    } else if (this.#loop.getDebug()) {
      logger.debug(`${message}: ${transport}`, exception);
    }
  }

  #finish(): void {
    this.#over = true;
    if (this.#waiter !== null) setResultUnlessDone(this.#waiter, undefined);
  }

  #end(): void {
    this.#connection?.handshake?.destroy();
    this.#connection?.plain.abort();
  }

  #abandon(): void {
    this.#abandoned = true;
    this.#timer?.cancel();
    const outcome = this.#outcome;
    if (this.#begun && outcome !== null && "transport" in outcome) {
      outcome.transport.abort();
      return;
    }
    // If the handshake was done in this very moment: the protocol is not to be told any more.
    this.#outcome = { error: endedInHandshake() };
    this.#end();
  }
}

function tooSlow(seconds: number): Error {
  return new ConnectionAbortedError(
    "ECONNABORTED",
    `the TLS handshake took longer than ${seconds} s: the connection is given up`,
  );
}
