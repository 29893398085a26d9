import type { PortableCall } from "../executors/messages.ts";
import { programOf } from "../executors/programs.ts";
import type { PortableWork } from "../executors/work.ts";
import type { ServeSettings } from "./options.ts";

/** What a worker is told at its start. */
export interface WorkerSetup {
  readonly handler: PortableWork;
  readonly initializer: PortableCall | null;
  readonly server: ServeSettings["server"];
  readonly backend: "native" | "portable" | undefined;
  /** Where to listen. */
  readonly descriptors: readonly number[];
  /** Whether the descriptors are those of whoever started the worker, which is a thread. */
  readonly borrowed: boolean;
}

/** What a worker can be asked for: the exports of its program. */
export type WorkerCall = "listen" | "untilTerminated" | "stopAccepting" | "drain";

export function workerCall(name: WorkerCall): PortableWork {
  return { kind: "export", module: programOf("serve").href, name };
}
