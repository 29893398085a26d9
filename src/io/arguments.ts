import { inspect } from "node:util";
import { assertSeconds } from "../core/callback-arguments.ts";
import { ValueError } from "../core/errors.ts";
import type { Callback } from "../core/handles.ts";

/* What the loop is given for its connections and servers, checked at the call. */

export function assertFactory(factory: unknown): void {
  if (typeof factory !== "function") {
    throw new TypeError(`a function that makes a protocol was expected, not ${inspect(factory)}`);
  }
}

export function assertNoAddress(host: unknown, port: unknown): void {
  if (host === null && port === null) return;
  throw new ValueError("host/port and sock can not be specified at the same time");
}

export function assertHost(host: unknown): void {
  if (typeof host !== "string") throw new TypeError(`host must be a string, not ${inspect(host)}`);
}

/** The hosts to listen at; null is this machine. */
export function hostList(host: string | readonly string[] | null): readonly (string | null)[] {
  if (host === null || host === "") return [null];
  if (typeof host !== "string" && !Array.isArray(host))
    throw new TypeError(`host must be a string, an array of strings or null, not ${inspect(host)}`);
  const hosts = typeof host === "string" ? [host] : [...host];
  for (const one of hosts) if (one !== null) assertHost(one);
  return hosts;
}

/** Whether it is `[host, port]` as far as the host goes; {@link checkedPort} is for the rest. */
export function isHostAddress(address: unknown): boolean {
  if (!Array.isArray(address) || address.length !== 2) return false;
  return typeof address[0] === "string" || address[0] === null;
}

export function checkedPort(port: number | null): number {
  if (typeof port === "number" && Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new ValueError(`port must be an integer from 0 to 65535, not ${inspect(port)}`);
}

export function checkedCallback<A extends unknown[]>(callback: Callback<A>): Callback {
  if (typeof callback !== "function")
    throw new TypeError(`a function was expected, not ${inspect(callback)}`);
  return callback as Callback;
}

/** Throws TypeError unless `seconds` is a number, ValueError if it is below 0 or NaN. */
export function assertDuration(name: string, seconds: number): void {
  assertSeconds(seconds, name);
  if (seconds < 0) throw new ValueError(`${name} must be 0 or more seconds, not ${seconds}`);
}
