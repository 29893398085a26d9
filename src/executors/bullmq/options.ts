import { inspect } from "node:util";
import type { JobsOptions } from "bullmq";
import { assertSignal } from "../../core/abort-signals.ts";
import { assertSeconds } from "../../core/callback-arguments.ts";
import { ValueError } from "../../core/errors.ts";
import { assertDuration } from "../../io/arguments.ts";

/** How long to wait before a job is tried again. */
export interface Backoff {
  /** Whether the wait stays the same, or doubles each time. */
  type: "fixed" | "exponential";
  /** The first wait, in seconds. */
  delay: number;
  /** Up to which part of it a wait may be shorter, by chance: from 0, the default, to 1. */
  jitter?: number | undefined;
}

export interface BullmqJobOptions {
  /** How many times a job that fails is tried again; 0 by default. One whose worker died is, in any case. */
  retries?: number | undefined;
  /** Seconds to wait before that; 0 by default. */
  backoff?: number | Backoff | undefined;
  /** Seconds that each attempt may take; then it fails with TimeoutError. Null, the default, for any time. */
  timeout?: number | null | undefined;
  /** From 1, the first, to 2,097,151, the last; 0, the default, comes before all of them. */
  priority?: number | undefined;
  /** Seconds after which the job may begin at the earliest; 0 by default. */
  delay?: number | undefined;
  /**
   * The id of the job; by default a new UUID. If the queue has a job of that id, nothing is submitted, and the future is
   * that of the job. It must not be a whole number or contain a colon.
   */
  jobId?: string | undefined;
  /** Seconds for which the outcome can be picked up, at least; a day by default. */
  keep?: number | undefined;
  /** Cancels the job when it aborts. */
  signal?: AbortSignal | undefined;
}

const DAY = 24 * 60 * 60;

/** BullMQ's, 2^21 - 1. */
const LAST_PRIORITY = 2_097_151;

/** Throws TypeError or ValueError for options that make no sense. */
export function assertJobOptions(options: BullmqJobOptions): void {
  const { retries, backoff, timeout, priority, delay, jobId, keep, signal } = options;
  if (retries !== undefined) assertInteger(retries, "retries", Number.MAX_SAFE_INTEGER);
  if (priority !== undefined) assertInteger(priority, "priority", LAST_PRIORITY);
  if (delay !== undefined) assertDuration("delay", delay);
  if (timeout != null) assertPositive(timeout, "timeout");
  if (keep !== undefined) assertPositive(keep, "keep");
  if (backoff !== undefined) assertBackoff(backoff);
  if (jobId !== undefined) assertJobId(jobId);
  if (signal !== undefined) assertSignal(signal);
}

/** The same in BullMQ's terms. */
export function jobsOptions(id: string, options: BullmqJobOptions): JobsOptions {
  const { retries = 0, backoff = 0, priority = 0, delay = 0, keep = DAY } = options;
  const { type, delay: wait, jitter } = typeof backoff === "number" ? fixed(backoff) : backoff;
  return {
    jobId: id,
    attempts: retries + 1,
    backoff: { type, delay: milliseconds(wait), ...(jitter !== undefined && { jitter }) },
    priority,
    delay: milliseconds(delay),
    removeOnComplete: { age: Math.ceil(keep) },
    removeOnFail: { age: Math.ceil(keep) },
  };
}

function fixed(delay: number): Backoff {
  return { type: "fixed", delay };
}

function milliseconds(seconds: number): number {
  return Math.round(seconds * 1000);
}

function assertInteger(value: unknown, name: string, last: number): void {
  if (!Number.isInteger(value)) throw new TypeError(`${name} must be an integer, not ${inspect(value)}`);
  if (Number(value) < 0 || Number(value) > last) {
    throw new ValueError(`${name} must be from 0 to ${last}, not ${value}`);
  }
}

function assertPositive(value: number, name: string): void {
  assertSeconds(value, name);
  if (value <= 0) throw new ValueError(`${name} must be greater than 0, not ${value}`);
}

function assertBackoff(backoff: number | Backoff): void {
  if (typeof backoff === "number") {
    assertDuration("backoff", backoff);
    return;
  }
  if (typeof backoff !== "object" || backoff === null) {
    throw new TypeError(`backoff must be seconds or { type, delay }, not ${inspect(backoff)}`);
  }
  const { type, delay, jitter = 0 } = backoff;
  if (!["fixed", "exponential"].includes(type)) {
    throw new ValueError(`backoff.type must be "fixed" or "exponential", not ${inspect(type)}`);
  }
  assertDuration("backoff.delay", delay);
  assertSeconds(jitter, "backoff.jitter");
  if (jitter < 0 || jitter > 1) throw new ValueError(`backoff.jitter must be from 0 to 1, not ${jitter}`);
}

function assertJobId(id: unknown): void {
  if (typeof id !== "string") throw new TypeError(`jobId must be a string, not ${inspect(id)}`);
  if (id !== "" && !id.includes(":") && !/^-?\d+$/.test(id)) return;
  throw new ValueError(`jobId must not be empty, a whole number, or contain a colon: ${inspect(id)}`);
}
