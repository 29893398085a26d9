import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Address } from "../../../src/io/address.ts";
import { decodeAddress, encodeAddress } from "../../../src/io/native/address.ts";
import { AddressCache } from "../../../src/io/native/address-cache.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "../../../src/io/socket-constants.ts";

const ADDRESSES: readonly (readonly [family: number, ...Address[]])[] = [
  [
    AF_INET,
    ["127.0.0.1", 80],
    ["127.0.0.1", 81],
    ["127.0.0.2", 80],
    ["255.255.255.255", 65535],
    ["0.0.0.0", 0],
  ],
  [AF_INET6, ["::1", 80, 0, 0], ["::1", 80, 0, 1], ["::1", 80, 1, 0], ["::2", 80, 0, 0], ["::1", 81, 0, 0]],
  [AF_UNIX, "/run/one", "/run/two", "\0abstract", ""],
];

function* all(): Generator<[family: number, address: Address, bytes: Uint8Array]> {
  for (const [family, ...addresses] of ADDRESSES) {
    for (const address of addresses as Address[]) yield [family, address, encodeAddress(family, address)];
  }
}

describe("an address cache", () => {
  test("decodes and encodes as if there were none, also for the second time", () => {
    const cache = new AddressCache();
    for (let round = 0; round < 2; round++) {
      for (const [family, address, bytes] of all()) {
        const decoded = cache.decode(bytes, bytes.length);
        assert.deepEqual(decoded, decodeAddress(bytes, bytes.length));
        assert.deepEqual(cache.encode(family, decoded), bytes);
        assert.deepEqual(cache.encode(family, address), bytes);
      }
    }
  });

  test("gives the same array for the same bytes, wherever they are, and nobody can change it", () => {
    const cache = new AddressCache();
    for (const [, , bytes] of all()) {
      const memory = Buffer.concat([bytes, Buffer.alloc(10, "x")]);
      const first = cache.decode(memory, bytes.length);
      memory.fill(7);
      assert.equal(cache.decode(bytes, bytes.length), first);
      assert.ok(Object.isFrozen(first));
    }
  });

  test("keeps the bytes of an address where the memory that they were in is used again", () => {
    const cache = new AddressCache();
    const memory = Buffer.from(encodeAddress(AF_INET, ["127.0.0.1", 80]));
    const address = cache.decode(memory, memory.length);
    memory.fill(0);
    assert.deepEqual(cache.encode(AF_INET, address), encodeAddress(AF_INET, ["127.0.0.1", 80]));
  });

  test("does not grow without a bound", () => {
    const cache = new AddressCache();
    const bytesOf = (port: number) => encodeAddress(AF_INET, ["10.0.0.1", port]);
    const first = cache.decode(bytesOf(0), 16);
    for (let port = 1; port < 1024; port++) cache.decode(bytesOf(port), 16);
    assert.equal(cache.decode(bytesOf(0), 16), first);
    cache.decode(bytesOf(1024), 16);
    assert.notEqual(cache.decode(bytesOf(0), 16), first);
    assert.deepEqual(cache.encode(AF_INET, first), bytesOf(0));
  });
});
