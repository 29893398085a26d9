import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { type TestContext, type TestOptions, test } from "node:test";
import { EventLoop } from "../../../src/index.ts";
import { type Flavour, flavours, type Steps } from "../../flavours.ts";
import { skip } from "./support.ts";

/** What a test on real sockets is given. */
export interface NativeBench extends Flavour {
  readonly loop: EventLoop;
  readonly t: TestContext;
}

/** Seconds after which a test that waits for something gives up; none comes near it. */
const PATIENCE = 60;

/**
 * Register a test per flavour. Its body runs as the main coroutine of a fresh loop of the native backend; it must leave
 * no file open, and nothing for the exception handler.
 */
export function inEachFlavourNatively(
  name: string,
  body: (bench: NativeBench) => Steps<unknown>,
  options: TestOptions = {},
): void {
  for (const flavour of flavours) {
    const title = `${name} (${flavour.name})`;
    test(title, { skip, timeout: 1000 * PATIENCE, ...options }, async (t) => {
      const loop = new EventLoop({ backend: "native" });
      const reports: unknown[] = [];
      loop.setExceptionHandler((_loop, context) => reports.push(context));
      const before = openFiles();
      try {
        await loop.runUntilComplete(flavour.coroutine(body)({ ...flavour, loop, t }));
        assert.ok(openFiles() <= before, "a file is left open");
      } finally {
        if (!loop.isRunning()) loop.close();
      }
      assert.deepEqual(reports, [], "the exception handler was told of these");
    });
  }
}

/** How many files this process has open. */
function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
}
