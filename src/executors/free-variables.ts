import { createRequire } from "node:module";
import type * as Acorn from "acorn";
import type * as EslintScope from "eslint-scope";

/** What every thread has, as it was before anybody added to it. */
const GLOBALS: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(globalThis));

/** Only who sends functions by their source needs a parser; loading one takes a while. */
const load = createRequire(import.meta.url);

/**
 * What `expression`, the source of a function, uses of its surroundings: names of variables, `"this"`, and `"super"` where it
 * is that of a method. Null if it is no expression that could stand anywhere, as with `import.meta` in it.
 */
export function freeVariables(expression: string): string[] | null {
  const { analyze }: typeof EslintScope = load("eslint-scope");
  const program = parse(`"use strict";\n(${expression}\n)`);
  if (program === null) return null;
  const { globalScope } = analyze(program as Parameters<typeof analyze>[0], {
    ecmaVersion: 2022,
    // What its text uses, nobody can know; but it does not make a stranger of each variable.
    ignoreEval: true,
  });
  const names = globalScope!.through.map(({ identifier }) => String(identifier.name));
  const free = names.filter((name) => !GLOBALS.has(name));
  if (usesThis(globalScope!)) free.push("this");
  return [...new Set(free)];
}

/** As {@link freeVariables}, for the source of a method: an expression it is only as the property of an object. */
export function freeVariablesOfMethod(method: string): string[] | null {
  const free = freeVariables(`{ ${method} }`);
  if (free === null) return null;
  return usesSuper(parse(`({ ${method} })`), 0) ? [...free, "super"] : free;
}

function parse(source: string): Acorn.Program | null {
  const acorn: typeof Acorn = load("acorn");
  try {
    return acorn.parse(source, { ecmaVersion: "latest", ranges: true });
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Arrow functions and blocks have the `this` of what is around them. */
function usesThis(scope: EslintScope.Scope): boolean {
  // Its type does not tell of it.
  if ("thisFound" in scope && scope.thisFound === true) return true;
  return scope.childScopes.some((child) => !hasOwnThis(child) && usesThis(child));
}

function hasOwnThis({ type, block }: EslintScope.Scope): boolean {
  if (type === "function") return block.type !== "ArrowFunctionExpression";
  return type === "class-field-initializer" || type === "class-static-block";
}

/** Whether there is a `super` in the outermost method, and not in a method inside of it. */
function usesSuper(node: unknown, methods: number): boolean {
  if (typeof node !== "object" || node === null) return false;
  if ("type" in node && node.type === "Super") return methods <= 1;
  const inside = methods + (isMethod(node) ? 1 : 0);
  return Object.values(node).some((child) => usesSuper(child, inside));
}

function isMethod(node: object): boolean {
  if (!("type" in node)) return false;
  if (node.type === "Property")
    return ("method" in node && node.method === true) || !("kind" in node && node.kind === "init");
  return (
    node.type === "MethodDefinition" || node.type === "PropertyDefinition" || node.type === "StaticBlock"
  );
}
