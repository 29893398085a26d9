/** What threads do with a loop that is in another one. */

import { parentPort } from "node:worker_threads";
import {
  CancelledError,
  type ConcurrentFuture,
  createSubprocessExec,
  EventLoop,
  gather,
  getEventLoop,
  getRunningLoop,
  type LoopAddress,
  openConnection,
  openStdin,
  PIPE,
  RemoteLoop,
  run,
  runCoroutineThreadsafe,
  sleep,
  startServer,
  timeout,
} from "../../src/index.ts";
import { QueryError } from "./functions.ts";
import { inThread, named } from "./support.ts";

type BackendName = "native" | "portable";

function inLoop<T>(backend: BackendName, main: () => Promise<T>): Promise<T> {
  return run(main, { loopFactory: () => new EventLoop({ backend }) });
}

function errorOf(body: () => unknown): unknown {
  try {
    return body();
  } catch (error) {
    return error;
  }
}

const text = (body: () => unknown) => String(errorOf(body));

/** All flavours of work, each waited for with the thread blocked. */
export function blocking(address: LoopAddress): unknown[] {
  using loop = new RemoteLoop(address);
  return [
    runCoroutineThreadsafe(named("double"), loop, 1).result(),
    runCoroutineThreadsafe(named("asyncDouble"), loop, 2).result(10),
    runCoroutineThreadsafe(named("where"), loop).result(10),
    runCoroutineThreadsafe((a: string, b: string) => a + b, loop, "a", "b").result(10),
    runCoroutineThreadsafe(async () => 5, loop).exception(10),
  ];
}

/** An error's class, properties and cause. */
export function failing(address: LoopAddress): unknown {
  using loop = new RemoteLoop(address);
  const error = errorOf(() => runCoroutineThreadsafe(named("fail"), loop, "why").result(10)) as QueryError;
  return [error instanceof QueryError, error.message, error.query, String(error.cause), error.stack];
}

/** Of a signal nothing would be left on the way. */
export function withSignal(address: LoopAddress): string[] {
  using loop = new RemoteLoop(address);
  const giveSignal = () => new AbortController().signal;
  return [
    text(() => runCoroutineThreadsafe(named("note"), loop, { signal: new AbortController().signal })),
    text(() => runCoroutineThreadsafe(giveSignal, loop).result(10)),
  ];
}

/** What cannot be sent, found or begun. */
export function refused(address: LoopAddress): string[] {
  using loop = new RemoteLoop(address);
  const missing = { ...named("note"), name: "missing" } as unknown;
  const local = 1;
  return [
    text(() => runCoroutineThreadsafe(named("note"), loop, () => {})),
    text(() => runCoroutineThreadsafe(named("giveFunction"), loop).result(10)),
    text(() => runCoroutineThreadsafe(missing as never, loop)),
    text(() => runCoroutineThreadsafe(() => local, loop)),
    text(() => runCoroutineThreadsafe(named("cancelMe"), loop).result(10)),
  ];
}

/** The time is over, then the call is cancelled. */
export function impatient(address: LoopAddress): string[] {
  using loop = new RemoteLoop(address);
  const future = runCoroutineThreadsafe(named("forever"), loop, "impatient");
  const began = performance.now();
  const late = text(() => future.result(0.02));
  const waited = performance.now() - began;
  const cancelled = future.cancel();
  const outcome = errorOf(() => future.result()) instanceof CancelledError;
  // It arrives behind the cancellation.
  runCoroutineThreadsafe(named("double"), loop, 1).result(10);
  return [late, String(waited >= 20), String(cancelled), String(outcome)];
}

/** From a loop of this thread. */
export async function fromOwnLoop(address: LoopAddress, backend: BackendName): Promise<unknown> {
  using loop = new RemoteLoop(address);
  return await inLoop(backend, async () => {
    const futures = [1, 2, 3].map((n) => runCoroutineThreadsafe(named("double"), loop, n));
    let ticks = 0;
    const tick = () => {
      ticks++;
      getRunningLoop().callLater(0.001, tick);
    };
    tick();
    const results = await gather(...futures.map((future) => async () => await future));
    const error = await timeout(0.02, async () => {
      await runCoroutineThreadsafe(named("forever"), loop, "timed out");
    }).catch((reason: unknown) => (reason as Error).name);
    return [results, error, ticks > 1];
  });
}

