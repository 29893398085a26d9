import type { Socket } from "node:dgram";
import { Deque } from "../../sync/deque.ts";
import type { Address } from "../address.ts";
import { addressOf } from "./addresses.ts";
import { fromNode } from "./errors.ts";

/** A datagram with its sender, or what the system reported. */
export type Arrival = readonly [data: Buffer, sender: Address | null] | Error;

/** What came in at a socket of Node's and was not delivered yet. Nothing is lost before somebody takes it. */
export class Arrivals {
  /** Called for each one. */
  onArrival: () => void = () => {};
  #queue = new Deque<Arrival>();
  #ended = false;

  constructor(socket: Socket) {
    socket.on("message", (data, { address, port }) => this.#push([data, addressOf(address, port)]));
    // It stays: an error that comes after the end is not to be Node's "uncaught exception".
    socket.on("error", (error) => this.#push(fromNode(error)));
  }

  isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** The oldest one. Only where there is one. */
  shift(): Arrival {
    return this.#queue.shift();
  }

  /** Drop what is there, and all that comes. */
  end(): void {
    this.#ended = true;
    this.#queue = new Deque();
  }

  #push(arrival: Arrival): void {
    if (this.#ended) return;
    this.#queue.push(arrival);
    this.onArrival();
  }
}
