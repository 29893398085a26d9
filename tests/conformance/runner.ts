import type { Flavour } from "../flavours.ts";
import { firstDifference, showDifference } from "./compare.ts";
import { runScenario } from "./harness.ts";
import { missingClass } from "./objects.ts";
import type { Line, Recording } from "./scenario.ts";

export type Verdict =
  | { readonly kind: "passed" }
  | { readonly kind: "skipped"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

/** A run that takes longer than this hangs: its time is virtual, so it should take milliseconds. */
const PATIENCE_MS = 10_000;

/** Replay a recording, and judge the trace. */
export async function replay({ scenario, trace }: Recording, flavour: Flavour): Promise<Verdict> {
  const missing = missingClass(scenario);
  if (missing !== null) return { kind: "skipped", reason: `needs ${missing}` };

  const strays = new Strays();
  try {
    const actual = await withinPatience(runScenario(scenario, flavour));
    await strays.settled();
    if (strays.first !== null) throw strays.first;
    return judge(trace, actual);
  } catch (error) {
    return { kind: "failed", reason: `  the run broke: ${describe(error)}` };
  } finally {
    strays.stop();
  }
}

function judge(expected: readonly Line[], actual: readonly Line[]): Verdict {
  const index = firstDifference(expected, actual);
  if (index === null) return { kind: "passed" };
  const lengths = `${expected.length} expected, ${actual.length} actual`;
  const reason = `  line ${index + 1} differs (${lengths})\n${showDifference(expected, actual, index)}`;
  return { kind: "failed", reason };
}

async function withinPatience<T>(run: Promise<T>): Promise<T> {
  const { promise: hung, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no end after ${PATIENCE_MS} ms`)), PATIENCE_MS);
  try {
    return await Promise.race([run, hung]);
  } finally {
    clearTimeout(timer);
  }
}

/** Promises rejected with nobody to notice, while a scenario runs: the implementation must leave none. */
class Strays {
  first: Error | null = null;
  readonly #listener = (reason: unknown) => {
    this.first ??= new Error(`unhandled rejection: ${describe(reason)}`);
  };

  constructor() {
    process.on("unhandledRejection", this.#listener);
  }

  /** Node tells of them once microtasks and ticks are done. */
  settled(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  stop(): void {
    process.off("unhandledRejection", this.#listener);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
