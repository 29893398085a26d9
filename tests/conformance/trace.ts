import { SystemExit } from "../../src/index.ts";
import { formatError } from "./errors.ts";
import type { Json, Line } from "./scenario.ts";

/** No scenario leaves so many lines, unless something is wrong and it runs for ever: then it is ended. */
const MAX_LINES = 100_000;

/** What a run leaves behind. Once sealed it takes no more: what an abandoned program still does is nobody's business. */
export class Trace {
  readonly #lines: Line[] = [];
  #sealed = false;

  /** `time` in seconds, as the loop has it. */
  log(time: number, who: string, event: string, details: readonly unknown[]): void {
    if (this.#sealed) return;
    if (this.#lines.length >= MAX_LINES) throw new SystemExit(1);
    this.#lines.push([Math.round(time * 1000), who, event, ...details.map(formatValue)]);
  }

  seal(): readonly Line[] {
    this.#sealed = true;
    return this.#lines;
  }
}

/** A value as a trace writes it. What is nothing in JavaScript is None in Python. */
function formatValue(value: unknown): Json {
  if (value === undefined || value === null) return null;
  if (value instanceof Error) return `!${formatError(value)}`;
  if (Array.isArray(value)) return value.map(formatValue);
  if (typeof value === "object" || typeof value === "function") return `a ${value.constructor.name}`;
  return value as Json;
}
