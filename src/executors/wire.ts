import type { FromWorker, ToWorker } from "./messages.ts";
import type { PortableWork } from "./work.ts";

/**
 * How messages travel. Jobs and their results, which are nearly all of them, do as lists: to copy the names of an object's
 * properties takes longer than to copy what they hold.
 */
type PackedJob = readonly [
  id: number,
  args: readonly unknown[],
  chunk: boolean,
  name: string,
  source: string | null,
  module: string,
];

type PackedResult = readonly [mark: number, id: number, value: unknown];

/** A job may post lists of its own to whoever listens, and we do. */
const RESULT = 0x726573;

export function packToWorker(message: ToWorker): PackedJob | ToWorker {
  if (message.kind !== "job") return message;
  const { id, args, chunk, work } = message;
  if (work.kind === "source") return [id, args, chunk, work.name, work.source, ""];
  return [id, args, chunk, work.name, null, work.module];
}

export function unpackToWorker(packed: PackedJob | ToWorker): ToWorker {
  if (!isList(packed)) return packed;
  const [id, args, chunk, name, source, module] = packed;
  const work: PortableWork =
    source === null ? { kind: "export", module, name } : { kind: "source", source, name };
  return { kind: "job", id, work, args, chunk };
}

export function packFromWorker(message: FromWorker): PackedResult | FromWorker {
  return message.kind === "result" ? [RESULT, message.id, message.value] : message;
}

/** A job may post what it likes, null too. */
export function unpackFromWorker(packed: PackedResult | FromWorker | null): FromWorker | null {
  if (!isList(packed)) return packed;
  const [mark, id, value] = packed;
  return mark === RESULT ? { kind: "result", id, value } : null;
}

function isList<L extends readonly unknown[]>(packed: L | ToWorker | FromWorker | null): packed is L {
  return Array.isArray(packed);
}
