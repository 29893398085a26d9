import { fileURLToPath } from "node:url";
import { ValueError } from "../core/errors.ts";
import { describeValue } from "../core/format-helpers.ts";

/** What is to be run: a program with its arguments, or a command for the shell. */
export interface Command {
  /** The program, or the shell's command. */
  readonly program: string;
  readonly args: readonly string[];
  readonly isShell: boolean;
}

/** The command for `program` and `args`. Throws TypeError for what is no string, ValueError for one with NUL in it. */
export function programCommand(program: string | URL, args: readonly string[]): Command {
  const checked = args.map((arg, index) => textOf(`argument ${index + 1} of the program`, arg));
  return { program: pathOf("program", program), args: checked, isShell: false };
}

/** The command for a shell: a string, or its bytes in UTF-8. Throws ValueError for anything else. */
export function shellCommand(command: string | Uint8Array): Command {
  if (typeof command !== "string" && !(command instanceof Uint8Array)) {
    throw new ValueError(`the command must be a string, not ${describeValue(command)}`);
  }
  const text = typeof command === "string" ? command : decode(command);
  return { program: textOf("the command", text), args: [], isShell: true };
}

/** What the command was, for people and for errors: the command itself, or a list of the program and its arguments. */
export function commandLine({ program, args, isShell }: Command): string | readonly string[] {
  return isShell ? program : [program, ...args];
}

/** The path that `value` is: a string, or a `file:` URL. Throws TypeError, ValueError. */
export function pathOf(name: string, value: unknown): string {
  if (value instanceof URL) return fileURLToPath(value);
  return textOf(name, value);
}

/** `value`, which must be a string that can be handed to a process. Throws TypeError, ValueError. */
export function textOf(name: string, value: unknown): string {
  if (typeof value !== "string") throw new TypeError(`${name} must be a string, not ${describeValue(value)}`);
  if (value.includes("\0")) throw new ValueError(`${name} contains NUL: ${JSON.stringify(value)}`);
  return value;
}

function decode(command: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(command);
  } catch (error) {
    throw new ValueError("the command is not UTF-8", { cause: error });
  }
}
