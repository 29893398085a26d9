import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import type { SecureContext, Server, TLSSocket } from "node:tls";
import { inspect } from "node:util";
import { nodeTls } from "./node-tls.ts";
import { serverIdentity } from "./server-identity.ts";
import { CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED, SSLContext, type VerifyMode } from "./ssl-context.ts";
import { clientError, notAuthorized, sslError } from "./ssl-errors.ts";

/** How a handshake ends. Node calls one of them, perhaps more than once, at any time. */
interface Outcome {
  secured(socket: TLSSocket): void;
  failed(error: Error): void;
}

/** Be the client in a handshake on `duplex`, with a server of this name or address; null for any. */
export function clientHandshake(
  duplex: Duplex,
  context: SSLContext,
  serverHostname: string | null,
  outcome: Outcome,
): void {
  const identity = serverIdentity(serverHostname);
  const socket = nodeTls().connect({
    socket: duplex,
    secureContext: context.secureContext(),
    rejectUnauthorized: context.verifyMode !== CERT_NONE,
    checkServerIdentity: context.checkHostname ? nodeTls().checkServerIdentity : () => undefined,
    ALPNProtocols: [...context.alpnProtocols],
    ...(identity && { host: identity.host }),
    ...(identity?.servername && { servername: identity.servername }),
  });
  socket.on("secureConnect", () => outcome.secured(socket));
  socket.on("error", (error) => outcome.failed(sslError(error)));
}

/** Be the server in a handshake on `duplex`. */
export function serverHandshake(duplex: Duplex, context: SSLContext, outcome: Outcome): void {
  const secured = (socket: TLSSocket) => {
    const error = objection(context, socket);
    if (error === null) outcome.secured(socket);
    else outcome.failed(error);
  };
  const failed = (error: Error, socket: TLSSocket) => outcome.failed(clientError(error, socket));
  // A server of Node's takes any stream as a connection, but does not say which one an event is about. So each
  // connection has a server of its own, which borrows everything from the one of its context.
  const server: Server = Object.create(serverOf(context), {
    emit: {
      value(event: string, ...args: unknown[]): boolean {
        if (event === "secureConnection") secured(args[0] as TLSSocket);
        else if (event === "tlsClientError") failed(args[0] as Error, args[1] as TLSSocket);
        else return false;
        return true;
      },
    },
  });
  EventEmitter.prototype.emit.call(server, "connection", duplex);
}

/** Node's checks with CERT_REQUIRED only. */
function objection({ verifyMode }: SSLContext, socket: TLSSocket): Error | null {
  if (verifyMode !== CERT_OPTIONAL || socket.authorized) return null;
  return socket.getPeerX509Certificate() === undefined
    ? null
    : notAuthorized(String(socket.authorizationError));
}

interface Made {
  readonly server: Server;
  readonly secure: SecureContext;
  readonly verifyMode: VerifyMode;
}

/** Making one takes long: it is made again only after its context was changed. */
const servers = new WeakMap<SSLContext, Made>();

/** Longer than any handshake: the timeout is ours. */
const NO_TIMEOUT = 2 ** 31 - 1;

function serverOf(context: SSLContext): Server {
  const { verifyMode } = context;
  const secure = context.secureContext();
  const known = servers.get(context);
  if (known?.secure === secure && known.verifyMode === verifyMode) return known.server;
  const server = nodeTls().createServer({
    ...context.nodeOptions(),
    requestCert: verifyMode !== CERT_NONE,
    rejectUnauthorized: verifyMode === CERT_REQUIRED,
    handshakeTimeout: NO_TIMEOUT,
    SNICallback: (name, done) => selectContext(context, name, done),
  });
  servers.set(context, { server, secure, verifyMode });
  return server;
}

function selectContext(
  context: SSLContext,
  name: string,
  done: (error: Error | null, secure?: SecureContext) => void,
): void {
  chosenContext(context, name).then(
    (other) => done(null, other?.secureContext()),
    (error: unknown) => done(error instanceof Error ? error : new Error(String(error), { cause: error })),
  );
}

async function chosenContext(context: SSLContext, name: string): Promise<SSLContext | null> {
  const chosen = (await context.sniCallback?.(name)) ?? null;
  if (chosen === null || chosen instanceof SSLContext) return chosen;
  throw new TypeError(`sniCallback must give an SSLContext or null, not ${inspect(chosen)}`);
}
