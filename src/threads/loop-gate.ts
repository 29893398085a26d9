import type { BaseEventLoop } from "../core/base-events.ts";
import { RuntimeError } from "../core/errors.ts";
import { Caller } from "./caller.ts";
import { isClosed, type LoopAddress, newAddress, noteClosed } from "./loop-address.ts";
import { INTRODUCTION, type Introduction } from "./messages.ts";

/** The loops of this thread that others may know of, by the `id` of their address. */
const gates = new Map<string, LoopGate>();
let listening = false;

/** Where other threads come in to a loop. */
export class LoopGate {
  readonly #loop: BaseEventLoop;
  readonly #callers = new Set<Caller>();
  #address: LoopAddress | null = null;

  constructor(loop: BaseEventLoop) {
    this.#loop = loop;
  }

  /** Throws RuntimeError if the loop is closed. */
  address(): LoopAddress {
    if (this.#loop.isClosed()) throw new RuntimeError("Event loop is closed");
    if (this.#address !== null) return this.#address;
    this.#address = newAddress();
    gates.set(this.#address.id, this);
    if (!listening) process.on("workerMessage", accept);
    listening = true;
    return this.#address;
  }

  admit(introduction: Introduction): void {
    this.#callers.add(new Caller(this.#loop, introduction, (caller) => this.#callers.delete(caller)));
  }

  /** The loop is closed. */
  close(): void {
    if (this.#address === null) return;
    gates.delete(this.#address.id);
    noteClosed(this.#address);
    for (const caller of this.#callers) caller.close();
  }
}

/** A message of another thread. It may be for somebody else: another library, or another copy of this one. */
export function accept(message: unknown): void {
  if (!isIntroduction(message)) return;
  const gate = gates.get(message.id);
  if (gate !== undefined) gate.admit(message);
  else if (isClosed(message.state)) message.port.close();
}

function isIntroduction(message: unknown): message is Introduction {
  return (
    typeof message === "object" && message !== null && "kind" in message && message.kind === INTRODUCTION
  );
}
