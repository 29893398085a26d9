import assert from "node:assert/strict";
import { test } from "node:test";
import { collectGarbage, collectReports, newLoop } from "../helpers.ts";

test("what is owed when the owner is collected is reported, once", async () => {
  using loop = newLoop();
  const reports = collectReports(loop);
  const report = { message: "it owed something" };
  (() => loop.obligations.add({}, report))();
  assert.deepEqual(reports, []);
  await collectGarbage();
  assert.deepEqual(reports, [report]);
  loop.obligations.callIn();
  assert.equal(reports.length, 1);
});

test("what is owed is reported when it is called in, in the order in which it came to be owed", () => {
  using loop = newLoop();
  const reports = collectReports(loop);
  const owners = [{}, {}];
  for (const [index, owner] of owners.entries()) loop.obligations.add(owner, { message: `report ${index}` });
  loop.obligations.callIn();
  assert.deepEqual(
    reports.map(({ message }) => message),
    ["report 0", "report 1"],
  );
});

test("what is settled is not reported, and may be settled again", async () => {
  using loop = newLoop();
  const reports = collectReports(loop);
  (() => {
    const obligation = loop.obligations.add({}, { message: "it owed something" });
    obligation.settle();
    obligation.settle();
  })();
  await collectGarbage();
  loop.obligations.callIn();
  assert.deepEqual(reports, []);
});
