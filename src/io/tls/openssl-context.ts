import type { SecureVersion } from "node:tls";
import { libc } from "../native/libc.ts";
import type { Openssl, Pointer } from "../native/openssl.ts";
import { nodeTls } from "./node-tls.ts";
import {
  CERT_NONE,
  CERT_OPTIONAL,
  CERT_REQUIRED,
  Purpose,
  type SSLContext,
  type VerifyMode,
} from "./ssl-context.ts";
import type { SSLContextOptions } from "./ssl-options.ts";

/** What OpenSSL has macros and constants for, in its headers. */
const SSL_CTRL_EXTRA_CHAIN_CERT = 14;
const SSL_CTRL_SET_SESS_CACHE_MODE = 44;
const SSL_CTRL_SET_MIN_PROTO_VERSION = 123;
const SSL_CTRL_SET_MAX_PROTO_VERSION = 124;
const SSL_SESS_CACHE_OFF = 0;
const SSL_OP_ALLOW_CLIENT_RENEGOTIATION = 2 ** 8;
const SSL_OP_CIPHER_SERVER_PREFERENCE = 2 ** 22;
const SSL_VERIFY_NONE = 0;
const SSL_VERIFY_PEER = 1;
const SSL_VERIFY_FAIL_IF_NO_PEER_CERT = 2;
const VERIFICATION: Readonly<Record<VerifyMode, number>> = {
  [CERT_NONE]: SSL_VERIFY_NONE,
  [CERT_OPTIONAL]: SSL_VERIFY_PEER,
  [CERT_REQUIRED]: SSL_VERIFY_PEER + SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
};
const VERSIONS: Readonly<Record<SecureVersion, number>> = {
  TLSv1: 0x301,
  "TLSv1.1": 0x302,
  "TLSv1.2": 0x303,
  "TLSv1.3": 0x304,
};

type Pem = string | Uint8Array;

const isPem = (value: unknown): value is Pem => typeof value === "string" || value instanceof Uint8Array;

/** OpenSSL's own context for one of ours, at one time. It lives as long as this object does. */
export class OpensslContext {
  readonly openssl: Openssl;
  readonly pointer: Pointer;

  constructor(openssl: Openssl, pointer: Pointer) {
    this.openssl = openssl;
    this.pointer = pointer;
    contexts.register(this, pointer);
  }
}

const contexts = new FinalizationRegistry((pointer: Pointer) => libc().openssl()!.SSL_CTX_free(pointer));

interface Made {
  /** They change with the context. */
  readonly secure: object;
  readonly verifyMode: number;
  readonly made: OpensslContext | null;
}

const made = new WeakMap<SSLContext, Made>();

/** OpenSSL's context for this one; null where Node's TLS is needed, which understands all that can be wished for. */
export function opensslContext(context: SSLContext): OpensslContext | null {
  if (context.sniCallback !== null) return null;
  const { verifyMode } = context;
  const secure = context.secureContext();
  const known = made.get(context);
  if (known?.secure === secure && known.verifyMode === verifyMode) return known.made;
  const own = make(context);
  made.set(context, { secure, verifyMode, made: own });
  return own;
}

function make(context: SSLContext): OpensslContext | null {
  const openssl = libc().openssl();
  if (openssl === null || !isUnderstood(context)) return null;
  try {
    return new Making(openssl, context).made;
  } catch (error) {
    // Node has made a context of the same options, so what is refused here Node understands.
    if (error instanceof Refused) return null;
    throw error;
  } finally {
    openssl.ERR_clear_error();
  }
}

/** Of the options, those of which something is made below. A server chooses among protocols in a callback from C: that is for Node. */
function isUnderstood(context: SSLContext): boolean {
  const { cert, key, passphrase, ca, ALPNProtocols, ciphers, minVersion, maxVersion, ...others } =
    context.nodeOptions();
  if (Object.values(others).some((value) => value !== undefined)) return false;
  if (context.purpose === Purpose.CLIENT_AUTH && ALPNProtocols !== undefined) return false;
  if (passphrase?.includes("\0")) return false;
  return [key, cert].every((one) => one === undefined || isPem(one)) && [ca ?? []].flat().every(isPem);
}

/** What OpenSSL does not take. */
class Refused extends Error {}

/** One context in the making. */
class Making {
  readonly made: OpensslContext;
  readonly #openssl: Openssl;
  readonly #pointer: Pointer;
  readonly #options: SSLContextOptions;

  constructor(openssl: Openssl, context: SSLContext) {
    this.#openssl = openssl;
    this.#options = context.nodeOptions();
    this.#pointer = taken(openssl.SSL_CTX_new(openssl.TLS_method()));
    this.made = new OpensslContext(openssl, this.#pointer);
    this.#setVersions();
    this.#setCiphers();
    this.#setIdentity();
    if (context.purpose === Purpose.CLIENT_AUTH) this.#serve(context);
    else this.#setProtocols();
    this.#setTrust(context);
  }

  #setVersions(): void {
    const { minVersion, maxVersion } = this.#options;
    const { DEFAULT_MIN_VERSION, DEFAULT_MAX_VERSION } = nodeTls();
    this.#control(SSL_CTRL_SET_MIN_PROTO_VERSION, VERSIONS[minVersion ?? DEFAULT_MIN_VERSION]);
    this.#control(SSL_CTRL_SET_MAX_PROTO_VERSION, VERSIONS[maxVersion ?? DEFAULT_MAX_VERSION]);
  }

