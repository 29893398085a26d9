import assert from "node:assert/strict";
import { test } from "node:test";
import { Services } from "../../src/io/services.ts";

const TEXT = `
# a comment
http		80/tcp		www web	# the World Wide Web
http		8008/tcp		# a later one
domain		53/udp
exec		512/tcp
biff		512/udp		comsat
`;

test("a service has a port by each of its names, for each protocol", () => {
  const services = new Services(TEXT);
  for (const name of ["http", "www", "web"]) assert.equal(services.portOf(name, "tcp"), 80);
  assert.equal(services.portOf("domain", "udp"), 53);
  for (const [name, protocol] of [
    ["domain", "tcp"],
    ["http", "udp"],
    ["the", "tcp"],
    ["nothing", "tcp"],
    ["constructor", "tcp"],
  ] as const) {
    assert.equal(services.portOf(name, protocol), null);
  }
});

test("a port has the name of its service, for each protocol", () => {
  const services = new Services(TEXT);
  assert.equal(services.nameOf(80, "tcp"), "http");
  assert.equal(services.nameOf(512, "tcp"), "exec");
  assert.equal(services.nameOf(512, "udp"), "biff");
  assert.equal(services.nameOf(80, "udp"), null);
});

test("lines end as they do on Windows, too, and without any there are no services", () => {
  assert.equal(new Services("echo 7/tcp\r\ndiscard 9/tcp sink\r\n").portOf("sink", "tcp"), 9);
  assert.equal(new Services("").portOf("echo", "tcp"), null);
});
