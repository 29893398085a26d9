import { Coroutine } from "../core/coroutines.ts";
import type { Waiting } from "../io/backend.ts";
import { Cluster } from "./cluster.ts";
import type { ServeHandler, ServeOptions } from "./options.ts";

/**
 * Serve connections in several processes or threads, until cancelled: `handler` is called with a reader and a writer for
 * each, as that of `startServer`. Then the workers stop accepting, the connections have `drain` seconds to come to an
 * end, and the CancelledError is thrown. A worker that crashes is replaced; {@link Cluster} tells all of it, and has more.
 *
 * ```ts
 * export async function handler(reader: StreamReader, writer: StreamWriter) { … }
 *
 * if (import.meta.main) {
 *   await run(() => serve(work(import.meta, handler), { port: 8080 }), { signals: true });
 * }
 * ```
 *
 * The workers import the handler's module, too: what only the program itself is to do stands behind `import.meta.main`.
 *
 * Throws as `Cluster.start` and `Cluster.serveForever`; at the call, TypeError or ValueError for what makes no sense or
 * cannot be sent to a worker. Cancel safety: the first time, as above; the second time, the workers are killed. Not in
 * Python.
 */
export function serve(handler: ServeHandler, options: ServeOptions = {}): Coroutine<never> {
  const cluster = new Cluster(handler, options);
  return new Coroutine(() => startAndServe(cluster), "serve");
}

function* startAndServe(cluster: Cluster): Waiting<never> {
  yield* cluster.start();
  return yield* cluster.serveForever();
}
