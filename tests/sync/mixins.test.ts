import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { type BaseEventLoop, RuntimeError } from "../../src/index.ts";
import { LoopBound } from "../../src/sync/mixins.ts";
import { newLoop } from "../helpers.ts";

class Primitive extends LoopBound {
  look(): BaseEventLoop {
    return this.loop;
  }

  override toString(): string {
    return "<Primitive>";
  }
}

test("a primitive belongs to the first loop in which it is needed, and to no other", async () => {
  using loop = newLoop();
  using other = newLoop();
  const primitive = new Primitive();
  await loop.runUntilComplete(() => {
    assert.equal(primitive.look(), loop);
    assert.equal(primitive.look(), loop);
  });
  await other.runUntilComplete(() => {
    assert.throws(() => primitive.look(), {
      name: "RuntimeError",
      message: "<Primitive> is bound to a different event loop",
    });
  });
  await loop.runUntilComplete(() => assert.equal(primitive.look(), loop));
});

test("without a loop that runs a primitive can be made, and shown, but not waited at", () => {
  const primitive = new Primitive();
  assert.equal(inspect(primitive), "<Primitive>");
  assert.throws(() => primitive.look(), RuntimeError);
});
