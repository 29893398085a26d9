import assert from "node:assert/strict";
import { describe } from "node:test";
import { CancelledError, Coroutine, createTask, sleep, socketpair } from "../../../src/index.ts";
import { Readiness } from "../../../src/io/native/readiness.ts";
import { SelectorEvents } from "../../../src/io/native/selector-events.ts";
import { rejects } from "../../helpers.ts";
import { inEachFlavourNatively, type NativeBench } from "./flavoured.ts";

/** A selector of its own, polled in each turn, and two connected sockets. */
function workshop({ loop }: NativeBench) {
  const events = new SelectorEvents();
  events.attach(loop);
  const readiness = new Readiness(events);
  const [left, right] = socketpair();
  const wait = () => createTask(new Coroutine(() => readiness.wait("reader", right.fileno()), "wait"));
  const close = () => {
    events.close();
    left.close();
    right.close();
  };
  return { events, left, right, wait, close };
}

describe("Readiness", () => {
  inEachFlavourNatively("wakes all who wait, in their order, and stops watching", function* (bench) {
    const { on } = bench;
    const { events, left, right, wait, close } = workshop(bench);
    const order: number[] = [];
    const tasks = [0, 1, 2].map((i) => {
      const task = wait();
      task.addDoneCallback(() => order.push(i));
      return task;
    });
    yield* on(sleep(0));
    events.poll();
    yield* on(sleep(0));
    assert.equal(tasks[0]!.done(), false);
    left.send("x");
    events.poll();
    for (const task of tasks) yield* on(task);
    yield* on(sleep(0));
    assert.deepEqual(order, [0, 1, 2]);
    assert.equal(events.remove("reader", right.fileno()), false);
    close();
  });

  inEachFlavourNatively("one who is cancelled leaves the others waiting", function* (bench) {
    const { on } = bench;
    const { events, left, wait, close } = workshop(bench);
    const [one, two] = [wait(), wait()];
    yield* on(sleep(0));
    one.cancel();
    yield* rejects(on(one), CancelledError);
    left.send("x");
    events.poll();
    yield* on(two);
    close();
  });

  inEachFlavourNatively("who comes after somebody else took the fd gets it back", function* (bench) {
    const { on } = bench;
    const { events, left, right, wait, close } = workshop(bench);
    const first = wait();
    yield* on(sleep(0));
    events.add("reader", right.fileno(), () => assert.fail("replaced"));
    const second = wait();
    yield* on(sleep(0));
    left.send("x");
    events.poll();
    yield* on(first);
    yield* on(second);
    assert.equal(events.remove("reader", right.fileno()), false);
    close();
  });
});
