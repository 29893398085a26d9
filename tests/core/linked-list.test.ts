import assert from "node:assert/strict";
import { test } from "node:test";
import { type Linked, LinkedList } from "../../src/core/linked-list.ts";

class Item implements Linked<Item> {
  previous: Item | null = null;
  next: Item | null = null;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

function listOf(...names: string[]): { list: LinkedList<Item>; items: Item[] } {
  const list = new LinkedList<Item>();
  const items = names.map((name) => new Item(name));
  for (const item of items) list.add(item);
  return { list, items };
}

const namesIn = (list: LinkedList<Item>) => Array.from(list, ({ name }) => name).join("");

test("a list gives its items in the order in which they were added", () => {
  const { list } = listOf("a", "b", "c");
  assert.equal(namesIn(list), "abc");
  assert.equal(list.first?.name, "a");
  assert.equal(list.empty, false);
});

test("the first, the last, one in the middle and the only item can be taken out", () => {
  for (const [index, rest] of ["bc", "ac", "ab"].entries()) {
    const { list, items } = listOf("a", "b", "c");
    list.delete(items[index]!);
    assert.equal(namesIn(list), rest);
  }
  const { list, items } = listOf("a");
  list.delete(items[0]!);
  assert.equal(list.empty, true);
  assert.equal(list.first, null);
});

test("an item that was taken out can be added again, at the end", () => {
  const { list, items } = listOf("a", "b", "c");
  list.delete(items[0]!);
  list.add(items[0]!);
  assert.equal(namesIn(list), "bca");
});

test("the item that one is at may be taken out on the way", () => {
  const { list } = listOf("a", "b", "c");
  for (const item of list) list.delete(item);
  assert.equal(list.empty, true);
});

test("taking out an item that stands in no list does nothing", () => {
  const { list, items } = listOf("a", "b");
  list.delete(new Item("c"));
  list.delete(items[1]!);
  list.delete(items[1]!);
  assert.equal(namesIn(list), "a");
  assert.equal(list.length, 1);
});
