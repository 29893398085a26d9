import { NotImplementedError } from "../core/errors.ts";
import type { Address } from "../io/address.ts";
import type { Waiting } from "../io/backend.ts";
import { nativeAvailable } from "../io/native/libc.ts";
import { bindAll } from "../io/native/listening.ts";
import type { Socket } from "../io/native/socket.ts";
import type { ServeSettings } from "./options.ts";

/**
 * The sockets that workers listen at: for each place of a worker one for each address, all at the same port. They stay
 * open here, whatever becomes of the workers, so that the connections that wait at one are there for the next worker.
 */
export class Ports {
  readonly addresses: readonly Address[];
  readonly #places: readonly (readonly Socket[])[];

  constructor(places: readonly (readonly Socket[])[]) {
    this.#places = places;
    this.addresses = places[0]!.map((sock) => sock.getsockname());
  }

  /** The descriptors for a worker. */
  descriptors(place: number): number[] {
    return this.#places[place]!.map((sock) => sock.fileno());
  }

  close(): void {
    closeAll(this.#places);
  }
}

/** Throws OSError if an address cannot be had, gaierror if a name does not resolve. */
export function* bindPorts({ hosts, port, binding, workers }: ServeSettings): Waiting<Ports> {
  assertPossible();
  const { reusePort, ...options } = binding;
  // Who else listens there would go unnoticed otherwise, and get a part of the connections.
  if (!reusePort && port !== 0) closeAll([yield* bindAll(hosts, port, options)]);
  const shared = { ...options, reusePort: true };
  const places: Socket[][] = [];
  try {
    places.push(yield* bindAll(hosts, port, shared));
    const addresses = places[0]!.map((sock) => sock.getsockname() as [string, number]);
    for (let place = 1; place < workers; place++) {
      const sockets: Socket[] = [];
      places.push(sockets);
      for (const [host, number] of addresses) sockets.push(...(yield* bindAll([host], number, shared)));
    }
    return new Ports(places);
  } catch (error) {
    closeAll(places);
    throw error;
  }
}

function assertPossible(): void {
  const native = nativeAvailable();
  if (native.available) return;
  throw new NotImplementedError(
    `several workers cannot listen at one port here: ${native.reason}; use startServer behind node:cluster, or a proxy`,
  );
}

function closeAll(places: readonly (readonly Socket[])[]): void {
  for (const sockets of places) for (const sock of sockets) sock.close();
}
