import { DEBUG_STACK_DEPTH } from "./constants.ts";
import { isLibrary, parseStack, type StackFrame, stackText } from "./stack-frames.ts";

/** How many frames of the library may stand above the program's own, where something is made. */
const LIBRARY_DEPTH = 15;

/**
 * Where something was made, for debug mode. Most are never looked at, so it is kept as text: the error object that it
 * comes from would hold on to every `this` on the stack. Python: `_source_traceback`.
 */
export class CreationStack {
  #text: string | null;
  #frames: readonly StackFrame[] = [];

  private constructor(text: string) {
    this.#text = text;
  }

  static here(): CreationStack {
    return new CreationStack(stackText(DEBUG_STACK_DEPTH + LIBRARY_DEPTH));
  }

  /** The program's part of it, innermost first. Empty where nobody called, because JavaScript went on by itself. */
  get frames(): readonly StackFrame[] {
    if (this.#text !== null) {
      const frames = parseStack(this.#text).filter((frame) => !isLibrary(frame));
      this.#frames = frames.slice(0, DEBUG_STACK_DEPTH);
      this.#text = null;
    }
    return this.#frames;
  }
}

/** Objects of `Class` get a stack of their own in debug mode; without it, a field that is null in each would be a waste. */
export function untraced(Class: { prototype: { readonly sourceTraceback: CreationStack | null } }): void {
  Object.assign(Class.prototype, { sourceTraceback: null });
}

/** For `toString`: who made it, if that is known. */
export function createdAt(stack: CreationStack | null): string[] {
  return framesOf(stack)
    .slice(0, 1)
    .map(({ place }) => `created at ${place}`);
}

/** For an exception context: the stack as text, if it is known. */
export function sourceTraceback(stack: CreationStack | null): { sourceTraceback?: string } {
  const frames = framesOf(stack);
  return frames.length > 0 ? { sourceTraceback: format(frames) } : {};
}

/** For a log: the message, with the stack below it if that is known. */
export function withCreationStack(message: string, stack: CreationStack | null): string {
  const frames = framesOf(stack);
  return frames.length > 0 ? `${message}\n${CREATED_AT}\n${format(frames)}` : message;
}

export const CREATED_AT = "created at (most recent call first):";

function framesOf(stack: CreationStack | null): readonly StackFrame[] {
  return stack?.frames ?? [];
}

function format(frames: readonly StackFrame[]): string {
  return frames.map((frame) => `    at ${frame}`).join("\n");
}