/** Calls in a row, which nobody waits for: the thread may end before they are made. */
export function storm(address: LoopAddress, who: number, count: number): void {
  const loop = new RemoteLoop(address);
  for (let n = 0; n < count; n++) loop.callSoonThreadsafe(named("note"), [who, n]);
}

/** Two that wait until the loop is gone: one blocked, one not. */
export async function waiting(address: LoopAddress): Promise<string[]> {
  const loop = new RemoteLoop(address);
  const other = new RemoteLoop(address);
  const awaited = runCoroutineThreadsafe(named("forever"), other, "awaited");
  const blocked = runCoroutineThreadsafe(named("forever"), loop, "blocked");
  const first = text(() => blocked.result());
  const second = await awaited.catch(String);
  const later = text(() => loop.callSoonThreadsafe(named("note"), "never"));
  return [first, String(second), later, String(loop.isClosed())];
}

/** Somebody further away. */
export async function passOn(address: LoopAddress): Promise<unknown> {
  const loop = new RemoteLoop(address);
  return await inThread("blocking", loop.address).result;
}

/** Has a loop, and tells where it is, until somebody says that it is enough. */
export async function host(backend: BackendName): Promise<string> {
  return await inLoop(backend, async () => {
    const loop = getRunningLoop();
    parentPort!.postMessage(loop.threadsafe());
    const enough = loop.createFuture<string>();
    parentPort!.once("message", (message: string) => {
      if (message === "exit") process.exit(3);
      enough.setResult(message);
    });
    return await enough;
  });
}

/** A loop that never runs, and a listener for it, keep no thread alive. */
export function onlyAddress(): LoopAddress {
  return new EventLoop({ backend: "portable" }).threadsafe();
}

/** By plain code, in a thread that can only go on if it is awake. */
export async function awaited(address: LoopAddress): Promise<unknown> {
  const loop = new RemoteLoop(address);
  const future: ConcurrentFuture<number> = runCoroutineThreadsafe(named("double"), loop, 4);
  return await future;
}

/** Timers, processes, streams, standard input and signals, in a loop of this thread. */
export async function everything(backend: BackendName): Promise<unknown[]> {
  const noLoop = text(() => getEventLoop());
  const results = await inLoop(backend, async () => {
    const loop = getRunningLoop();
    const signal = text(() => loop.addSignalHandler("SIGUSR1", () => {}));
    const child = await createSubprocessExec("sh", "-c", "cat; exit 3", { stdin: PIPE, stdout: PIPE });
    const [output] = await child.communicate(Buffer.from("to a child"));
    const began = loop.time();
    await sleep(0.02);
    const slept = loop.time() - began >= 0.02;
    const stdin = await openStdin();
    return [loop.backend, signal, String(output), child.returncode, slept, String(await stdin.readline())];
  });
  return [noLoop, ...results];
}

/** Gives back, line by line, what one client sends. */
export async function echoServer(backend: BackendName): Promise<number> {
  return await inLoop(backend, async () => {
    let lines = 0;
    const ended = getRunningLoop().createFuture<void>();
    const server = await startServer(
      async (reader, writer) => {
        for await (const line of reader) {
          lines++;
          writer.write(line);
          await writer.drain();
        }
        writer.close();
        ended.setResult();
      },
      "127.0.0.1",
      0,
    );
    parentPort!.postMessage(server.sockets[0]!.getsockname()![1]);
    await ended;
    server.close();
    await server.waitClosed();
    return lines;
  });
}

/** Sends lines, and counts those that come back. */
export async function echoClient(backend: BackendName, port: number, count: number): Promise<number> {
  return await inLoop(backend, async () => {
    const [reader, writer] = await openConnection("127.0.0.1", port);
    let lines = 0;
    for (let n = 0; n < count; n++) {
      writer.write(`line ${n}\n`);
      if (String(await reader.readline()) === `line ${n}\n`) lines++;
    }
    writer.close();
    await writer.waitClosed();
    return lines;
  });
}
