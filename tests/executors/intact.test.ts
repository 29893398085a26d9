import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import { after, test } from "node:test";
import { assertIntact } from "../../src/executors/intact.ts";
import { ProcessPoolExecutor, transfer } from "../../src/index.ts";
import { children, inEachPool, job } from "./pools.ts";

after(() => assert.deepEqual(children(), [], "processes that were left behind"));

class Tagged {
  get [Symbol.toStringTag]() {
    return "Tagged";
  }
}

class Data {
  readonly #hidden = 1;
  y = 2;

  get hidden() {
    return this.#hidden;
  }
}

/** Of all of these `structuredClone`, or what sends messages to processes, makes an empty object or an error. */
const NOWHERE: Record<string, () => object> = {
  AbortSignal: () => new AbortController().signal,
  AbortController: () => new AbortController(),
  Event: () => new Event("x"),
  EventTarget: () => new EventTarget(),
  FormData: () => new FormData(),
  Generator: () => (function* () {})(),
  Headers: () => new Headers(),
  MessagePort: () => closed(new MessageChannel()).port1,
  Promise: () => Promise.resolve(),
  ReadableStream: () => new ReadableStream(),
  Request: () => new Request("http://localhost/"),
  Response: () => new Response("x"),
  Tagged: () => new Tagged(),
  TextEncoder: () => new TextEncoder(),
  URL: () => new URL("http://localhost/"),
  URLSearchParams: () => new URLSearchParams("a=1"),
  WeakMap: () => new WeakMap(),
  WeakRef: () => new WeakRef({}),
};

/** Threads copy these, or share them. */
const THREADS_ONLY: Record<string, () => object> = {
  Blob: () => new Blob(["x"]),
  DOMException: () => new DOMException("m", "AbortError"),
  File: () => new File(["x"], "name"),
  Module: () =>
    new (Reflect.get(globalThis, "WebAssembly").Module)(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])),
  SecretKeyObject: () => createSecretKey(Buffer.from("secret")),
  SharedArrayBuffer: () => new SharedArrayBuffer(4),
};

/** These are copied anywhere. */
const EVERYWHERE: Record<string, () => unknown> = {
  array: () => Object.assign([1, -0, Number.NaN], { length: 6 }),
  arrays: () => [[1], [[2]]],
  bigint: () => 10n ** 30n,
  boxed: () => [Object(5n), Object("x"), Object(true), Object(1)],
  bytes: () => [new Uint8Array([1, 2]), new Float64Array([-0]), new BigInt64Array([1n])],
  buffers: () => [new ArrayBuffer(2), new ArrayBuffer(2, { maxByteLength: 8 })],
  circle: () => {
    const circle: Record<string, unknown> = { a: 1 };
    circle.self = [circle];
    return circle;
  },
  dates: () => [new Date(5), /a/giu],
  map: () => new Map<unknown, unknown>([[{ a: 1 }, new Set([1, new Map()])]]),
  object: () => ({ a: undefined, b: null, c: { d: "x" } }),
};

function closed(channel: MessageChannel): MessageChannel {
  channel.port1.close();
  return channel;
}

/** Where in an argument or a result something can stand. */
const PLACES: Record<string, (value: object) => object> = {
  "in an array": (value) => [[value]],
  "in an object": (value) => ({ options: { value } }),
  "in an object without prototype": (value) => Object.assign(Object.create(null), { value }),
  "in an object of a class": (value) => Object.assign(new Data(), { value }),
  "as a key": (value) => new Map([[value, 1]]),
  "as a value": (value) => new Map([[1, value]]),
  "in a set": (value) => new Set([value]),
  "in a cause": (value) => new Error("x", { cause: value }),
  "among few in a long array": (value) => Object.assign([], { [2 ** 31]: value }),
};

test("what would be lost on the way is refused, wherever it stands", () => {
  for (const [place, put] of Object.entries(PLACES)) {
    for (const [name, make] of Object.entries(NOWHERE)) {
      const message = new RegExp(`^an object of the class ${name} cannot be copied: `);
      assert.throws(() => assertIntact(put(make()), []), { name: "TypeError", message }, place);
      assert.throws(() => assertIntact(put(make()), null), { name: "TypeError", message }, place);
    }
  }
});

