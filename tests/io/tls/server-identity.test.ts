import assert from "node:assert/strict";
import { test } from "node:test";
import { serverIdentity } from "../../../src/io/tls/server-identity.ts";

test("a name is asked for and checked, as it is in the system of names", () => {
  assert.deepEqual(serverIdentity("Example.test"), { host: "example.test", servername: "example.test" });
  assert.deepEqual(serverIdentity("bücher.test"), {
    host: "xn--bcher-kva.test",
    servername: "xn--bcher-kva.test",
  });
});

test("an address is checked, but not asked for", () => {
  assert.deepEqual(serverIdentity("127.0.0.1"), { host: "127.0.0.1", servername: null });
  assert.deepEqual(serverIdentity("::1"), { host: "::1", servername: null });
});

test("without a name any server will do", () => {
  assert.equal(serverIdentity(null), null);
});
