import type { Job } from "bullmq";
import { BrokenExecutor } from "../../core/errors.ts";
import { decodeError, type PortableError } from "../remote-errors.ts";
import { decodeValue, type JobData, type ReturnValue } from "./payload.ts";

/** How far a job is. */
export type Outcome =
  | { readonly kind: "queued" | "begun" | "cancelled" }
  | { readonly kind: "result"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: unknown };

export function outcomeOf(job: Job<JobData, ReturnValue | null>): Outcome {
  if (job.finishedOn === undefined) return { kind: job.processedOn === undefined ? "queued" : "begun" };
  const { returnvalue } = job;
  if (returnvalue === null) return failureOf(job);
  const encoded = "value" in returnvalue ? returnvalue.value : (job.data.result ?? "");
  return resultOf(encoded);
}

/** One that cannot be read, from a worker whose Node is much newer, is an error: somebody waits. */
export function resultOf(encoded: string): Outcome {
  try {
    return { kind: "result", value: decodeValue(encoded) };
  } catch (cause) {
    return { kind: "error", error: new TypeError("the result of the job cannot be read", { cause }) };
  }
}

function failureOf({ id, data: { work, failure }, failedReason }: Job<JobData>): Outcome {
  if (failure === undefined || failure.reason !== failedReason) {
    const lost = `the job ${id}, ${work.name}(), has failed without an error of its own: ${failedReason}`;
    return { kind: "error", error: new BrokenExecutor(lost) };
  }
  if (failure.error === null) return { kind: "cancelled" };
  const decoded = resultOf(failure.error);
  if (decoded.kind !== "result") return decoded;
  return { kind: "error", error: decodeError(decoded.value as PortableError) };
}
