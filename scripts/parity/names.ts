/** Something public, by its path: `["Task", "cancel"]`, `["Server", "[Symbol.asyncDispose]"]`. */
export type Name = readonly [string, ...string[]];

const PLAIN = /^[A-Za-z]\w*(\.[A-Za-z]\w*|\[Symbol\.\w+\])*$/;

/**
 * What a cell such as `Task[Symbol.iterator] / Task.then` names: all of it must exist. Null if it is no name, but an
 * option, an environment variable, a behaviour.
 */
export function namesIn(cell: string): Name[] | null {
  const parts = cell.replace(/(?<=\w)\((?!').*\)$/, "").split(/ \/ |, /);
  const names: Name[] = [];
  for (const part of parts) {
    const name = nameOf(part);
    if (name === null) return null;
    const owner = names[0];
    const sharesOwner = owner !== undefined && owner.length > 1 && name.length === 1;
    names.push(sharesOwner ? [owner[0], ...name] : name);
  }
  return names;
}

function nameOf(part: string): Name | null {
  const [, fact] = /^getExtraInfo\('(\w+)'\)$/.exec(part) ?? [];
  if (fact !== undefined) return ["ExtraInfo", fact];
  const path = part
    .replace(/^new /, "")
    .replace(/<\w+>$/, "")
    .replace(/^loop\./, "EventLoop.");
  if (!PLAIN.test(path)) return null;
  const [first = "", ...members] = path.match(/\[Symbol\.\w+\]|\w+/g) ?? [];
  return [first, ...members];
}
