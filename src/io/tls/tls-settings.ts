import { inspect } from "node:util";
import { SSL_HANDSHAKE_TIMEOUT, SSL_SHUTDOWN_TIMEOUT } from "../../core/constants.ts";
import { ValueError } from "../../core/errors.ts";
import { createDefaultContext, Purpose, SSLContext } from "./ssl-context.ts";
import type { SSLContextOptions } from "./ssl-options.ts";

/** How long TLS may take. */
export interface TlsTimeouts {
  /** Seconds for the handshake; 60 by default. */
  sslHandshakeTimeout?: number | null | undefined;
  /** Seconds to wait for the other side's end of TLS, when closing; 30 by default. */
  sslShutdownTimeout?: number | null | undefined;
}

/** TLS, for a client. */
export interface TlsClientOptions extends TlsTimeouts {
  /** Speak TLS: with a context, with the options for one, or (true) with those of `createDefaultContext()`. */
  ssl?: boolean | SSLContext | SSLContextOptions | null | undefined;
  /** The name that the server's certificate must be for; by default the host that is connected to. */
  serverHostname?: string | null | undefined;
}

/** TLS, for a server. */
export interface TlsServerOptions extends TlsTimeouts {
  /** Speak TLS: with a context that has a certificate, or with the options for one, such as `{ key, cert }`. */
  ssl?: SSLContext | SSLContextOptions | null | undefined;
}

/** What was asked for, checked. */
export interface TlsSettings {
  readonly context: SSLContext;
  readonly serverSide: boolean;
  /** Null on a server. */
  readonly serverHostname: string | null;
  readonly handshakeTimeout: number;
  readonly shutdownTimeout: number;
}

/** The settings of a client that connects to `host`; null without TLS. */
export function clientSettings(
  host: string | null,
  { ssl, serverHostname, ...timeouts }: TlsClientOptions,
): TlsSettings | null {
  if (ssl === undefined || ssl === null || ssl === false) {
    if (serverHostname != null) throw new ValueError("serverHostname is only meaningful with ssl");
    return withoutTls(timeouts);
  }
  const context = ssl === true ? createDefaultContext() : contextFor(Purpose.SERVER_AUTH, ssl);
  const name = serverHostname ?? host;
  if (name === null || (name === "" && serverHostname == null)) {
    throw new ValueError("serverHostname must be given with ssl where there is no host");
  }
  return secureClient(context, name, timeouts);
}

/** The settings of a server; null without TLS. */
export function serverSettings({ ssl, ...timeouts }: TlsServerOptions): TlsSettings | null {
  if (ssl === undefined || ssl === null) return withoutTls(timeouts);
  if (typeof ssl === "boolean") {
    throw new TypeError("ssl must be an SSLContext or the options for one: a server needs a certificate");
  }
  return secureServer(contextFor(Purpose.CLIENT_AUTH, ssl), timeouts);
}

export function secureClient(
  context: SSLContext,
  serverHostname: string | null,
  timeouts: TlsTimeouts,
): TlsSettings {
  assertPurpose(context, Purpose.SERVER_AUTH);
  if (serverHostname !== null && typeof serverHostname !== "string") {
    throw new TypeError(`serverHostname must be a string, not ${inspect(serverHostname)}`);
  }
  if (serverHostname !== null && /^\.|\0/.test(serverHostname)) {
    throw new ValueError(`${inspect(serverHostname)} is no name of a host`);
  }
  if (context.checkHostname && !serverHostname) {
    throw new ValueError("serverHostname must be given: the certificate is checked for it");
  }
  return { context, serverSide: false, serverHostname: serverHostname || null, ...seconds(timeouts) };
}

export function secureServer(context: SSLContext, timeouts: TlsTimeouts): TlsSettings {
  assertPurpose(context, Purpose.CLIENT_AUTH);
  return { context, serverSide: true, serverHostname: null, ...seconds(timeouts) };
}

/** Takes the options, too, in place of a context. */
export function contextFor(purpose: Purpose, ssl: SSLContext | SSLContextOptions): SSLContext {
  if (ssl instanceof SSLContext) return ssl;
  if (typeof ssl === "object" && ssl !== null) return new SSLContext({ ...ssl, purpose });
  throw new TypeError(`an SSLContext, or the options for one, was expected, not ${inspect(ssl)}`);
}

function assertPurpose(context: SSLContext, purpose: Purpose): void {
  if (context.purpose === purpose) return;
  const side = purpose === Purpose.SERVER_AUTH ? "client" : "server";
  throw new ValueError(`a ${side}'s context is made with Purpose.${purpose}, this one is ${context}`);
}

function withoutTls({ sslHandshakeTimeout, sslShutdownTimeout }: TlsTimeouts): null {
  if (sslHandshakeTimeout != null) throw new ValueError("sslHandshakeTimeout is only meaningful with ssl");
  if (sslShutdownTimeout != null) throw new ValueError("sslShutdownTimeout is only meaningful with ssl");
  return null;
}

function seconds({ sslHandshakeTimeout, sslShutdownTimeout }: TlsTimeouts) {
  return {
    handshakeTimeout: positive("sslHandshakeTimeout", sslHandshakeTimeout ?? SSL_HANDSHAKE_TIMEOUT),
    shutdownTimeout: positive("sslShutdownTimeout", sslShutdownTimeout ?? SSL_SHUTDOWN_TIMEOUT),
  };
}

function positive(name: string, value: number): number {
  if (value > 0 && Number.isFinite(value)) return value;
  throw new ValueError(`${name} must be a positive number of seconds, not ${inspect(value)}`);
}