  /** Node takes both kinds in one list: the suites of TLS 1.3, and the ciphers of the versions before. */
  #setCiphers(): void {
    const all = (this.#options.ciphers ?? nodeTls().DEFAULT_CIPHERS).split(":");
    const suites = all.filter((name) => name.startsWith("TLS_")).join(":");
    const ciphers = all.filter((name) => name !== "" && !name.startsWith("TLS_")).join(":");
    if (suites !== "") taken(this.#openssl.SSL_CTX_set_ciphersuites(this.#pointer, suites));
    if (ciphers !== "") taken(this.#openssl.SSL_CTX_set_cipher_list(this.#pointer, ciphers));
    else this.#control(SSL_CTRL_SET_MIN_PROTO_VERSION, VERSIONS["TLSv1.3"]);
  }

  /** Our certificate, those that it depends on, and its key. */
  #setIdentity(): void {
    const { cert, key, passphrase } = this.#options;
    const openssl = this.#openssl;
    if (cert !== undefined) {
      const [own, ...others] = certificates(openssl, cert as Pem);
      taken(openssl.SSL_CTX_use_certificate(this.#pointer, taken(own ?? 0)));
      openssl.X509_free(own!);
      for (const other of others) {
        taken(openssl.SSL_CTX_ctrl(this.#pointer, SSL_CTRL_EXTRA_CHAIN_CERT, 0, other));
      }
    }
    if (key !== undefined) {
      const bytes = Buffer.from(key as Pem);
      const bio = openssl.BIO_new_mem_buf(bytes, bytes.length);
      const own = openssl.PEM_read_bio_PrivateKey(bio, 0, 0, passphrase ?? "");
      openssl.BIO_free(bio);
      taken(openssl.SSL_CTX_use_PrivateKey(this.#pointer, taken(own)));
      openssl.EVP_PKEY_free(own);
    }
  }

  #serve({ verifyMode }: SSLContext): void {
    const openssl = this.#openssl;
    openssl.SSL_CTX_set_options(
      this.#pointer,
      SSL_OP_CIPHER_SERVER_PREFERENCE + SSL_OP_ALLOW_CLIENT_RENEGOTIATION,
    );
    // Clients keep their sessions themselves, in tickets.
    this.#control(SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, false);
    taken(openssl.SSL_CTX_set_session_id_context(this.#pointer, SESSION_ID, SESSION_ID.length));
    if (verifyMode === CERT_NONE) return;
    for (const authority of [this.#options.ca ?? []]
      .flat()
      .flatMap((pem) => certificates(openssl, pem as Pem))) {
      taken(openssl.SSL_CTX_add_client_CA(this.#pointer, authority));
      openssl.X509_free(authority);
    }
  }

  #setProtocols(): void {
    const { ALPNProtocols } = this.#options;
    if (ALPNProtocols === undefined) return;
    const names = ALPNProtocols.map((name) => Buffer.from(name));
    const list = Buffer.concat(names.flatMap((name) => [Buffer.of(name.length), name]));
    // Unlike the others, this returns 0 where all is well.
    const refused = this.#openssl.SSL_CTX_set_alpn_protos(this.#pointer, list, list.length);
    if (refused !== 0) throw new Refused();
  }

  /** Those that are trusted also complete the chain of our own certificate. */
  #setTrust({ verifyMode }: SSLContext): void {
    const openssl = this.#openssl;
    const { ca } = this.#options;
    if (ca !== undefined) {
      const store = newStore(openssl, [ca].flat() as Pem[]);
      openssl.SSL_CTX_set1_cert_store(this.#pointer, store);
      openssl.X509_STORE_free(store);
    } else if (verifyMode !== CERT_NONE) {
      openssl.SSL_CTX_set1_cert_store(this.#pointer, defaultStore(openssl));
    }
    openssl.SSL_CTX_set_verify(this.#pointer, VERIFICATION[verifyMode], 0);
  }

  #control(command: number, value: number, mustSucceed = true): void {
    const result = this.#openssl.SSL_CTX_ctrl(this.#pointer, command, value, 0);
    if (mustSucceed) taken(result);
  }
}

const SESSION_ID = Buffer.from("asyncio");

/** Almost all of OpenSSL's functions return 0, also for a pointer, where they refuse. */
function taken(result: number): number {
  if (result <= 0) throw new Refused();
  return result;
}

/** All that are in this text; whoever calls frees them. */
function certificates(openssl: Openssl, pem: Pem): Pointer[] {
  const bytes = Buffer.from(pem as string);
  const bio = taken(openssl.BIO_new_mem_buf(bytes, bytes.length));
  const found: Pointer[] = [];
  for (;;) {
    const certificate = openssl.PEM_read_bio_X509_AUX(bio, 0, 0, "");
    if (certificate === 0) break;
    found.push(certificate);
  }
  openssl.BIO_free(bio);
  return found;
}

function newStore(openssl: Openssl, trusted: readonly Pem[]): Pointer {
  const store = taken(openssl.X509_STORE_new());
  for (const certificate of trusted.flatMap((pem) => certificates(openssl, pem))) {
    taken(openssl.X509_STORE_add_cert(store, certificate));
    openssl.X509_free(certificate);
  }
  return store;
}

let trustedByDefault: { readonly list: readonly string[]; readonly store: Pointer } | null = null;

/** Those that Node trusts are many, so all contexts share them. Node gives another list when they are changed. */
function defaultStore(openssl: Openssl): Pointer {
  const list = nodeTls().getCACertificates("default");
  if (trustedByDefault?.list !== list) {
    if (trustedByDefault !== null) openssl.X509_STORE_free(trustedByDefault.store);
    trustedByDefault = { list, store: newStore(openssl, list) };
  }
  return trustedByDefault.store;
}
