import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { osError, SSLError } from "../../core/errors.ts";
import type { VerifyLocations } from "./ssl-context.ts";

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/;

/** The text of a file. Throws TypeError for what is no path, OSError. */
export function readPem(file: string): string {
  assertPath(file);
  return orOSError(() => readFileSync(file, "latin1"));
}

/** The PEM texts of these places. Throws TypeError if there is no place, OSError, or SSLError if one has no certificate. */
export function certificatesIn({ cafile, capath, cadata }: VerifyLocations): string[] {
  const texts: string[] = [];
  if (cafile != null) texts.push(mustHold(readPem(cafile), cafile));
  if (cadata != null) texts.push(mustHold(Buffer.from(cadata).toString("latin1"), "cadata"));
  if (capath != null) texts.push(...inDirectory(capath));
  else if (texts.length === 0) throw new TypeError("cafile, capath and cadata cannot be all omitted");
  return texts;
}

/** As in OpenSSL, an empty directory is none of our business: nobody is trusted then. */
function inDirectory(directory: string): string[] {
  assertPath(directory);
  const entries = orOSError(() => readdirSync(directory, { withFileTypes: true }));
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => join(directory, name));
  return files.map(readPem).filter((text) => CERTIFICATE.test(text));
}

/** Node takes a number for an fd, and would wait for what comes from there. */
function assertPath(path: unknown): void {
  if (typeof path !== "string") throw new TypeError(`the path of a file was expected, not ${inspect(path)}`);
}

/** Node would trust nobody, in silence. Throws SSLError if there is no certificate in what is in `where`. */
export function mustHold(text: string, where: string): string {
  if (CERTIFICATE.test(text)) return text;
  throw new SSLError("ERR_SSL_NO_CERTIFICATE", `there is no certificate in PEM form in ${where}`);
}

function orOSError<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    throw osError(code, message, { cause });
  }
}
