import type { TLSSocket } from "node:tls";
import { ConnectionResetError, SSLCertVerificationError, SSLError, ValueError } from "../../core/errors.ts";
import type { Openssl, Pointer } from "../native/openssl.ts";

/** What Node's errors about TLS have beside a code. */
type NodeSslError = NodeJS.ErrnoException & { library?: string; reason?: string };

/** What OpenSSL finds wrong with a certificate; Node has its names from there. */
const VERIFICATION =
  /^(UNABLE_TO_|CERT_|CRL_|ERROR_IN_C|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME_INVALID)/;

const VERIFY_FAILED = "certificate verify failed";

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

/** OpenSSL's numbers for what it finds wrong with a certificate, by the names that Node has for them. */
const VERIFICATION_CODES: Readonly<Record<number, string>> = {
  2: "UNABLE_TO_GET_ISSUER_CERT",
  3: "UNABLE_TO_GET_CRL",
  4: "UNABLE_TO_DECRYPT_CERT_SIGNATURE",
  5: "UNABLE_TO_DECRYPT_CRL_SIGNATURE",
  6: "UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY",
  7: "CERT_SIGNATURE_FAILURE",
  8: "CRL_SIGNATURE_FAILURE",
  9: "CERT_NOT_YET_VALID",
  10: "CERT_HAS_EXPIRED",
  11: "CRL_NOT_YET_VALID",
  12: "CRL_HAS_EXPIRED",
  13: "ERROR_IN_CERT_NOT_BEFORE_FIELD",
  14: "ERROR_IN_CERT_NOT_AFTER_FIELD",
  15: "ERROR_IN_CRL_LAST_UPDATE_FIELD",
  16: "ERROR_IN_CRL_NEXT_UPDATE_FIELD",
  18: "DEPTH_ZERO_SELF_SIGNED_CERT",
  19: "SELF_SIGNED_CERT_IN_CHAIN",
  20: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  21: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  22: "CERT_CHAIN_TOO_LONG",
  23: "CERT_REVOKED",
  24: "INVALID_CA",
  25: "PATH_LENGTH_EXCEEDED",
  26: "INVALID_PURPOSE",
  27: "CERT_UNTRUSTED",
  28: "CERT_REJECTED",
};

/** What OpenSSL's last call for this connection failed with; it is forgotten there. */
export function opensslError(openssl: Openssl, ssl: Pointer): SSLError {
  const error = openssl.ERR_peek_last_error();
  openssl.ERR_clear_error();
  const reason = openssl.ERR_reason_error_string(error) ?? "unknown error";
  if (reason === VERIFY_FAILED) {
    const number = verifyResult(openssl, ssl);
    const code = VERIFICATION_CODES[number] ?? `CERT_REJECTED_${number}`;
    return verificationError(code, openssl.X509_verify_cert_error_string(number));
  }
  const code = `ERR_SSL_${reason.toUpperCase().replaceAll(/[ -]/g, "_")}`;
  return new SSLError(code, `${reason} (error:${error.toString(16).toUpperCase().padStart(8, "0")})`, {
    reason,
  });
}

const UNABLE_TO_GET_ISSUER_CERT_LOCALLY = 20;
const UNABLE_TO_VERIFY_LEAF_SIGNATURE = 21;

/** OpenSSL stops at the first of the errors, Node tells the last: which differ where a certificate comes alone. */
function verifyResult(openssl: Openssl, ssl: Pointer): number {
  const number = openssl.SSL_get_verify_result(ssl);
  const isAlone = openssl.OPENSSL_sk_num(openssl.SSL_get_peer_cert_chain(ssl)) <= 1;
  return number === UNABLE_TO_GET_ISSUER_CERT_LOCALLY && isAlone ? UNABLE_TO_VERIFY_LEAF_SIGNATURE : number;
}

export function verificationError(code: string, message: string, cause?: Error): SSLCertVerificationError {
  return new SSLCertVerificationError(code, message, { reason: VERIFY_FAILED, cause });
}

function isOpenSsl(error: NodeSslError): boolean {
  return error.library !== undefined || /^error:/.test(error.message);
}
