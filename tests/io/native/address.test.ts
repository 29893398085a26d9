import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gaierror, OSError, ValueError } from "../../../src/core/errors.ts";
import type { Address } from "../../../src/io/address.ts";
import { decodeAddress, encodeAddress, formatAddress } from "../../../src/io/native/address.ts";
import { libc } from "../../../src/io/native/libc.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "../../../src/io/socket-constants.ts";
import { skip } from "./support.ts";

function roundTrip(family: number, address: Address): Address {
  const bytes = encodeAddress(family, address);
  return decodeAddress(bytes, bytes.length);
}

/** The 16 bytes of an IPv6 host, in hexadecimal. */
function hostBytes(host: string): string {
  return Buffer.from(encodeAddress(AF_INET6, [host, 0]).subarray(8, 24)).toString("hex");
}

describe("IPv4 addresses", () => {
  test("have the memory layout of struct sockaddr_in", () => {
    const bytes = encodeAddress(AF_INET, ["127.0.0.1", 0x1234]);
    assert.deepEqual([...bytes], [2, 0, 0x12, 0x34, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  test("come back as they went in", () => {
    assert.deepEqual(roundTrip(AF_INET, ["192.168.255.7", 65535]), ["192.168.255.7", 65535]);
  });

  test('take "" as any address and "<broadcast>" as the broadcast address', () => {
    assert.deepEqual(roundTrip(AF_INET, ["", 80]), ["0.0.0.0", 80]);
    assert.deepEqual(roundTrip(AF_INET, ["<broadcast>", 80]), ["255.255.255.255", 80]);
  });

  test("are never names, which must be resolved first", () => {
    for (const host of ["localhost", "1.2.3", "01.2.3.4", "1.2.3.256", "::1", " 1.2.3.4"]) {
      assert.throws(() => encodeAddress(AF_INET, [host, 80]), gaierror, host);
    }
    assert.throws(() => encodeAddress(AF_INET, ["localhost", 80]), {
      code: "EAI_NONAME",
      message: '"localhost" is not an IPv4 address; resolve names first, with getaddrinfo',
    });
  });

  test("must have a port from 0 to 65535, and the error names the wrong one", () => {
    for (const port of [-1, 65536, 1.5, Number.NaN]) {
      assert.throws(() => encodeAddress(AF_INET, ["", port]), ValueError, String(port));
    }
    assert.throws(() => encodeAddress(AF_INET, ["", 70000]), {
      message: "port must be an integer from 0 to 65535, not 70000",
    });
    assert.throws(() => encodeAddress(AF_INET, ["", "80" as unknown as number]), {
      name: "TypeError",
      message: 'port must be a number, not "80"',
    });
  });

  test("must be a pair", () => {
    assert.throws(() => encodeAddress(AF_INET, "/tmp/socket"), {
      name: "TypeError",
      message: 'an AF_INET address is [host, port], not "/tmp/socket"',
    });
    assert.throws(() => encodeAddress(AF_INET, ["::1", 80, 0, 0]), TypeError);
    assert.throws(() => encodeAddress(AF_INET, [1, 80] as unknown as Address), TypeError);
  });
});

describe("IPv6 addresses", () => {
  test("have the memory layout of struct sockaddr_in6", () => {
    const bytes = encodeAddress(AF_INET6, ["102:304:506:708:90a:b0c:d0e:f10", 0x1234, 0x12345, 0x01020304]);
    assert.deepEqual([...bytes.subarray(0, 8)], [10, 0, 0x12, 0x34, 0, 0x01, 0x23, 0x45]);
    assert.deepEqual([...bytes.subarray(8, 24)], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    assert.deepEqual([...bytes.subarray(24)], [4, 3, 2, 1]);
  });

  test("may leave out flowinfo and scopeid, and come back with them", () => {
    assert.deepEqual(roundTrip(AF_INET6, ["2001:db8::7", 443]), ["2001:db8::7", 443, 0, 0]);
    assert.deepEqual(roundTrip(AF_INET6, ["fe80::1", 443, 5, 2]), ["fe80::1", 443, 5, 2]);
  });

  for (const [host, hex] of [
    ["::", "00000000000000000000000000000000"],
    ["", "00000000000000000000000000000000"],
    ["::1", "00000000000000000000000000000001"],
    ["1::", "00010000000000000000000000000000"],
    ["2001:DB8::ff00:42:8329", "20010db8000000000000ff0000428329"],
    ["::ffff:192.0.2.128", "00000000000000000000ffffc0000280"],
    ["64:ff9b::1.2.3.4", "0064ff9b000000000000000001020304"],
    ["1:2:3:4:5:6:1.2.3.4", "00010002000300040005000601020304"],
    ["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
    ["::2:3:4:5:6:7:8", "00000002000300040005000600070008"],
  ] as const) {
    test(`read "${host}" correctly`, () => {
      assert.equal(hostBytes(host), hex);
    });
  }

  for (const [long, short] of [
    ["0:0:0:0:0:0:0:0", "::"],
    ["2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"],
    ["1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"],
    ["::ffff:c000:280", "::ffff:192.0.2.128"],
    ["ABCD::EF", "abcd::ef"],
  ] as const) {
    test(`write "${long}" the canonical way`, () => {
      assert.deepEqual(roundTrip(AF_INET6, [long, 1]), [short, 1, 0, 0]);
    });
  }

  test("reject what is not an IPv6 address", () => {
    for (const host of [
      "localhost",
      "127.0.0.1",
      "<broadcast>",
      "1::2::3",
      "12345::",
      "::1%",
      "[::1]",
      ":::",
    ]) {
      assert.throws(() => encodeAddress(AF_INET6, [host, 80]), gaierror, host);
    }
  });

  test("reject numbers out of range", () => {
    assert.throws(() => encodeAddress(AF_INET6, ["::1", 65536]), ValueError);
    assert.throws(() => encodeAddress(AF_INET6, ["::1", 80, 0x100000, 0]), ValueError);
    assert.throws(() => encodeAddress(AF_INET6, ["::1", 80, 0, 2 ** 32]), ValueError);
    assert.throws(() => encodeAddress(AF_INET6, ["::1", 80, 0, 0, 0] as unknown as Address), TypeError);
  });

  test("take a scope by number", () => {
    assert.deepEqual(roundTrip(AF_INET6, ["fe80::1%7", 80]), ["fe80::1", 80, 0, 7]);
  });

  test("take a scope by the name of an interface", { skip }, () => {
    const lo = libc().if_nametoindex("lo");
    assert.deepEqual(roundTrip(AF_INET6, ["fe80::1%lo", 80]), ["fe80::1", 80, 0, lo]);
    assert.throws(() => encodeAddress(AF_INET6, ["fe80::1%nope", 80]), {
      name: "gaierror",
      message: 'fe80::1%nope: there is no network interface "nope"',
    });
  });
});

describe("Unix addresses", () => {
  test("are a path that ends with NUL", () => {
    assert.deepEqual([...encodeAddress(AF_UNIX, "/a")], [1, 0, 0x2f, 0x61, 0]);
    assert.equal(roundTrip(AF_UNIX, "/tmp/ünïx"), "/tmp/ünïx");
  });

  test("are an abstract name by its length, NULs included", () => {
    assert.deepEqual([...encodeAddress(AF_UNIX, "\0a\0")], [1, 0, 0, 0x61, 0]);
    assert.equal(roundTrip(AF_UNIX, "\0a\0"), "\0a\0");
  });

  test('are "" without a name', () => {
    assert.equal(roundTrip(AF_UNIX, ""), "");
    assert.equal(decodeAddress(Uint8Array.of(1, 0, 99, 99), 2), "");
  });

  test("have at most 107 bytes, and the error names the path", () => {
    const path = `/${"x".repeat(106)}`;
    assert.equal(roundTrip(AF_UNIX, path), path);
    assert.throws(
      () => encodeAddress(AF_UNIX, `${path}y`),
      (error: unknown) => {
        assert.ok(error instanceof OSError);
        assert.equal(error.code, "ENAMETOOLONG");
        assert.ok(error.message.includes(`${path}y`));
        return true;
      },
    );
    assert.throws(() => encodeAddress(AF_UNIX, "/ü".repeat(50)), { code: "ENAMETOOLONG" });
  });

  test("use the whole room for an abstract name", () => {
    const name = `\0${"x".repeat(107)}`;
    assert.equal(roundTrip(AF_UNIX, name), name);
    assert.throws(() => encodeAddress(AF_UNIX, `${name}y`), { code: "ENAMETOOLONG" });
  });

  test("reject a NUL inside a path, at which the kernel would cut it", () => {
    assert.throws(() => encodeAddress(AF_UNIX, "/a\0b"), ValueError);
  });

  test("must be a string", () => {
    assert.throws(() => encodeAddress(AF_UNIX, ["127.0.0.1", 80]), TypeError);
  });
});

test("an unknown family is a ValueError in both directions", () => {
  assert.throws(() => encodeAddress(16, ["", 0]), ValueError);
  assert.throws(() => decodeAddress(Uint8Array.of(16, 0, 0, 0), 4), ValueError);
});

test("addresses are shown as people write them", () => {
  assert.equal(formatAddress(["127.0.0.1", 80]), "127.0.0.1:80");
  assert.equal(formatAddress(["::1", 80, 0, 0]), "[::1]:80");
  assert.equal(formatAddress("/run/app.sock"), "/run/app.sock");
  assert.equal(formatAddress("\0app"), "@app");
});
