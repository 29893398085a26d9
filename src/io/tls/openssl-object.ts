import type { SSLError } from "../../core/errors.ts";
import { ChunkQueue } from "../chunk-queue.ts";
import { libc } from "../native/libc.ts";
import type { Openssl, Pointer } from "../native/openssl.ts";
import { fillSlab } from "../native/slab.ts";
import { HandshakeLimit } from "./handshake-limit.ts";
import type { OpensslContext } from "./openssl-context.ts";
import { OpensslInfo } from "./openssl-info.ts";
import { serverIdentity } from "./server-identity.ts";
import { opensslError } from "./ssl-errors.ts";
import type { TlsSettings } from "./tls-settings.ts";

/** What OpenSSL has macros and constants for, in its headers. */
const SSL_CTRL_MODE = 33;
const SSL_CTRL_SET_TLSEXT_HOSTNAME = 55;
const TLSEXT_NAMETYPE_HOST_NAME = 0;
const SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 2;
const SSL_MODE_RELEASE_BUFFERS = 16;
const SSL_ERROR_WANT_READ = 2;
const SSL_ERROR_ZERO_RETURN = 6;

/** At most so much is encrypted at once: with what TLS adds to 15 records, it fits into the memory for what goes out. */
export const MOST_AT_ONCE = 15 * 16 * 1024;

/** What OpenSSL reads from, and what it writes to. Each call of ours leaves them empty: so one pair will do for all connections. */
interface Pipes {
  readonly incoming: Pointer;
  readonly outgoing: Pointer;
  readonly memory: Buffer;
}

let shared: Pipes | null = null;

function pipes(openssl: Openssl): Pipes {
  shared ??= {
    incoming: openssl.BIO_new(openssl.BIO_s_mem()),
    outgoing: openssl.BIO_new(openssl.BIO_s_mem()),
    memory: Buffer.allocUnsafeSlow(256 * 1024),
  };
  return shared;
}

const abandoned = new FinalizationRegistry((ssl: Pointer) => libc().openssl()!.SSL_free(ssl));

/**
 * The TLS of one connection, by OpenSSL's functions: bytes go in, and come out. What is to be sent is given to `send` at
 * once, in memory that is used again. Python: `ssl.SSLObject`, with its two `ssl.MemoryBIO`.
 */
export class OpensslObject extends OpensslInfo {
  /** Whether all that came in was decrypted. What is behind it, {@link notified} and {@link failure} tell then. */
  drained = true;
  /** Whether the other side has said that this is the end. */
  notified = false;
  /** Why the connection cannot go on. */
  failure: SSLError | null = null;
  readonly #pipes: Pipes;
  readonly #send: (bytes: Buffer) => void;
  readonly #serverSide: boolean;
  /** On a server, where TLS has them. */
  #handshakes: HandshakeLimit | null = null;
  readonly #unread = new ChunkQueue();
  /** For the call of {@link decrypt} that is going on. */
  #limit = 0;

  constructor(context: OpensslContext, settings: TlsSettings, send: (bytes: Buffer) => void) {
    const { openssl } = context;
    super(openssl, openssl.SSL_new(context.pointer));
    this.#pipes = pipes(openssl);
    this.#send = send;
    this.#serverSide = settings.serverSide;
    if (this.ssl === 0) throw opensslError(openssl, this.ssl);
    abandoned.register(this, this.ssl, this);
    this.#prepare(settings);
  }

