import { NotImplementedError, ValueError } from "../core/errors.ts";
import { nativeAvailable } from "./native/libc.ts";
import { NativeBackend } from "./native/native-backend.ts";
import { PortableBackend } from "./portable/portable-backend.ts";

/** That of the environment's `ASYNCIO_BACKEND`, else native where that is possible. ValueError for an unknown one. */
export function defaultBackend(): "native" | "portable" {
  const wanted = process.env.ASYNCIO_BACKEND;
  if (wanted === "native" || wanted === "portable") return wanted;
  if (wanted)
    throw new ValueError(`ASYNCIO_BACKEND must be native or portable, not ${JSON.stringify(wanted)}`);
  return nativeAvailable().available ? "native" : "portable";
}

/** Throws NotImplementedError, with the reason, if it is not available here. */
export function makeBackend(name: "native" | "portable"): NativeBackend | PortableBackend {
  if (name === "portable") return new PortableBackend();
  const native = nativeAvailable();
  if (native.available) return new NativeBackend();
  throw new NotImplementedError(`the native backend is not available: ${native.reason}; use "portable"`);
}
