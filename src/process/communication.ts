import { gatherAll } from "../concurrency/gather.ts";
import { sleep } from "../concurrency/sleep.ts";
import type { BaseEventLoop } from "../core/base-events.ts";
import { ValueError } from "../core/errors.ts";
import { logger } from "../core/log.ts";
import type { Task } from "../core/tasks.ts";
import type { Waiting } from "../io/backend.ts";
import type { StreamReader } from "../io/stream-reader.ts";
import type { StreamWriter } from "../io/stream-writer.ts";
import type { BaseSubprocessTransport } from "./base-subprocess.ts";

/** The streams of a process. */
export interface Streams {
  readonly stdin: StreamWriter | null;
  readonly stdout: StreamReader | null;
  readonly stderr: StreamReader | null;
}

/** What a process wrote to stdout and to stderr; null for what is no pipe. */
export type Output = [stdout: Buffer | null, stderr: Buffer | null];

/** The work of `Process.communicate`, which can be cancelled, and taken up again by another call. */
export class Communication {
  readonly #loop: BaseEventLoop;
  readonly #transport: BaseSubprocessTransport;
  readonly #streams: Streams;
  #hasInput = false;
  /** What was read to its end by a call that was cancelled then. */
  readonly #whole = new Map<StreamReader, Buffer>();

  constructor(loop: BaseEventLoop, transport: BaseSubprocessTransport, streams: Streams) {
    this.#loop = loop;
    this.#transport = transport;
    this.#streams = streams;
  }

  /** Cancel safety: what was read stays in the readers, or here. */
  *run(input: Uint8Array | null, drain: number): Waiting<Output> {
    this.#feed(input);
    const { stdout, stderr } = this.#streams;
    const readers = [stdout, stderr].filter((reader) => reader !== null);
    const tasks = readers
      .filter((reader) => !this.#whole.has(reader))
      .map((reader) => this.#loop.createTask(this.#readAll(reader)));
    const bound = this.#loop.createTask(this.#closeAfter(drain));
    try {
      yield* gatherAll(tasks, false);
    } finally {
      yield* endAll([bound, ...tasks]);
    }
    yield* this.#transport.exited();
    return [this.#take(stdout), this.#take(stderr)];
  }

  /** All of it at once: what the pipe does not take is sent in the background, also if nobody waits here any more. */
  #feed(input: Uint8Array | null): void {
    const { stdin } = this.#streams;
    if (input !== null && this.#hasInput) throw new ValueError("communicate() was given its input before");
    if (stdin === null) return;
    if (input !== null) this.#log(`feed stdin (${input.length} bytes)`);
    this.#hasInput ||= input !== null;
    if (input !== null) stdin.write(input);
    stdin.close();
  }

  *#readAll(reader: StreamReader): Waiting<void> {
    this.#whole.set(reader, yield* reader.read());
  }

  /** What the process has started may hold its pipes open for ever. */
  *#closeAfter(drain: number): Waiting<void> {
    if (drain === Number.POSITIVE_INFINITY) return;
    yield* this.#transport.exited();
    yield* sleep(drain);
    this.#log("give up the pipes, which somebody holds open");
    for (const fd of [1, 2] as const) this.#transport.getPipeTransport(fd)?.close();
  }

  #take(reader: StreamReader | null): Buffer | null {
    if (reader === null) return null;
    // Another call that waited as well may have taken it.
    const output = this.#whole.get(reader) ?? Buffer.alloc(0);
    this.#whole.delete(reader);
    return output;
  }

  #log(what: string): void {
    if (this.#loop.getDebug()) logger.debug(`${this.#transport} communicate: ${what}`);
  }
}

/** Cancel those that are not done, and see to it that they are before we go on. */
function* endAll(tasks: readonly Task<void>[]): Waiting<void> {
  const pending = tasks.filter((task) => !task.done());
  for (const task of pending) task.cancel();
  if (pending.length > 0) yield* gatherAll(pending, true);
}
