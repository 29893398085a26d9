import { isAnyArrayBuffer, isBoxedPrimitive, isMap, isNativeError, isSet } from "node:util/types";

/** Of longer ones many have few items: they are looked up, and not counted. */
const LONG = 1_000_000;

const NOTHING: readonly unknown[] = [];

/**
 * Throws TypeError if something in `value` would arrive as an empty object, without a word: an AbortSignal anywhere, and
 * in a process whatever only threads can copy. `moved` are those that move to another thread; null, if `value` goes to
 * another process.
 *
 * It looks at each object once, which takes a small part of the time that copying takes.
 */
export function assertIntact(value: object, moved: readonly unknown[] | null): void {
  const objects = new Set<object>([value]);
  for (const one of objects) {
    for (const part of partsOf(one, moved)) {
      if (typeof part === "object" && part !== null) objects.add(part);
    }
  }
}

/** What is copied with it. */
function partsOf(value: object, moved: readonly unknown[] | null): Iterable<unknown> {
  if (Array.isArray(value)) return value.length > LONG ? Object.values(value) : value;
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return Object.values(value);
  if (Symbol.toStringTag in prototype) return partsOfSpecial(value, moved);
  return isNativeError(value) ? [value.cause] : Object.values(value);
}

/** Other classes than those of the language are told by their tag from those whose instances are just data. */
function partsOfSpecial(value: object, moved: readonly unknown[] | null): Iterable<unknown> {
  if (isMap(value)) return [...value.keys(), ...value.values()];
  if (isSet(value)) return value;
  if (ArrayBuffer.isView(value)) return [value.buffer];
  if (isAnyArrayBuffer(value)) {
    if (moved === null && value instanceof SharedArrayBuffer)
      throw lossOf(value, "memory is shared by threads only");
    return NOTHING;
  }
  if (isBoxedPrimitive(value) || moved?.includes(value)) return NOTHING;
  if (moved === null) throw lossOf(value, "another process cannot have it");
  assertCloneable(value);
  return NOTHING;
}

/** Node copies some of its objects whole, refuses others, and takes others again for plain ones. */
function assertCloneable(value: object): void {
  let copy: object;
  try {
    copy = structuredClone(value);
  } catch (error) {
    throw lossOf(value, error instanceof Error ? error.message : String(error));
  }
  if (!(Symbol.toStringTag in copy)) throw lossOf(value, "nothing of it would be left");
}

function lossOf(value: object, why: string): TypeError {
  const name = value.constructor?.name || Object.prototype.toString.call(value).slice("[object ".length, -1);
  return new TypeError(`an object of the class ${name} cannot be copied: ${why}`);
}
