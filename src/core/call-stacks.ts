import vm from "node:vm";
import {
  currentStack,
  isLibrary,
  isPlumbing,
  isStrand,
  parseStack,
  type StackFrame,
} from "./stack-frames.ts";

/** Frames more than this are left out of a stack. */
const MAXIMUM_DEPTH = 200;

/** The frames of the task that runs now, innermost first. */
export function runningStack(): StackFrame[] {
  const frames = currentStack(MAXIMUM_DEPTH);
  const top = frames.findIndex((frame) => !isLibrary(frame));
  const bottom = frames.findIndex(isStrand);
  return withoutPlumbing(frames.slice(Math.max(top, 0), bottom < 0 ? undefined : bottom));
}

/** The frames that an error has come through, innermost first. */
export function stackOfError(error: unknown): StackFrame[] {
  const stack = error instanceof Error ? error.stack : undefined;
  return typeof stack === "string" ? withoutPlumbing(parseStack(stack)) : [];
}

/*
 * Where suspended code stands. JavaScript has no way to ask, and to note the stack at each wait would cost more than
 * the wait; so here both flavours are made to tell it on demand, and cost nothing until then.
 */

let answer: ((stack: StackFrame[]) => void) | null = null;

/**
 * Asked by the iterators at the bottom of a `yield*` chain each time they are resumed. True means: this was only a
 * question, which has been answered; yield the same again.
 */
export function isQuestion(): boolean {
  if (answer === null) return false;
  answer(currentStack(MAXIMUM_DEPTH));
  return true;
}

/**
 * The frames of a chain of generators that waits at an iterator of ours, innermost first. The chain is resumed, so
 * that it stands on the stack, and the iterator at its bottom yields again what it had yielded.
 */
export function generatorStack(iterator: Iterator<unknown>): StackFrame[] {
  let frames: StackFrame[] = [];
  const outside = currentStack(MAXIMUM_DEPTH).length;
  answer = (stack) => {
    frames = stack.slice(0, -outside);
  };
  try {
    iterator.next();
  } finally {
    answer = null;
  }
  return withoutPlumbing(frames);
}

/**
 * The frames of the async functions that wait for the promise of these two, innermost first.
 *
 * V8 puts onto an error's stack who waits for the promise of the microtask that runs. So a microtask is run whose
 * promise would settle theirs, were it ever settled; in a context with a queue of its own, where that can be done now.
 */
export function asyncStack(resolve: unknown, reject: unknown): StackFrame[] {
  let frames: StackFrame[] = [];
  const capture = () => {
    frames = currentStack(MAXIMUM_DEPTH).filter(({ isAsync }) => isAsync);
  };
  room ??= vm.createContext({}, { microtaskMode: "afterEvaluate" });
  Object.assign(room, { capture, resolve, reject });
  question ??= new vm.Script(ASK);
  question.runInContext(room);
  Object.assign(room, { capture: null, resolve: null, reject: null });
  return withoutPlumbing(frames);
}

let room: vm.Context | null = null;
let question: vm.Script | null = null;

const ASK = `
  Promise.resolve().then(() => { capture(); return new Promise(() => {}); }).then(resolve, reject);
  undefined;
`;

function withoutPlumbing(frames: StackFrame[]): StackFrame[] {
  return frames.filter((frame) => !isPlumbing(frame));
}
