import type { SecureContext, SecureVersion } from "node:tls";
import { inspect } from "node:util";
import { ValueError } from "../../core/errors.ts";
import { Inspectable } from "../../core/inspectable.ts";
import { nodeTls } from "./node-tls.ts";
import { certificatesIn, mustHold, readPem } from "./pem.ts";
import { sslError } from "./ssl-errors.ts";
import {
  assertProtocols,
  assertSniCallback,
  checkedContextOptions,
  type SSLContextOptions,
} from "./ssl-options.ts";

/** The other side's certificate is not asked for, or not looked at. Python: `ssl.CERT_NONE`. */
export const CERT_NONE = 0;
/** On a server: clients may do without a certificate; if they have one it must be right. Python: `ssl.CERT_OPTIONAL`. */
export const CERT_OPTIONAL = 1;
/** The other side must have a certificate that is trusted. Python: `ssl.CERT_REQUIRED`. */
export const CERT_REQUIRED = 2;

/** {@link CERT_NONE}, {@link CERT_OPTIONAL} or {@link CERT_REQUIRED}. */
export type VerifyMode = typeof CERT_NONE | typeof CERT_OPTIONAL | typeof CERT_REQUIRED;

/** What a context is for: `SERVER_AUTH`, to check servers, for clients; `CLIENT_AUTH` for servers. Python: `ssl.Purpose`. */
export const Purpose = { SERVER_AUTH: "SERVER_AUTH", CLIENT_AUTH: "CLIENT_AUTH" } as const;
export type Purpose = (typeof Purpose)[keyof typeof Purpose];

/**
 * Called on a server with the name that a client asks for: gives the context to go on with, or null for the one it has.
 * An error that it throws ends the connection.
 */
export type SniCallback = (
  serverName: string,
) => SSLContext | null | undefined | PromiseLike<SSLContext | null | undefined>;

/** The certificates to trust: in files, in a directory's files, or in PEM text. */
export interface VerifyLocations {
  cafile?: string | null;
  capath?: string | null;
  cadata?: string | Uint8Array | null;
}

/**
 * How TLS is spoken: who we are, whom we trust, and what we insist on. One for all connections that it fits; changes
 * count for those that are made later.
 *
 * By default it is for clients, which check the server's certificate and name, against the CAs that Node trusts. The
 * `options` are those of Node's `tls.createSecureContext`, and a few of Python's terms. Python: `ssl.SSLContext`.
 */
export class SSLContext extends Inspectable {
  /** Which side it is for. */
  readonly purpose: Purpose;
  readonly #options: Omit<SSLContextOptions, "purpose" | "verifyMode" | "checkHostname" | "sniCallback">;
  #verifyMode: VerifyMode;
  #checkHostname: boolean;
  #sniCallback: SniCallback | null;
  #secure: SecureContext | null = null;

