import { ensureFuture } from "../concurrency/ensure-future.ts";
import type { Waiting } from "./backend.ts";

/** Where the system keeps them; Node does not look them up. */
const FILE =
  process.platform === "win32"
    ? `${process.env.SystemRoot ?? "C:\\Windows"}\\System32\\drivers\\etc\\services`
    : "/etc/services";

const LINE = /^[ \t]*([^\s#]+)[ \t]+(\d+)\/(\w+)([^#\r\n]*)/gm;

/** The ports that have names: "http" by "tcp" is 80. */
export class Services {
  readonly #ports = new Map<string, number>();
  readonly #names = new Map<string, string>();

  /** `text` is that of a file of services; of what is there twice, the first counts. */
  constructor(text: string) {
    for (const [, name = "", port = "", protocol = "", aliases = ""] of text.matchAll(LINE)) {
      setOnce(this.#names, `${port}/${protocol}`, name);
      for (const one of [name, ...aliases.split(/\s+/)]) {
        if (one !== "") setOnce(this.#ports, `${one}/${protocol}`, Number(port));
      }
    }
  }

  /** The port of a service, by name or alias; null if there is none. */
  portOf(name: string, protocol: string): number | null {
    return this.#ports.get(`${name}/${protocol}`) ?? null;
  }

  /** The service at a port; null if that has no name. */
  nameOf(port: number, protocol: string): string | null {
    return this.#names.get(`${port}/${protocol}`) ?? null;
  }
}

/** The services that this system knows: none, if it does not say. Cancel safety: nothing is lost. */
export function* loadServices(): Waiting<Services> {
  // Not there in many a container; what cannot be read is as good as not there.
  const { readFile } = process.getBuiltinModule("node:fs/promises");
  const text = yield* ensureFuture(readFile(FILE, "utf8").catch(() => ""));
  return new Services(text);
}

function setOnce<V>(map: Map<string, V>, key: string, value: V): void {
  if (!map.has(key)) map.set(key, value);
}
