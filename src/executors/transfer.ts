import { inspect, types } from "node:util";
import type { Transferable } from "node:worker_threads";
import { ValueError } from "../core/errors.ts";

/** What moves with a value when that is sent. */
const moving = new WeakMap<object, readonly Transferable[]>();

/**
 * Have `value`, an argument or the result of a job, be moved to the other thread, and not copied: it is gone here then.
 * Returns it, to be passed or returned at once: `pool.submit(work, transfer(buffer))`, `return transfer(buffer)`.
 *
 * What moves is `list`: buffers, ports, streams; by default `value` itself, or the buffer of which it is a view. To another
 * process nothing can be moved: it is copied, as it is without this. Throws TypeError if `value` is no object, ValueError
 * if there is no `list` and `value` is one that cannot be moved.
 */
export function transfer<T extends object>(value: T, list?: readonly Transferable[]): T {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(`only an object can be moved, not ${inspect(value)}`);
  }
  moving.set(value, list ?? [movable(value)]);
  return value;
}

/** What moves with `values`; they are not marked any more. */
export function transferList(values: readonly unknown[]): Transferable[] {
  const list = new Set<Transferable>();
  for (const value of values) {
    if (typeof value !== "object" || value === null) continue;
    for (const one of moving.get(value) ?? []) list.add(one);
    moving.delete(value);
  }
  return [...list];
}

function movable(value: object): Transferable {
  const whole = ArrayBuffer.isView(value) ? value.buffer : value;
  if (whole instanceof SharedArrayBuffer || Array.isArray(whole) || isPlain(whole)) {
    throw new ValueError(
      `${inspect(value, { depth: 0 })} cannot be moved: name what is, transfer(value, [buffer])`,
    );
  }
  return whole as Transferable;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || types.isMap(value) || types.isSet(value);
}
