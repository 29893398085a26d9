import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { nodeTls } from "./node-tls.ts";
import { CERT_NONE } from "./ssl-context.ts";
import { sslError, verificationError } from "./ssl-errors.ts";
import type { TlsSettings } from "./tls-settings.ts";

/** Whose certificate is expected, and which server is asked for. */
export interface ServerIdentity {
  readonly host: string;
  /** An address is not a name: it is checked, but not asked for. */
  readonly servername: string | null;
}

/** For the name or address of a server, as the user has it; null for any server. */
export function serverIdentity(serverHostname: string | null): ServerIdentity | null {
  if (serverHostname === null) return null;
  if (isIP(serverHostname) !== 0) return { host: serverHostname, servername: null };
  const name = domainToASCII(serverHostname) || serverHostname;
  return { host: name, servername: name };
}

/** The certificate must be there, unless none is looked at, and be for the host that was asked for. Throws SSLError. */
export function assertServer(settings: TlsSettings, certificate: X509Certificate | undefined): void {
  const { verifyMode, checkHostname } = settings.context;
  if (verifyMode === CERT_NONE) return;
  if (certificate === undefined)
    throw verificationError("UNABLE_TO_GET_ISSUER_CERT", "the server has no certificate");
  const identity = serverIdentity(settings.serverHostname);
  if (!checkHostname || identity === null) return;
  const error = nodeTls().checkServerIdentity(identity.host, certificate.toLegacyObject());
  if (error !== undefined) throw sslError(error);
}
