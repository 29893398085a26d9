import { constants } from "node:os";
import { ValueError } from "../core/errors.ts";
import { describeValue } from "../core/format-helpers.ts";

const numbers: Readonly<Record<string, number>> = constants.signals;

/**
 * The number of a signal that is named or numbered; whether there is a signal of that number, nobody asks here. Throws
 * TypeError for what is neither a name nor an integer, ValueError for the name of none.
 */
export function signalNumber(signal: number | string): number {
  if (typeof signal === "string") return numberOf(signal);
  if (Number.isInteger(signal)) return signal;
  throw new TypeError(`a signal is a number, or a name such as "SIGTERM", not ${describeValue(signal)}`);
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
