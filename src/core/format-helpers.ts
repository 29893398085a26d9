/** `name()` for a function, as errors and `toString` show it. */
export function describeFunction(fn: unknown): string {
  return typeof fn === "function" ? `${fn.name || "<anonymous>"}()` : String(fn);
}

/** What somebody passed, in a few words, for the message of a TypeError. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "function") return `the function ${describeFunction(value)}`;
  if (typeof value === "object") return `${article(value.constructor?.name ?? "object")}`;
  return `the ${typeof value} ${typeof value === "string" ? JSON.stringify(value) : String(value)}`;
}

function article(name: string): string {
  return `${/^[AEIOU]/i.test(name) ? "an" : "a"} ${name}`;
}
