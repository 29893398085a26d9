import type { TLSSocket } from "node:tls";
import { ConnectionResetError, SSLCertVerificationError, SSLError, ValueError } from "../../core/errors.ts";

/** What Node's errors about TLS have beside a code. */
type NodeSslError = NodeJS.ErrnoException & { library?: string; reason?: string };

/** What OpenSSL finds wrong with a certificate; Node has its names from there. */
const VERIFICATION =
  /^(UNABLE_TO_|CERT_|CRL_|ERROR_IN_C|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME_INVALID)/;

/** An error of Node's about TLS as the one that Python raises; errors of other kinds as they are. */
export function sslError(error: unknown): Error {
  if (!(error instanceof Error)) return new SSLError("ERR_SSL", String(error), { cause: error });
  const { code, message, reason } = error as NodeSslError;
  if (code === "ECONNRESET") return new ConnectionResetError(code, message, { cause: error });
  if (code === undefined)
    return isOpenSsl(error) ? new SSLError("ERR_SSL", message, { cause: error }) : error;
  if (VERIFICATION.test(code)) return verificationError(code, message, error);
  if (code === "ERR_TLS_INVALID_PROTOCOL_VERSION") return new ValueError(message, { cause: error });
  if (!/^ERR_(SSL|OSSL|TLS|CRYPTO)/.test(code)) return error;
  return new SSLError(code, message, { reason: reason ?? null, cause: error });
}

/** Why a server did not let a client in whose handshake OpenSSL was content with. */
export function clientError(error: Error, socket: TLSSocket): Error {
  // Node says so, though it declares it to be an error.
  const why: unknown = socket.authorizationError;
  return typeof why === "string" ? notAuthorized(why) : sslError(error);
}

export function notAuthorized(code: string): SSLCertVerificationError {
  return verificationError(code, `the client's certificate is not trusted: ${code}`);
}

function verificationError(code: string, message: string, cause?: Error): SSLCertVerificationError {
  return new SSLCertVerificationError(code, message, { reason: "certificate verify failed", cause });
}

function isOpenSsl(error: NodeSslError): boolean {
  return error.library !== undefined || /^error:/.test(error.message);
}