  #prepare({ serverSide, serverHostname }: TlsSettings): void {
    const openssl = this.openssl;
    const { incoming, outgoing } = this.#pipes;
    openssl.BIO_up_ref(incoming);
    openssl.BIO_up_ref(outgoing);
    openssl.SSL_set_bio(this.ssl, incoming, outgoing);
    openssl.SSL_ctrl(
      this.ssl,
      SSL_CTRL_MODE,
      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER + SSL_MODE_RELEASE_BUFFERS,
      null,
    );
    if (serverSide) {
      openssl.SSL_set_accept_state(this.ssl);
    } else {
      openssl.SSL_set_connect_state(this.ssl);
      const name = serverIdentity(serverHostname)?.servername;
      if (name) openssl.SSL_ctrl(this.ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_HOST_NAME, name);
    }
  }

  /** How many encrypted bytes wait to be decrypted. */
  get unreadSize(): number {
    return this.#unread.size;
  }

  /** This has come in. Until the next call of {@link handshake} or {@link decrypt} its memory must not change. */
  feed(data: Buffer): void {
    if (this.destroyed) return;
    this.#unread.push(data);
    this.drained = false;
  }

  /** Go on with the handshake. Returns whether it is done; throws SSLError if it fails. */
  handshake(): boolean {
    if (this.destroyed) return false;
    this.#load();
    const result = this.openssl.SSL_do_handshake(this.ssl);
    if (result !== 1) this.#stopped(result);
    else if (this.#serverSide && this.getProtocol() !== "TLSv1.3")
      this.#handshakes = new HandshakeLimit(this);
    this.#unload();
    this.#sendOutgoing();
    if (this.failure !== null) throw this.failure;
    return result === 1;
  }

  /** Decrypt what came in: `limit` bytes or up to a record more. Gives null if there is nothing. */
  decrypt(limit: number): Buffer | null {
    if (this.destroyed) return null;
    this.#limit = limit;
    this.#load();
    const bytes = fillSlab(this, OpensslObject.#fill);
    this.failure ??= this.#handshakes?.exceeded() ?? null;
    this.#unload();
    this.#sendOutgoing();
    return typeof bytes === "number" ? null : bytes;
  }

  /** Each call of OpenSSL's gives a record at most. */
  static #fill(self: OpensslObject, memory: Buffer, offset: number, length: number): number {
    const most = Math.min(length, self.#limit);
    let count = 0;
    while (count < most && !self.drained) {
      count += self.#read(memory, offset + count, length - count);
    }
    return count;
  }

  #read(memory: Buffer, offset: number, length: number): number {
    const room = offset === 0 ? memory : new Uint8Array(memory.buffer, memory.byteOffset + offset, length);
    const count = this.openssl.SSL_read(this.ssl, room, length);
    if (count <= 0) {
      this.#stopped(count);
      return 0;
    }
    // With room to spare, that was all of a record; to try for another is what takes long.
    if (count < length && this.openssl.BIO_ctrl_pending(this.#pipes.incoming) === 0) this.drained = true;
    return count;
  }

  /** OpenSSL cannot go on with what came in. */
  #stopped(result: number): void {
    this.drained = true;
    this.#noteWhy(result);
  }

  /** Because it must read more first, or for good. */
  #noteWhy(result: number): void {
    const why = this.openssl.SSL_get_error(this.ssl, result);
    if (why === SSL_ERROR_ZERO_RETURN) this.notified = true;
    else if (why !== SSL_ERROR_WANT_READ) this.failure = opensslError(this.openssl, this.ssl);
  }

  /** Encrypt and send {@link MOST_AT_ONCE} bytes or less. Returns false if it must read more first; throws SSLError if it cannot. */
  encrypt(bytes: Uint8Array): boolean {
    if (this.destroyed) return false;
    this.openssl.ERR_clear_error();
    const result = this.openssl.SSL_write(this.ssl, bytes, bytes.byteLength);
    if (result <= 0) this.#noteWhy(result);
    this.#sendOutgoing();
    if (this.failure !== null) throw this.failure;
    return result > 0;
  }

  /** Tell the other side that nothing more comes. */
  shutdown(): void {
    if (this.destroyed) return;
    if (this.openssl.SSL_shutdown(this.ssl) < 0) this.openssl.ERR_clear_error();
    this.#sendOutgoing();
  }

  /** Errors that others left in the thread's queue would be taken for ours. */
  #load(): void {
    this.openssl.ERR_clear_error();
    const { incoming } = this.#pipes;
    for (let chunk = this.#unread.shift(); chunk !== undefined; chunk = this.#unread.shift()) {
      this.openssl.BIO_write(incoming, chunk, chunk.length);
    }
  }

  /** Others use it next. */
  #unload(): void {
    if (this.drained && !this.#isOver) return;
    const { incoming } = this.#pipes;
    const rest = Buffer.allocUnsafeSlow(this.openssl.BIO_ctrl_pending(incoming));
    this.openssl.BIO_read(incoming, rest, rest.length);
    if (!this.#isOver && rest.length > 0) this.#unread.push(rest);
  }

  get #isOver(): boolean {
    return this.notified || this.failure !== null;
  }

  #sendOutgoing(): void {
    const { outgoing, memory } = this.#pipes;
    let size: number;
    do {
      size = this.openssl.BIO_read(outgoing, memory, memory.length);
      if (size > 0) this.#send(memory.subarray(0, size));
    } while (size === memory.length);
  }

  /** Give its memory back: OpenSSL must not be called with it any more. */
  free(): void {
    if (this.destroyed) return;
    this.drained = true;
    abandoned.unregister(this);
    this.openssl.SSL_free(this.ssl);
    this.ssl = 0;
    this.#unread.clear();
  }
}
