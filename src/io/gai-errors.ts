import { gaierror } from "../core/errors.ts";

/** The numbers and words of name resolution's errors, as glibc and Python have them. */
const ERRORS: Readonly<Record<string, readonly [errno: number, words: string]>> = {
  EAI_BADFLAGS: [-1, "Bad value for flags"],
  EAI_NONAME: [-2, "Name or service not known"],
  EAI_AGAIN: [-3, "Temporary failure in name resolution"],
  EAI_FAIL: [-4, "Name resolution failed for good"],
  EAI_NODATA: [-5, "The name has no address"],
  EAI_FAMILY: [-6, "Address family not supported"],
  EAI_SOCKTYPE: [-7, "Socket type not supported"],
  EAI_SERVICE: [-8, "Service not known for this socket type"],
  EAI_ADDRFAMILY: [-9, "Address family for hostname not supported"],
  EAI_MEMORY: [-10, "Out of memory"],
};

/** `gaiError("EAI_NONAME", "getaddrinfo", "nowhere")`. */
export function gaiError(code: string, syscall: string, subject: string, cause?: unknown): gaierror {
  const [errno, words] = ERRORS[code] ?? [undefined, "Name resolution failed"];
  const options = errno === undefined ? { syscall, cause } : { errno, syscall, cause };
  return new gaierror(code, `${syscall} ${code} ${subject}: ${words}`, options);
}

/** What an error of Node's name resolution is called; null if it is something else. */
export function gaiCodeOf(error: unknown): string | null {
  const { code } = error as { code?: unknown };
  // Node tells an unknown name from one without addresses no more; EINVAL is a name that is too long to be one.
  if (code === "ENOTFOUND" || code === "EINVAL") return "EAI_NONAME";
  return typeof code === "string" && code.startsWith("EAI_") ? code : null;
}
