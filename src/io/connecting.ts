import { OSError, TimeoutError } from "../core/errors.ts";
import { ExceptionGroup } from "../core/exception-groups.ts";
import type { ConnectOptions, Waiting } from "./backend.ts";
import { type Resolved, resolve } from "./names.ts";
import { staggeredRace } from "./staggered.ts";

/** How a backend gets a socket that is connected. */
export interface Connector<S> {
  /** Connect to one address, from a local one if that is given; of an error's `syscall`, "bind" is the local one's. */
  connect(remote: Resolved, local: Resolved | null): Waiting<S>;
  /** Close a socket that is not needed. */
  discard(socket: S): void;
}

/** A socket that is connected to an address of `host` (null: of this machine). Throws gaierror, or as {@link connectToAny}. */
export function* connectTo<S>(
  host: string | null,
  options: ConnectOptions,
  connector: Connector<S>,
): Waiting<S> {
  const { family = 0, flags = 0, localAddr = null } = options;
  const remotes = yield* resolve(host, family, flags);
  const locals = localAddr === null ? null : yield* resolve(localAddr[0], family, flags);
  return yield* connectToAny(remotes, locals, options, connector);
}

/**
 * A socket that is connected to the first of `remotes` that answers, from one of `locals`. If none does, throws one
 * OSError, or with `allErrors` an ExceptionGroup.
 */
export function* connectToAny<S>(
  remotes: readonly Resolved[],
  locals: readonly Resolved[] | null,
  { happyEyeballsDelay = null, interleave = null, allErrors = false }: ConnectOptions,
  connector: Connector<S>,
): Waiting<S> {
  const firstFamilyCount = interleave ?? (happyEyeballsDelay === null ? 0 : 1);
  const errors: OSError[] = [];
  const attempts = interleaved(remotes, firstFamilyCount).map(
    (remote) => () => attempt(connector, remote, locals, errors),
  );
  const socket =
    happyEyeballsDelay === null
      ? yield* oneByOne(attempts)
      : yield* staggeredRace(attempts, happyEyeballsDelay, (late) => connector.discard(late));
  if (socket !== null) return socket;
  if (allErrors && errors.length > 0) throw new ExceptionGroup("createConnection failed", errors);
  throw combined(errors);
}

function* oneByOne<S>(attempts: readonly (() => Waiting<S | null>)[]): Waiting<S | null> {
  for (const start of attempts) {
    const socket = yield* start();
    if (socket !== null) return socket;
  }
  return null;
}

/** Null if the address does not answer; why not is in `errors` then. */
function* attempt<S>(
  connector: Connector<S>,
  remote: Resolved,
  locals: readonly Resolved[] | null,
  errors: OSError[],
): Waiting<S | null> {
  try {
    if (locals === null) return yield* connector.connect(remote, null);
    return yield* connectFrom(connector, remote, locals);
  } catch (error) {
    if (!(error instanceof OSError)) throw error;
    errors.push(error);
    return null;
  }
}

/** From the first local address that can be had. */
function* connectFrom<S>(connector: Connector<S>, remote: Resolved, locals: readonly Resolved[]): Waiting<S> {
  const { family } = remote;
  let refused: unknown = new OSError("EADDRNOTAVAIL", `no matching local address with IPv${family} found`);
  for (const local of locals.filter((one) => one.family === family)) {
    try {
      return yield* connector.connect(remote, local);
    } catch (error) {
      if (!(error instanceof OSError && error.syscall === "bind")) throw error;
      refused = error;
    }
  }
  throw refused;
}

/** Families by turns, each in its own order, after `first` addresses of the one that comes first; 0 changes nothing. */
export function interleaved(addresses: readonly Resolved[], first: number): readonly Resolved[] {
  if (first === 0) return addresses;
  const leading = addresses.filter(({ family }) => family === addresses[0]!.family);
  const others = addresses.filter(({ family }) => family !== addresses[0]!.family);
  const order = leading.splice(0, first - 1);
  for (let i = 0; i < Math.max(leading.length, others.length); i++) {
    order.push(...leading.slice(i, i + 1), ...others.slice(i, i + 1));
  }
  return order;
}

function combined(errors: readonly OSError[]): OSError {
  const [first] = errors;
  // All attempts were cancelled, by somebody who cancels whatever runs.
  if (first === undefined) return new TimeoutError("createConnection failed");
  if (errors.every(({ message }) => message === first.message)) return first;
  const message = errors.map((error) => error.message).join(", ");
  return new OSError(first.code, `Multiple exceptions: ${message}`, { cause: new AggregateError(errors) });
}
