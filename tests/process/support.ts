import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { type TestOptions, test } from "node:test";
import {
  createSubprocessExec,
  type EventLoop,
  type ExceptionContext,
  PIPE,
  type Process,
  sleep,
  timeout,
} from "../../src/index.ts";
import { type Flavour, flavours, type Steps } from "../flavours.ts";
import { backends, idle } from "../io/backends.ts";

/** What a test is given. */
export interface World extends Flavour {
  readonly loop: EventLoop;
  readonly backend: "native" | "portable";
  /** What the loop's exception handler was told. A test takes out what it expects; what is left fails it. */
  readonly reports: ExceptionContext[];
}

/** Seconds after which a test that waits for something gives up; none comes near it. */
const PATIENCE = 300;

/** False, or why a test is skipped: it uses Unix's programs, and counts what is open by way of /proc. */
export const skip: false | string = process.platform === "linux" ? false : "it is for Linux";

/**
 * Register a test per backend and flavour. Its body runs as the main coroutine of a fresh loop; it must leave no process,
 * no open file, and nothing for the exception handler.
 */
export function inEachWorld(
  name: string,
  body: (world: World) => Steps<unknown>,
  options: TestOptions = {},
): void {
  for (const backend of backends) {
    for (const flavour of flavours) {
      const title = `${name} (${backend.name}, ${flavour.name})`;
      const why = skip || backend.skip || (options.skip ?? false);
      test(title, { ...options, skip: why }, async () => {
        await warmUp(backend.makeLoop());
        const before = openFiles();
        const loop = backend.makeLoop();
        const reports: ExceptionContext[] = [];
        loop.setExceptionHandler((_loop, context) => reports.push(context));
        try {
          const world = { ...flavour, loop, backend: backend.name, reports };
          await loop.runUntilComplete(() => timeout(PATIENCE, () => flavour.coroutine(body)(world)));
          assert.deepEqual(children(), [], "processes are left");
        } finally {
          if (!loop.isRunning()) loop.close();
        }
        await settled(before);
        assert.deepEqual(reports, [], "the exception handler was told of these");
      });
    }
  }
}

/** The first process of all, and the first of its backend, open files that stay. */
async function warmUp(loop: EventLoop): Promise<void> {
  await loop.runUntilComplete(async () => {
    const options = { stdin: PIPE, stdout: PIPE, stderr: PIPE };
    await (await createSubprocessExec("true", options)).communicate();
  });
  loop.close();
  await idle();
}

/** Node closes files in a later turn. */
async function settled(before: number): Promise<void> {
  for (let i = 0; i < 100 && openFiles() > before; i++) await idle();
  assert.ok(openFiles() <= before, "a file is left open");
}

/** How many files this process has open. */
export function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
}

/** The pids of this process's children, zombies included. */
export function children(): number[] {
  return readdirSync("/proc/self/task").flatMap((thread) => {
    const pids = readFileSync(`/proc/self/task/${thread}/children`, "utf8").trim();
    return pids === "" ? [] : pids.split(" ").map(Number);
  });
}

/** Whether there is such a process, and it is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Wait until that is so: what is waited for is on its way, but not in this loop. */
export function* until(on: Flavour["on"], condition: () => boolean): Steps<void> {
  while (!condition()) yield* on(sleep(0.005));
}

/** The next line of its stdout, without the end of the line. */
export function* line(on: Flavour["on"], process: Process): Steps<string> {
  return String(yield* on(process.stdout!.readline())).trimEnd();
}

/** A shell that says "ready" when it ignores SIGTERM, and runs until it is killed. */
export const STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
