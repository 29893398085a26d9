import { Inspectable } from "./inspectable.ts";

/** A place on a call stack. Python: a frame object. */
export class StackFrame extends Inspectable {
  /** The function's name, as V8 shows it; `<anonymous>` if it has none. */
  readonly functionName: string;
  /** The file's path or URL, or null where it is not known. */
  readonly file: string | null;
  /** From 1, or null. */
  readonly line: number | null;
  /** From 1, or null. */
  readonly column: number | null;
  /** Whether the function waits there in an `await`. */
  readonly isAsync: boolean;

  /** @internal `place` is `file:line:column`, or what else V8 says there. */
  constructor(functionName: string, place = "", isAsync = false) {
    super();
    const [, file, line, column] = /^(.+?):(\d+):(\d+)$/.exec(place) ?? [];
    this.functionName = functionName || "<anonymous>";
    this.file = file ?? (place === "" || place === "<anonymous>" ? null : place);
    this.line = line === undefined ? null : Number(line);
    this.column = column === undefined ? null : Number(column);
    this.isAsync = isAsync;
  }

  /** Where it is: `file:line:column`, as far as that is known. */
  get place(): string {
    return [this.file ?? "<unknown>", this.line, this.column].filter((part) => part !== null).join(":");
  }

  /** As a line of a stack trace: `async work (file:///app/main.ts:12:3)`. */
  toString(): string {
    return `${this.isAsync ? "async " : ""}${this.functionName} (${this.place})`;
  }
}

/** The frames of an error's `stack`, innermost first. */
export function parseStack(stack: string): StackFrame[] {
  const lines = stack.split("\n").filter((line) => /^\s+at /.test(line));
  return lines.map(parseFrame);
}

function parseFrame(line: string): StackFrame {
  const text = line.trim().slice("at ".length);
  const isAsync = text.startsWith("async ");
  const rest = isAsync ? text.slice("async ".length) : text;
  const paren = rest.endsWith(")") ? rest.indexOf(" (") : -1;
  if (paren < 0) return new StackFrame("", rest, isAsync);
  return new StackFrame(rest.slice(0, paren), rest.slice(paren + 2, -1), isAsync);
}

/** The stack here, of at most `depth` frames, innermost first; whatever the program has set for its own errors. */
export function currentStack(depth: number): StackFrame[] {
  return parseStack(stackText(depth + 2)).slice(2);
}

/** The stack here as text, this function's own frame included. To look into it costs as much again as to take it down. */
export function stackText(depth: number): string {
  const settings: { stackTraceLimit: number; prepareStackTrace?: unknown } = Error;
  const { stackTraceLimit, prepareStackTrace } = settings;
  settings.stackTraceLimit = depth;
  settings.prepareStackTrace = undefined;
  const { stack = "" } = new Error();
  settings.stackTraceLimit = stackTraceLimit;
  settings.prepareStackTrace = prepareStackTrace;
  return stack;
}

const CORE = directoryOf(".");
const LIBRARY = directoryOf("..");

/** Whether the frame is of the kernel or of Node: what users do not care to see. */
export function isPlumbing({ file }: StackFrame): boolean {
  return file === null || file.startsWith("node:") || isIn(CORE, file);
}

/** Whether there the strand begins that runs the code above it. By its name: the built kernel is one file. */
export function isStrand({ functionName, file }: StackFrame): boolean {
  return file !== null && isIn(CORE, file) && functionName.startsWith("Strand.");
}

/** Whether the frame is of this library, or of Node. */
export function isLibrary(frame: StackFrame): boolean {
  return isPlumbing(frame) || isIn(LIBRARY, frame.file!);
}

function isIn(directory: URL | null, file: string): boolean {
  return directory !== null && (file.startsWith(directory.href) || file.startsWith(directory.pathname));
}

/** Null where a program was bundled with this module: its directory then holds the program too. */
function directoryOf(relative: string): URL | null {
  return /\/core\/(stack-frames\.ts|kernel\.js)$/.test(import.meta.url)
    ? new URL(relative, import.meta.url)
    : null;
}
