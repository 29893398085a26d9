import { LookupError, PermissionError } from "../../core/errors.ts";
import type { PortableWork } from "../work.ts";

/** The modules that a worker was started with: what it carries out, and nothing else. */
export class WorkerModules {
  readonly #urls = new Map<string, string>();
  readonly #exports = new Map<string, object>();
  readonly #allowSource: boolean;

  constructor(allowSource: boolean) {
    this.#allowSource = allowSource;
  }

  /** `url` is how this machine imports what others know by `name`. Returns false if there is another one of that name. */
  add(name: string, url: string, exports: object): boolean {
    if (this.#urls.has(name)) return false;
    this.#urls.set(name, url);
    this.#exports.set(name, exports);
    return true;
  }

  get names(): string[] {
    return [...this.#urls.keys()];
  }

  /** What to carry out here. Throws LookupError or PermissionError for what cannot or must not be. */
  resolve(work: PortableWork): PortableWork {
    if (work.kind === "export") return this.#resolveExport(work.module, work.name);
    if (work.kind === "source" && this.#allowSource) return work;
    const way = "name it, work(import.meta, fn), or start the worker with --allow-source";
    throw new PermissionError("EACCES", `the worker does not run ${work.name}() by its source: ${way}`);
  }

  #resolveExport(module: string, name: string): PortableWork {
    const url = this.#urls.get(module);
    const exports = this.#exports.get(module);
    if (url === undefined || exports === undefined) {
      throw new LookupError(`the worker has no module ${module}, but ${this.names.join(", ")}`);
    }
    const exported = Object.hasOwn(exports, name) ? Reflect.get(exports, name) : undefined;
    if (typeof exported === "function") return { kind: "export", module: url, name };
    const functions = Object.keys(exports).filter((key) => typeof Reflect.get(exports, key) === "function");
    throw new LookupError(
      `${module} at the worker exports no function ${name}, but ${functions.join(", ") || "none"}`,
    );
  }
}
