import { availableParallelism } from "node:os";
import { inspect } from "node:util";
import type { ResourceLimits } from "node:worker_threads";
import { ValueError } from "../core/errors.ts";
import type { PortableCall } from "../executors/messages.ts";
import { assertCount, type InitializerOptions, portableInitializer } from "../executors/options.ts";
import { type PortableWork, portable, type Work } from "../executors/work.ts";
import { assertDuration, assertHost, checkedPort } from "../io/arguments.ts";
import type { StreamReader } from "../io/stream-reader.ts";
import type { StreamWriter } from "../io/stream-writer.ts";
import { assertListenOptions } from "../io/tcp-options.ts";
import { SSLContext } from "../io/tls/ssl-context.ts";
import type { SSLContextOptions } from "../io/tls/ssl-options.ts";
import { serverSettings, type TlsTimeouts } from "../io/tls/tls-settings.ts";

/** What serves a connection, as for `startServer`: named by `work()`, or a function that needs nothing of its surroundings. */
export type ServeHandler = Work<[reader: StreamReader, writer: StreamWriter], unknown>;

/** How each worker listens. */
interface WorkerServerOptions extends TlsTimeouts {
  /** How many connections may wait to be accepted, for each worker; 100 by default. */
  backlog?: number;
  /** The limit of each reader: the longest line, in bytes; 64 KiB by default. */
  limit?: number;
  /** Speak TLS: the options for a context, `{ key, cert }`. A context itself cannot be sent to a worker. */
  ssl?: SSLContextOptions | null;
}

export interface ServeOptions extends WorkerServerOptions, InitializerOptions {
  /** Where to listen: a host or several; all interfaces, if null, the default. */
  host?: string | readonly string[] | null;
  /** The port; with 0, the default, the system chooses one, the same for all workers: see `Cluster.addresses`. */
  port?: number;
  /** AF_INET or AF_INET6 to use only that family; 0, the default, for both. */
  family?: number;
  /** How many workers there are; by default as many as processors. */
  workers?: number;
  /** What a worker is; a process by default. A thread starts sooner, but can take all down with it. */
  kind?: "process" | "thread";
  /** How many seconds the connections of a worker that is to end may take to come to an end; 10 by default. */
  drain?: number;
  /** How many seconds more a worker has then to end, before it is killed; 5 by default. */
  grace?: number;
  /** How often in a row a worker may crash, within a second, before all is given up; 10 by default. */
  maxCrashes?: number;
  /** Whether idle connections are probed (SO_KEEPALIVE). */
  keepAlive?: boolean;
  /** Whether another program may listen there at the same time, and share the connections. */
  reusePort?: boolean;
  /** The environment of worker processes; by default that of this one. */
  env?: NodeJS.ProcessEnv;
  /** Node's flags for worker processes; by default those of this one. */
  execArgv?: readonly string[];
  /** The memory that each worker thread may use. */
  resourceLimits?: ResourceLimits;
}

/** What was asked for, checked. */
export interface ServeSettings {
  readonly handler: PortableWork;
  readonly initializer: PortableCall | null;
  readonly server: WorkerServerOptions;
  readonly hosts: readonly (string | null)[];
  readonly port: number;
  readonly binding: { readonly family: number; readonly keepAlive: boolean; readonly reusePort: boolean };
  readonly workers: number;
  readonly kind: "process" | "thread";
  readonly drain: number;
  readonly grace: number;
  readonly maxCrashes: number;
  readonly env: NodeJS.ProcessEnv | undefined;
  readonly execArgv: readonly string[] | undefined;
  readonly resourceLimits: ResourceLimits | undefined;
}

/** Throws TypeError or ValueError for what makes no sense, or cannot be sent to a worker. */
export function checkedSettings(handler: ServeHandler, options: ServeOptions): ServeSettings {
  const { host = null, port = 0, family = 0, keepAlive = false, reusePort = false } = options;
  const { workers = availableParallelism(), kind = "process", drain = 10, grace = 5 } = options;
  const { maxCrashes = 10, env, execArgv, resourceLimits } = options;
  if (kind !== "process" && kind !== "thread") {
    throw new ValueError(`kind must be "process" or "thread", not ${inspect(kind)}`);
  }
  assertCount(workers, "workers");
  assertCount(maxCrashes, "maxCrashes");
  assertDuration("drain", drain);
  assertDuration("grace", grace);
  assertListenOptions({ family, ...(options.backlog !== undefined && { backlog: options.backlog }) });
  const setup = { handler: portable(handler), initializer: portableInitializer(options) };
  const where = { hosts: checkedHosts(host), port: checkedPort(port) };
  const limits = { drain, grace, maxCrashes };
  const binding = { family, keepAlive, reusePort };
  const server = serverOptions(options);
  return { ...setup, ...where, ...limits, binding, server, workers, kind, env, execArgv, resourceLimits };
}

function checkedHosts(host: string | readonly string[] | null): readonly (string | null)[] {
  const hosts = host === null || host === "" ? [null] : typeof host === "string" ? [host] : [...host];
  for (const one of hosts) if (one !== null) assertHost(one);
  return hosts;
}

function serverOptions(options: ServeOptions): WorkerServerOptions {
  const { backlog, limit, ssl, sslHandshakeTimeout, sslShutdownTimeout } = options;
  if (ssl instanceof SSLContext) {
    throw new TypeError("an SSLContext cannot be sent to a worker: give the options for one, { key, cert }");
  }
  serverSettings({ ssl, sslHandshakeTimeout, sslShutdownTimeout });
  if (limit !== undefined) assertCount(limit, "limit");
  const server = {
    ...(backlog !== undefined && { backlog }),
    ...(limit !== undefined && { limit }),
    ...(ssl != null && { ssl, sslHandshakeTimeout, sslShutdownTimeout }),
  };
  return sendable(server);
}

/** Throws TypeError for what cannot be sent to a worker, such as a function among the options of TLS. */
function sendable<T>(value: T): T {
  try {
    structuredClone(value);
  } catch (cause) {
    throw new TypeError(`these options cannot be sent to a worker: ${inspect(value)}`, { cause });
  }
  return value;
}
