import type { X509Certificate } from "node:crypto";
import type { CipherNameAndProtocol } from "node:tls";
import { RuntimeError } from "../../core/errors.ts";
import type { Openssl, Pointer } from "../native/openssl.ts";
import { opensslError } from "./ssl-errors.ts";
import type { SSLObject } from "./ssl-object.ts";

const X509_V_OK = 0;

/** The longest message that ends a handshake. */
const EVP_MAX_MD_SIZE = 64;

/** What OpenSSL tells of a connection. */
export class OpensslInfo implements SSLObject {
  readonly encrypted = true;
  protected readonly openssl: Openssl;
  /** 0 when it is over. */
  protected ssl: Pointer;

  constructor(openssl: Openssl, ssl: Pointer) {
    this.openssl = openssl;
    this.ssl = ssl;
  }

  get destroyed(): boolean {
    return this.ssl === 0;
  }

  get authorized(): boolean {
    if (this.destroyed || this.getPeerX509Certificate() === undefined) return false;
    return this.openssl.SSL_get_verify_result(this.ssl) === X509_V_OK;
  }

  get alpnProtocol(): string | false | null {
    if (this.destroyed) return null;
    const [at, length] = [new BigUint64Array(1), new Uint32Array(1)];
    this.openssl.SSL_get0_alpn_selected(this.ssl, at, length);
    return length[0] === 0 ? false : String(this.openssl.bytes(at[0]!, length[0]!));
  }

  getProtocol(): string | null {
    return this.destroyed ? null : this.openssl.SSL_get_version(this.ssl);
  }

  getCipher(): CipherNameAndProtocol {
    const openssl = this.openssl;
    const cipher = this.destroyed ? 0 : openssl.SSL_get_current_cipher(this.ssl);
    return {
      name: openssl.SSL_CIPHER_get_name(cipher),
      standardName: openssl.SSL_CIPHER_standard_name(cipher),
      version: openssl.SSL_CIPHER_get_version(cipher),
    };
  }

  /** The other side's certificate; undefined if it has none. */
  getPeerX509Certificate(): X509Certificate | undefined {
    const openssl = this.openssl;
    const certificate = this.destroyed ? 0 : openssl.SSL_get1_peer_certificate(this.ssl);
    if (certificate === 0) return undefined;
    const der = Buffer.alloc(openssl.i2d_X509(certificate, null));
    openssl.i2d_X509(certificate, BigUint64Array.of(openssl.address(der)));
    openssl.X509_free(certificate);
    return new (process.getBuiltinModule("node:crypto").X509Certificate)(der);
  }

  getFinished(): Buffer | undefined {
    return this.#finished(this.openssl.SSL_get_finished);
  }

  getPeerFinished(): Buffer | undefined {
    return this.#finished(this.openssl.SSL_get_peer_finished);
  }

  #finished(get: Openssl["SSL_get_finished"]): Buffer | undefined {
    if (this.destroyed) return undefined;
    const message = Buffer.alloc(EVP_MAX_MD_SIZE);
    return message.subarray(0, get(this.ssl, message, message.length));
  }

  isSessionReused(): boolean {
    return !this.destroyed && this.openssl.SSL_session_reused(this.ssl) === 1;
  }

  exportKeyingMaterial(length: number, label: string, context?: Buffer): Buffer {
    if (this.destroyed) throw new RuntimeError("the connection is closed");
    const openssl = this.openssl;
    const secret = Buffer.alloc(length);
    const [size, use] = context === undefined ? [0, 0] : [context.length, 1];
    const isMade = openssl.SSL_export_keying_material(
      ...([this.ssl, secret, length, label, Buffer.byteLength(label)] as const),
      ...([context ?? null, size, use] as const),
    );
    if (isMade !== 1) throw opensslError(openssl, this.ssl);
    return secret;
  }
}
