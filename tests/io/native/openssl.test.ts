import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { openssl } from "../../../src/io/native/openssl.ts";
import { skip } from "./support.ts";

type Koffi = Parameters<typeof openssl>[0];

const koffi = () => createRequire(import.meta.url)("koffi") as Koffi;

test("it is the one that Node has", { skip }, () => {
  const [major, minor, patch] = process.versions.openssl.split(".").map(Number.parseFloat) as [
    number,
    number,
    number,
  ];
  const number = openssl(koffi())!.OpenSSL_version_num();
  assert.equal(number, (major << 28) + (minor << 20) + (patch << 4));
});

test("there is none where one of its functions is missing", { skip }, () => {
  const { load, ...others } = koffi();
  const bare = (path: null) => {
    const { func, symbol } = load(path);
    return { symbol, func: (definition: string) => func(definition.replace("SSL_new(", "SSL_missing(")) };
  };
  assert.equal(openssl({ ...others, load: bare }), null);
});

test("there is none where it is older than 3, or another library by that name", { skip }, () => {
  const { load, ...others } = koffi();
  const old = (path: null) => {
    const { func, symbol } = load(path);
    const number = () => 0x1010107f;
    return {
      symbol,
      func: (definition: string) => (/version_num/.test(definition) ? number : func(definition)),
    };
  };
  assert.equal(openssl({ ...others, load: old }), null);
});
