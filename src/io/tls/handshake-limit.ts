import { SSLError } from "../../core/errors.ts";
import { nodeTls } from "./node-tls.ts";
import type { SSLObject } from "./ssl-object.ts";

/**
 * How often the client of a server may ask for new keys, up to TLS 1.2: that costs the server more than the client. The
 * limit is that of Node's TLS.
 */
export class HandshakeLimit {
  readonly #tls: SSLObject;
  #last: Buffer;
  #count = 0;
  #since = performance.now();

  constructor(tls: SSLObject) {
    this.#tls = tls;
    this.#last = this.#finished();
  }

  #finished(): Buffer {
    return this.#tls.getPeerFinished() ?? Buffer.of();
  }

  /** The error, if there were too many. To be called whenever there may have been one. */
  exceeded(): SSLError | null {
    const finished = this.#finished();
    if (finished.equals(this.#last)) return null;
    this.#last = finished;
    const { CLIENT_RENEG_LIMIT, CLIENT_RENEG_WINDOW } = nodeTls();
    if (performance.now() - this.#since > CLIENT_RENEG_WINDOW * 1000) {
      this.#count = 0;
      this.#since = performance.now();
    }
    if (++this.#count <= CLIENT_RENEG_LIMIT) return null;
    return new SSLError("ERR_TLS_SESSION_ATTACK", "TLS session renegotiation attack detected");
  }
}
