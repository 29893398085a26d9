import type { SecureContextOptions } from "node:tls";
import { inspect } from "node:util";
import { SSLError, ValueError } from "../../core/errors.ts";
import type { Purpose, SniCallback, VerifyMode } from "./ssl-context.ts";

/** Node's options of a secure context (`key`, `cert`, `ca`, `pfx`, `minVersion`, …), and Python's terms for the rest. */
export interface SSLContextOptions extends Omit<SecureContextOptions, "ALPNCallback"> {
  /** Which side it is for; `Purpose.SERVER_AUTH`, for clients, by default. Where a server is made, that is known. */
  purpose?: Purpose;
  /** Whether the other side's certificate must be trusted; by default true for clients, false for servers. */
  verifyMode?: VerifyMode;
  /** Whether a server's certificate must be for the name that was connected to; true by default if it must be trusted. */
  checkHostname?: boolean;
  /** The names of protocols above TLS, best first. */
  ALPNProtocols?: string[];
  /** Called on a server with the name that the client asks for. */
  sniCallback?: SniCallback | null;
}

/** What Node or Python call so. To pass over it in silence would be dangerous: a server would let everybody in. */
const INSTEAD: Readonly<Record<string, string>> = {
  rejectUnauthorized: "verifyMode",
  requestCert: "verifyMode",
  checkServerIdentity: "checkHostname",
  SNICallback: "sniCallback",
  ALPNCallback: "ALPNProtocols",
  servername: "serverHostname, beside ssl",
  handshakeTimeout: "sslHandshakeTimeout, beside ssl",
  pskCallback: "certificates",
  certfile: "cert, or loadCertChain()",
  keyfile: "key, or loadCertChain()",
  password: "passphrase",
  cafile: "ca, or loadVerifyLocations()",
  capath: "loadVerifyLocations()",
  cadata: "ca",
  minimumVersion: "minVersion",
  maximumVersion: "maxVersion",
  alpnProtocols: "ALPNProtocols",
};

export function checkedContextOptions(options: SSLContextOptions): SSLContextOptions {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`the options of an SSLContext were expected, not ${inspect(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(INSTEAD, name))
      throw new TypeError(`${name} is not an option here; use ${INSTEAD[name]}`);
  }
  const { purpose, ALPNProtocols, sniCallback } = options;
  if (ALPNProtocols !== undefined) assertProtocols(ALPNProtocols);
  assertSniCallback(sniCallback);
  if (purpose === undefined || purpose === "SERVER_AUTH" || purpose === "CLIENT_AUTH") return options;
  throw new ValueError(`purpose must be Purpose.SERVER_AUTH or Purpose.CLIENT_AUTH, not ${inspect(purpose)}`);
}

/** Throws TypeError unless these are strings in an array, SSLError where one cannot be sent. */
export function assertProtocols(protocols: readonly string[]): void {
  if (!Array.isArray(protocols) || !protocols.every((protocol) => typeof protocol === "string")) {
    throw new TypeError(`an array of the names of protocols was expected, not ${inspect(protocols)}`);
  }
  for (const protocol of protocols) {
    const length = Buffer.byteLength(protocol);
    if (length >= 1 && length <= 255) continue;
    throw new SSLError(
      "ERR_SSL_ALPN",
      `a protocol's name has 1 to 255 bytes, but ${inspect(protocol)} ${length}`,
    );
  }
}

export function assertSniCallback(callback: SniCallback | null | undefined): void {
  if (callback === undefined || callback === null || typeof callback === "function") return;
  throw new TypeError(`sniCallback must be a function, not ${inspect(callback)}`);
}
