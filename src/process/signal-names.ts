import { constants } from "node:os";
import { ValueError } from "../core/errors.ts";
import { describeValue } from "../core/format-helpers.ts";

const numbers: Readonly<Record<string, number>> = constants.signals;

/** The highest signal number there is: Linux's SIGRTMAX; other systems have fewer. */
const HIGHEST = 64;

/** The number of a signal that is named or numbered; 0 sends none. Throws TypeError or ValueError for what is no signal. */
export function signalNumber(signal: number | string): number {
  if (typeof signal === "string") return numberOf(signal);
  if (typeof signal !== "number" || !Number.isInteger(signal)) {
    throw new TypeError(`a signal is a number, or a name such as "SIGTERM", not ${describeValue(signal)}`);
  }
  if (signal >= 0 && signal <= HIGHEST) return signal;
  throw new ValueError(`invalid signal number: ${signal}`);
}

/** The name of a signal; null where Node knows none, as for real-time signals. */
export function signalName(number: number): NodeJS.Signals | null {
  const found = Object.entries(numbers).find(([, value]) => value === number);
  return (found?.[0] as NodeJS.Signals | undefined) ?? null;
}

function numberOf(name: string): number {
  const number = Object.hasOwn(numbers, name) ? numbers[name] : undefined;
  if (number === undefined) throw new ValueError(`unknown signal: ${JSON.stringify(name)}`);
  return number;
}
