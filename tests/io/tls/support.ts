import type { Socket } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import {
  createDefaultContext,
  Purpose,
  SSLContext,
  type SSLContextOptions,
  type StreamProtocol,
  type TlsClientOptions,
  type TlsServerOptions,
} from "../../../src/index.ts";
import { TlsTransport } from "../../../src/io/tls/tls-transport.ts";
import type { Bench } from "../backends.ts";
import { nodeClient, Recorder, type Recording, serve } from "../recorder.ts";
import { authority, type Identity, localhost } from "./certificates.ts";

/** A server's context with this certificate. */
export function serverContext(
  { cert, key }: Identity = localhost(),
  options: SSLContextOptions = {},
): SSLContext {
  return new SSLContext({ cert, key, purpose: Purpose.CLIENT_AUTH, ...options });
}

/** A client's context that trusts our authority. */
export function clientContext(): SSLContext {
  return createDefaultContext({ cafile: authority().certfile });
}

/** A TLS server at 127.0.0.1. */
export async function serveTls(
  bench: Bench,
  factory: () => StreamProtocol,
  options: TlsServerOptions = {},
): Promise<number> {
  const { port } = await serve(bench, factory, { ssl: serverContext(), ...options });
  return port;
}

/** Connect a protocol to it. */
export async function connectTls<P extends StreamProtocol & Recording>(
  bench: Bench,
  protocol: P,
  port: number,
  options: TlsClientOptions = {},
): Promise<TlsTransport> {
  const [transport] = await bench.loop.createConnection(() => protocol, "127.0.0.1", port, {
    ssl: clientContext(),
    ...options,
  });
  bench.defer(async () => {
    transport.abort();
    await protocol.called("connectionLost");
  });
  return asTls(transport);
}

export function asTls(transport: unknown): TlsTransport {
  if (transport instanceof TlsTransport) return transport;
  throw new Error(`a TLS transport was expected, not ${transport}`);
}

/** Two recorders connected to each other by TLS. */
export async function tlsRecorders(
  bench: Bench,
  leftDoes: ConstructorParameters<typeof Recorder>[1] = {},
  rightDoes: ConstructorParameters<typeof Recorder>[1] = {},
  serverOptions: TlsServerOptions = {},
  clientOptions: TlsClientOptions = {},
): Promise<[left: Recorder, right: Recorder]> {
  const left = new Recorder(bench.loop, leftDoes);
  const right = new Recorder(bench.loop, rightDoes);
  const port = await serveTls(bench, () => right, serverOptions);
  await connectTls(bench, left, port, clientOptions);
  await right.called("connectionMade");
  return [left, right];
}

/** A TLS socket of Node's, connected to our server: a peer that shares no code with our transports. `raw` is below it. */
export async function nodeTlsClient(
  bench: Bench,
  port: number,
  options: ConnectionOptions = {},
): Promise<{ client: TLSSocket; raw: Socket }> {
  const raw = await nodeClient(bench, port);
  const client = connect({ socket: raw, host: "127.0.0.1", ca: authority().cert, ...options });
  bench.defer(() => client.destroy());
  client.on("error", () => {});
  await new Promise<void>((resolve) => client.once("secureConnect", resolve));
  return { client, raw };
}