test("what only threads can have is refused on the way to a process", () => {
  for (const [name, make] of Object.entries(THREADS_ONLY)) {
    const value = [make()];
    assert.doesNotThrow(() => assertIntact(value, []), name);
    const message = new RegExp(`^an object of the class ${name} cannot be copied: `);
    assert.throws(() => assertIntact(value, null), { name: "TypeError", message });
  }
  const view = new Int32Array(new SharedArrayBuffer(4));
  assert.doesNotThrow(() => assertIntact([view], []));
  assert.throws(() => assertIntact([view], null), {
    message: "an object of the class SharedArrayBuffer cannot be copied: memory is shared by threads only",
  });
});

test("what moves is not copied", () => {
  const { port1, port2 } = new MessageChannel();
  assert.doesNotThrow(() => assertIntact([port2], [port2]));
  assert.throws(() => assertIntact([port1, port2], [port2]), { message: /MessagePort/ });
  port1.close();
});

test("what is copied whole in any case is let through", () => {
  for (const make of Object.values(EVERYWHERE)) {
    assertIntact([make()], []);
    assertIntact([make()], null);
  }
  const error = Object.assign(new Error("x"), { url: new URL("http://localhost/") });
  assert.doesNotThrow(() => assertIntact([error], null), "of errors only the cause is sent");
});

inEachPool("arguments and results arrive whole, or their job fails and says what cannot", async (pools) => {
  await using pool = pools.make({ maxWorkers: 1 });
  const before = await pool.submit(job("where"));
  const same = (value: unknown) => value;
  for (const [name, make] of Object.entries(EVERYWHERE)) {
    assert.deepEqual(await pool.submit(same, make()), make(), name);
  }
  for (const make of [NOWHERE.URL!, NOWHERE.AbortSignal!, NOWHERE.WeakMap!]) {
    await assert.rejects(Promise.resolve(pool.submit(same, { options: make() })), {
      name: "TypeError",
      message: /^the arguments of same\(\) cannot be sent: an object of the class \w+ cannot be copied: /,
    });
    await assert.rejects(Promise.resolve(pool.submit(make)), {
      name: "TypeError",
      message: /^the result of \w+\(\) cannot be sent back: an object of the class \w+ cannot be copied: /,
    });
  }
  for (const [name, make] of Object.entries(THREADS_ONLY)) {
    if (name === "SecretKeyObject") continue;
    const result = pool.submit(make);
    if (pools.name === "threads") assert.equal(typeof (await result), "object");
    else await assert.rejects(Promise.resolve(result), { name: "TypeError", message: new RegExp(name) });
  }
  assert.deepEqual(await pool.submit(job("where")), before);
});

inEachPool("objects of classes arrive as plain ones, and a Buffer as the bytes that it is", async (pools) => {
  await using pool = pools.make({ maxWorkers: 1 });
  const same = (value: unknown) => value;
  assert.deepEqual(await pool.submit(same, new Data()), { y: 2 });
  const bytes = await pool.submit(same, Buffer.from("abc"));
  assert.ok(bytes instanceof Uint8Array);
  assert.equal(Buffer.from(bytes).toString(), "abc");
});

inEachPool("what an error has on it and cannot be sent comes as text", async (pools) => {
  await using pool = pools.make({ maxWorkers: 1 });
  const fail = () => {
    throw Object.assign(new RangeError("x"), { signal: new AbortController().signal, code: 5 });
  };
  const error = await pool.submit(fail).then(
    () => assert.fail(),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof RangeError && "signal" in error && "code" in error);
  assert.equal(error.signal, "AbortSignal { aborted: false }");
  assert.equal(error.code, 5);
});

test("what moves to a thread cannot go to a process", async () => {
  await using pool = new ProcessPoolExecutor({ maxWorkers: 1 });
  const { port1 } = closed(new MessageChannel());
  await assert.rejects(Promise.resolve(pool.submit((_port: unknown) => 1, transfer(port1))), {
    message: /^the arguments of anonymous\(\) cannot be sent: an object of the class MessagePort cannot/,
  });
});