  /**
   * Throws TypeError or ValueError if an option makes no sense; SSLError if a certificate or key is not what it should be, or they do
   * not belong together.
   */
  constructor(options: SSLContextOptions = {}) {
    super();
    const { purpose, verifyMode, checkHostname, sniCallback, ...rest } = checkedContextOptions(options);
    this.purpose = purpose ?? Purpose.SERVER_AUTH;
    const forClients = this.purpose === Purpose.SERVER_AUTH;
    this.#verifyMode = checkedMode(verifyMode ?? (forClients ? CERT_REQUIRED : CERT_NONE));
    this.#checkHostname = false;
    this.checkHostname = checkHostname ?? (forClients && this.#verifyMode !== CERT_NONE);
    this.#sniCallback = sniCallback ?? null;
    this.#options = rest;
    for (const ca of [rest.ca ?? []].flat()) mustHold(String(ca), "ca");
    this.secureContext();
  }

  /**
   * Whether the other side's certificate must be trusted. Throws ValueError where it is no such mode, or is to be
   * {@link CERT_NONE} while {@link checkHostname} is true. Python: `SSLContext.verify_mode`.
   */
  get verifyMode(): VerifyMode {
    return this.#verifyMode;
  }

  set verifyMode(mode: VerifyMode) {
    if (checkedMode(mode) === CERT_NONE && this.#checkHostname) {
      throw new ValueError("verifyMode cannot be CERT_NONE while checkHostname is true");
    }
    this.#verifyMode = mode;
  }

  /**
   * Whether a server's certificate must be for the name that was connected to. Setting it to true sets
   * {@link verifyMode}, if that is {@link CERT_NONE}, to {@link CERT_REQUIRED}. Python: `SSLContext.check_hostname`.
   */
  get checkHostname(): boolean {
    return this.#checkHostname;
  }

  set checkHostname(check: boolean) {
    this.#checkHostname = Boolean(check);
    if (check && this.#verifyMode === CERT_NONE) this.#verifyMode = CERT_REQUIRED;
  }

  /** Called on a server with the name that the client asks for. Throws TypeError for no function. Python: `SSLContext.sni_callback`. */
  get sniCallback(): SniCallback | null {
    return this.#sniCallback;
  }

  set sniCallback(callback: SniCallback | null) {
    assertSniCallback(callback);
    this.#sniCallback = callback;
  }

  /** The oldest version of TLS that is spoken: `"TLSv1.2"`, …; null for Node's. Python: `SSLContext.minimum_version`. */
  get minimumVersion(): SecureVersion | null {
    return this.#options.minVersion ?? null;
  }

  set minimumVersion(version: SecureVersion) {
    this.#change({ minVersion: version });
  }

  /** The newest version of TLS that is spoken; null for Node's. Python: `SSLContext.maximum_version`. */
  get maximumVersion(): SecureVersion | null {
    return this.#options.maxVersion ?? null;
  }

  set maximumVersion(version: SecureVersion) {
    this.#change({ maxVersion: version });
  }

  /** The names of protocols above TLS, best first. */
  get alpnProtocols(): readonly string[] {
    return this.#options.ALPNProtocols ?? [];
  }

  /**
   * Which protocols are spoken above TLS, best first: `"h2"`, `"http/1.1"`. A server whose client offers others, and
   * none of these, ends the handshake.
   *
   * Throws TypeError unless it is an array of strings, SSLError where one has not 1 to 255 bytes. Python:
   * `SSLContext.set_alpn_protocols`.
   */
  setAlpnProtocols(protocols: readonly string[]): void {
    assertProtocols(protocols);
    this.#change({ ALPNProtocols: [...protocols] });
  }

  /** Which ciphers are used, in OpenSSL's notation. Throws SSLError if there is none. Python: `SSLContext.set_ciphers`. */
  setCiphers(ciphers: string): void {
    this.#change({ ciphers });
  }

  /**
   * Who we are: a certificate, with those that it depends on behind it, and its key, in PEM files. Without `keyfile` the
   * key is in `certfile`, too.
   *
   * Throws OSError if a file cannot be read; SSLError if it does not hold that, they do not belong together, or the
   * password is wrong. Python: `SSLContext.load_cert_chain`.
   */
  loadCertChain(certfile: string, keyfile: string | null = null, password: string | null = null): void {
    const cert = readPem(certfile);
    const key = keyfile === null ? cert : readPem(keyfile);
    this.#change({ cert, key, ...(password !== null && { passphrase: password }) });
  }

  /**
   * Whom we trust besides those that are trusted already.
   *
   * Throws TypeError without anything, OSError if a file cannot be read, SSLError if there is no certificate in it.
   * Python: `SSLContext.load_verify_locations`.
   */
  loadVerifyLocations(locations: VerifyLocations): void {
    const { ca } = this.#options;
    const trusted = ca === undefined ? nodeTls().getCACertificates("default") : [ca].flat();
    this.#change({ ca: [...trusted, ...certificatesIn(locations)] });
  }

  /** @internal Node's context for it. */
  secureContext(): SecureContext {
    this.#secure ??= makeSecureContext(this.#options);
    return this.#secure;
  }

  /** @internal Node's options for it. */
  nodeOptions(): SSLContextOptions {
    return this.#options;
  }

  #change(options: SSLContextOptions): void {
    const secure = makeSecureContext({ ...this.#options, ...options });
    Object.assign(this.#options, options);
    this.#secure = secure;
  }

  override toString(): string {
    return `<SSLContext purpose=${this.purpose} verifyMode=${this.verifyMode} checkHostname=${this.checkHostname}>`;
  }
}

/** What {@link createDefaultContext} is given. */
export interface DefaultContextOptions extends VerifyLocations {
  /** {@link Purpose.SERVER_AUTH}, the default, for a client; {@link Purpose.CLIENT_AUTH} for a server. */
  purpose?: Purpose;
}

/**
 * A context with safe settings. For clients, it trusts the certificates that are given, and only if none are those that
 * Node trusts; for servers, it asks for no certificate unless {@link SSLContext.verifyMode} is set.
 *
 * Throws ValueError if the purpose is none, OSError if a file cannot be read, SSLError if there is no certificate in it.
 * Python: `ssl.create_default_context`.
 */
export function createDefaultContext({ purpose, ...locations }: DefaultContextOptions = {}): SSLContext {
  const given = Object.values(locations).some((location) => location !== undefined && location !== null);
  return new SSLContext({
    ...(purpose !== undefined && { purpose }),
    ...(given && { ca: certificatesIn(locations) }),
  });
}

function makeSecureContext(options: SSLContextOptions): SecureContext {
  try {
    return nodeTls().createSecureContext(options);
  } catch (error) {
    throw sslError(error);
  }
}

function checkedMode(mode: VerifyMode): VerifyMode {
  if (mode === CERT_NONE || mode === CERT_OPTIONAL || mode === CERT_REQUIRED) return mode;
  throw new ValueError(`verifyMode must be CERT_NONE, CERT_OPTIONAL or CERT_REQUIRED, not ${inspect(mode)}`);
}
