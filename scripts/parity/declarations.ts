/** What a class or an interface declares in its source. */
export interface Declaration {
  /** Its public members, by name; `[Symbol.iterator]` as it stands there. */
  readonly members: ReadonlySet<string>;
  readonly parents: readonly string[];
}

/** A member at the first level of indentation, which the formatter makes two spaces, with its docstring. */
const MEMBER =
  /^( {2}\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)? {2}(?:(?:readonly|override|abstract|static|declare|async|get|set) )*\*?(\[Symbol\.\w+\]|[A-Za-z]\w*)[?!]? ?[(<:;=]/gm;

/**
 * The class or interface `name` in `source`; null if it is not declared there, such as a type alias. Members that
 * are `@internal`, private or protected do not count.
 */
export function declarationOf(name: string, source: string): Declaration | null {
  const head = new RegExp(`^export (?:abstract )?(?:class|interface) ${name}\\b([^{]*)\\{\\n`, "m").exec(
    source,
  );
  if (head === null) return null;
  const start = head.index + head[0].length;
  const body = source.slice(start, source.indexOf("\n}", start) + 1);
  return { members: membersIn(body), parents: parentsIn(head[1] ?? "") };
}

function membersIn(body: string): Set<string> {
  const members = new Set<string>();
  for (const [, doc = "", name] of body.matchAll(MEMBER)) {
    if (name !== undefined && !doc.includes("@internal")) members.add(name);
  }
  return members;
}

function parentsIn(heritage: string): string[] {
  const [, list = ""] = /\bextends ([^{]*?)(?:\bimplements\b|$)/.exec(heritage) ?? [];
  return list
    .replace(/<[^>]*>/g, "")
    .split(",")
    .map((parent) => parent.trim())
    .filter((parent) => parent !== "");
}
