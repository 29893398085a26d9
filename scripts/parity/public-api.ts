import { type Declaration, declarationOf } from "./declarations.ts";
import { type Name, namesIn } from "./names.ts";

const EXPORT_LIST = /^export (?:type )?\{([^}]*)\} from "([^"]+)";/gm;

/** Every function has these by itself. */
const PROPERTIES_OF_FUNCTIONS = ["length", "name", "prototype"];

/** Every object has what these have. */
const ROOTS: unknown[] = [Object.prototype, Function.prototype, Error.prototype];

/** What the library exports: values as they really are, and types, which exist only in its sources, as these say. */
export class PublicApi {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #files: ReadonlyMap<string, string>;
  readonly #read: (file: string) => string;

  /** `values` is the imported module, `index` its source, `read` gives the source of a file that it names. */
  constructor(values: Readonly<Record<string, unknown>>, index: string, read: (file: string) => string) {
    this.#values = values;
    this.#files = filesByName(index);
    this.#read = read;
  }

  /** Whether all that a cell of the API table names is exported; null if it is no name. */
  exports(cell: string): boolean | null {
    const names = namesIn(cell);
    return names === null ? null : names.every((name) => this.#has(name));
  }

  #has([first, ...members]: Name): boolean {
    const [member, ...more] = members;
    if (member === undefined) return first in this.#values || this.#files.has(first);
    const hasMember = memberOf(this.#values[first], member) || this.#declares(first, member);
    if (!hasMember || more.length === 0) return hasMember;
    return hasPath(this.#values[first], members);
  }

  /** Fields that a constructor makes, and the members of types, can be seen only in the source. */
  #declares(name: string, member: string): boolean {
    const declaration = this.#declarationOf(name);
    if (declaration === null) return false;
    return (
      declaration.members.has(member) || declaration.parents.some((parent) => this.#declares(parent, member))
    );
  }

  #declarationOf(name: string): Declaration | null {
    const file = this.#files.get(name);
    return file === undefined ? null : declarationOf(name, this.#read(file));
  }
}

function filesByName(index: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const [, list = "", file = ""] of index.matchAll(EXPORT_LIST)) {
    for (const entry of list.split(",")) {
      const name = entry
        .trim()
        .replace(/^type /, "")
        .replace(/^\w+ as /, "");
      if (name !== "") files.set(name, file);
    }
  }
  return files;
}

/** Whether objects of this class, or the class or object itself, have such a member. */
function memberOf(value: unknown, member: string): boolean {
  if (typeof value !== "function") return inChain(value, keyOf(member));
  if (inChain(value.prototype, keyOf(member))) return true;
  return !PROPERTIES_OF_FUNCTIONS.includes(member) && inChain(value, keyOf(member));
}

function hasPath(value: unknown, members: readonly string[]): boolean {
  let inner = value;
  for (const member of members) {
    if (!memberOf(inner, member)) return false;
    inner = (inner as Record<PropertyKey, unknown>)[keyOf(member)];
  }
  return true;
}

function inChain(value: unknown, key: PropertyKey): boolean {
  const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
  if (!isObject || ROOTS.includes(value)) return false;
  return Object.hasOwn(value, key) || inChain(Object.getPrototypeOf(value), key);
}

function keyOf(member: string): PropertyKey {
  const [, name] = /^\[Symbol\.(\w+)\]$/.exec(member) ?? [];
  return name === undefined ? member : (Symbol[name as keyof typeof Symbol] as unknown as symbol);
}
