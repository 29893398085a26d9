import { KeyboardInterrupt, SystemExit } from "../core/errors.ts";

/** Who does not read what we print must not keep us from exiting. */
const PATIENCE_MILLISECONDS = 1000;

/** Exit when all that was printed to stderr has left the process: `process.exit` drops what a full pipe does not take. */
export function exitWhenPrinted(code: number): void {
  const exit = () => process.exit(code);
  setTimeout(exit, PATIENCE_MILLISECONDS);
  process.stderr.write("", exit);
}

let installed = false;

/**
 * From now on, an uncaught SystemExit ends the process with its code, and without a word; an uncaught KeyboardInterrupt
 * is shown, and ends it with 130. Node would show both, and exit with 1. A program that handles uncaught errors itself
 * is left alone.
 */
export function exitAsPython(): void {
  if (installed) return;
  installed = true;
  process.on("uncaughtExceptionMonitor", onUncaught);
}

function onUncaught(error: unknown): void {
  const isHandled =
    process.listenerCount("uncaughtException") > 0 || process.hasUncaughtExceptionCaptureCallback();
  if (isHandled) return;
  if (error instanceof SystemExit) process.exit(error.exitCode);
  if (error instanceof KeyboardInterrupt) process.once("exit", () => (process.exitCode = 130));
}
