import type { SecureContextOptions } from "node:tls";
import { inspect } from "node:util";
import { ValueError } from "../../core/errors.ts";
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

/** What Node calls otherwise. To pass over it in silence would be dangerous: a server would let everybody in. */
const INSTEAD: Readonly<Record<string, string>> = {
  rejectUnauthorized: "verifyMode",
  requestCert: "verifyMode",
  checkServerIdentity: "checkHostname",
  SNICallback: "sniCallback",
  ALPNCallback: "ALPNProtocols",
  servername: "serverHostname, beside ssl",
  handshakeTimeout: "sslHandshakeTimeout, beside ssl",
  pskCallback: "certificates",
};

export function checkedContextOptions(options: SSLContextOptions): SSLContextOptions {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`the options of an SSLContext were expected, not ${inspect(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(INSTEAD, name))
      throw new TypeError(`${name} is not an option here; use ${INSTEAD[name]}`);
  }
  const { purpose } = options;
  if (purpose === undefined || purpose === "SERVER_AUTH" || purpose === "CLIENT_AUTH") return options;
  throw new ValueError(`purpose must be Purpose.SERVER_AUTH or Purpose.CLIENT_AUTH, not ${inspect(purpose)}`);
}
