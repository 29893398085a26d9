import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { WorkerModules } from "../executors/bullmq/modules.ts";
import { moduleName } from "../executors/bullmq/payload.ts";
import { UsageError } from "./usage-error.ts";

/** Import what the command line names. Throws UsageError for what cannot be imported, or has the name of another. */
export async function loadModules(names: readonly string[], allowSource: boolean): Promise<WorkerModules> {
  const modules = new WorkerModules(allowSource);
  for (const text of names) {
    const [, given, module = ""] = /^(?:([^=/\\]+)=)?(.*)$/s.exec(text)!;
    const url = urlOf(module);
    const name = given ?? moduleName(url);
    if (!modules.add(name, url, await load(module, url))) {
      throw new UsageError(`two modules are known as ${name}: give one of them another name, NAME=${module}`);
    }
  }
  return modules;
}

function urlOf(module: string): string {
  return existsSync(module) ? pathToFileURL(resolve(module)).href : module;
}

async function load(module: string, url: string): Promise<object> {
  try {
    return await import(url);
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
    // What it imports may be missing, too: the message names it.
    if (isMissing) throw new UsageError(`the module ${module} cannot be imported: ${error.message}`);
    throw error;
  }
}
