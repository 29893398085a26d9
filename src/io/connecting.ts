import { OSError } from "../core/errors.ts";
import type { ConnectOptions, Waiting } from "./backend.ts";
import { type Resolved, resolve } from "./names.ts";

/** Connects to one address, from a local one if that is given. */
export type Attempt<S> = (remote: Resolved, local: Resolved | null) => Waiting<S>;

/** What `attempt` gives for the first address of `host` at which it succeeds; throws one OSError if it never does. */
export function* connectToFirst<S>(
  host: string,
  { family = 0, localAddr = null }: ConnectOptions,
  attempt: Attempt<S>,
): Waiting<S> {
  const remotes = yield* resolve(host, family);
  const locals = localAddr === null ? null : yield* resolve(localAddr[0], family);
  const errors: OSError[] = [];
  for (const remote of remotes) {
    try {
      return yield* attempt(remote, locals && localFor(remote, locals));
    } catch (error) {
      if (!(error instanceof OSError)) throw error;
      errors.push(error);
    }
  }
  throw combined(errors);
}

function localFor({ family }: Resolved, locals: readonly Resolved[]): Resolved {
  const match = locals.find((local) => local.family === family);
  if (match !== undefined) return match;
  throw new OSError("EADDRNOTAVAIL", `no matching local address with IPv${family} found`);
}

function combined(errors: readonly OSError[]): OSError {
  const [first] = errors;
  if (first === undefined) return new OSError("EADDRNOTAVAIL", "getaddrinfo() returned an empty list");
  if (errors.every(({ message }) => message === first.message)) return first;
  const message = errors.map((error) => error.message).join(", ");
  return new OSError(first.code, `Multiple exceptions: ${message}`, { cause: new AggregateError(errors) });
}
