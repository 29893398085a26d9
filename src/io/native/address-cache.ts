import type { Address } from "../address.ts";
import { AF_INET } from "../socket-constants.ts";
import { decodeAddress, encodeAddress } from "./address.ts";

/** So many senders are known at once; then it begins anew: there is no end of addresses that datagrams can come from. */
const CAPACITY = 1024;

/**
 * The addresses that datagrams came from, with the bytes that each was: most datagrams come from who has sent one before,
 * and most answers go to an address that came in. An address is handed out more than once, and is frozen therefore.
 */
export class AddressCache {
  readonly #addresses = new Map<number | string, Address>();
  readonly #bytes = new WeakMap<object, Uint8Array>();

  /** As the function of that name. */
  decode(bytes: Uint8Array, length: number): Address {
    const key = keyOf(bytes, length);
    const known = this.#addresses.get(key);
    if (known !== undefined) return known;
    const address = decodeAddress(bytes, length);
    if (this.#addresses.size >= CAPACITY) this.#addresses.clear();
    this.#addresses.set(key, Object.freeze(address));
    if (typeof address === "object") this.#bytes.set(address, new Uint8Array(bytes.subarray(0, length)));
    return address;
  }

  /** As the function of that name. */
  encode(family: number, address: Address): Uint8Array {
    const known = typeof address === "object" ? this.#bytes.get(address) : undefined;
    return known ?? encodeAddress(family, address);
  }
}

/** For IPv4 host and port as one number, which takes an eighth of the time; else the bytes as text. */
function keyOf(b: Uint8Array, length: number): number | string {
  if (b[0] !== AF_INET) return Buffer.from(b.buffer, b.byteOffset, length).toString("latin1");
  const host = ((b[4]! * 256 + b[5]!) * 256 + b[6]!) * 256 + b[7]!;
  return host * 65536 + b[2]! * 256 + b[3]!;
}
