import { WriteBuffer } from "../native/write-buffer.ts";
import { MOST_AT_ONCE, type OpensslObject } from "./openssl-object.ts";

/** What encrypts and sends. Returns false if that is not possible now; throws SSLError if it never will be. */
type Encrypter = Pick<OpensslObject, "encrypt">;

/**
 * What is written by way of TLS. It is encrypted and sent at once; only what the transport below does not want yet, or what
 * TLS cannot send before it has read something, waits here as it is.
 */
export class TlsBacklog {
  readonly #tls: Encrypter;
  readonly #waiting = new WriteBuffer();
  #paused = false;

  constructor(tls: Encrypter) {
    this.#tls = tls;
  }

  /** How many bytes wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** The transport below wants nothing more. */
  pause(): void {
    this.#paused = true;
  }

  /** It does again: {@link flush} is next. */
  resume(): void {
    this.#paused = false;
  }

  /** Throws SSLError if TLS cannot go on. */
  write(bytes: Uint8Array): void {
    if (this.size === 0 && !this.#paused && bytes.byteLength <= MOST_AT_ONCE) {
      if (!this.#tls.encrypt(bytes)) this.#waiting.push(bytes);
      return;
    }
    this.#waiting.push(bytes);
    this.flush();
  }

  /** Go on with what waits. Throws SSLError if TLS cannot go on. */
  flush(): void {
    while (this.size > 0 && !this.#paused) {
      const bytes = this.#waiting.front(MOST_AT_ONCE);
      if (!this.#tls.encrypt(bytes)) return;
      this.#waiting.consume(bytes.byteLength);
    }
  }

  clear(): void {
    this.#waiting.clear();
  }
}
