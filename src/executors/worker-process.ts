import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { assertIntact } from "./intact.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { PoolWorker, WorkerListener } from "./pool-worker.ts";
import { inheritedFlags, programOf } from "./programs.ts";
import { packToWorker, unpackFromWorker } from "./wire.ts";

/** Milliseconds for a process to end by itself. */
const PATIENCE = 500;

/** A pipe that the worker watches: when it ends, so has this process. */
const LIFELINE = 4;

export const FIRST_INHERITED = 5;

export interface ProcessOptions {
  readonly env: NodeJS.ProcessEnv | undefined;
  readonly execArgv: readonly string[] | undefined;
  /** What it gets besides, as its descriptors from {@link FIRST_INHERITED} on. */
  readonly descriptors?: readonly number[];
}

/** A child process that is a worker. */
export class WorkerProcess implements PoolWorker {
  readonly #child: ChildProcess;
  #force: NodeJS.Timeout | undefined;

  constructor(
    { env, execArgv = inheritedFlags(), descriptors = [] }: ProcessOptions,
    listener: WorkerListener,
  ) {
    const { fork } = process.getBuiltinModule("node:child_process");
    this.#child = fork(fileURLToPath(programOf("process")), {
      serialization: "advanced",
      execArgv: [...execArgv],
      stdio: ["ignore", "inherit", "inherit", "ipc", "pipe", ...descriptors],
      ...(env && { env }),
    });
    // The child closes it by ending, which is no error of ours. Without descriptors for a process there is none.
    const lifeline = this.#child.stdio?.[LIFELINE] as Socket | undefined;
    lifeline?.on("error", () => {}).unref();
    this.#child.on("message", (packed) =>
      listener.onMessage(unpackFromWorker(packed as unknown as FromWorker | null)),
    );
    let error: unknown = null;
    this.#child.on("error", (cause) => {
      error = cause;
      if (this.#child.pid === undefined) listener.onEnd({ how: "could not be started", error });
    });
    this.#child.on("exit", (code, signal) => {
      clearTimeout(this.#force);
      const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
      listener.onEnd({ how, error });
    });
  }

  get name(): string {
    return `worker process ${this.#child.pid}`;
  }

  get id(): number {
    return this.#child.pid ?? -1;
  }

  post(message: ToWorker): void {
    const packed = packToWorker(message);
    assertIntact(packed, null);
    // That it has ended meanwhile, its exit tells; that it could not be started, its error.
    if (this.#child.connected) this.#child.send(packed, () => {});
  }

  hold(held: boolean): void {
    if (held) this.#child.ref();
    else this.#child.unref();
    if (held) this.#child.channel?.ref();
    else this.#child.channel?.unref();
  }

  end(): void {
    this.hold(true);
    this.post({ kind: "exit" });
    this.#force ??= setTimeout(() => this.kill("SIGKILL"), PATIENCE);
  }

  kill(signal: NodeJS.Signals): void {
    this.hold(true);
    this.#child.kill(signal);
  }
}
