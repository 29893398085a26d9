/** `node --expose-gc point.ts QUANTITY SERIES N SECONDS`: measure for one n, for about so long; prints seconds and bytes. */

import { run } from "../../src/index.ts";
import { spreadOf } from "../rounds.ts";
import { QUANTITIES } from "./quantities.ts";
import type { Probe } from "./quantity.ts";

/** The time that it typically takes once it has been done for a while. */
async function typicalTime(probe: Probe, budget: number): Promise<number> {
  await timesWithin(probe, budget / 2);
  return spreadOf(await timesWithin(probe, budget)).median;
}

async function timesWithin(probe: Probe, budget: number): Promise<readonly number[]> {
  const end = performance.now() + 1000 * budget;
  const times = [await probe.time()];
  while (performance.now() < end) times.push(await probe.time());
  return times;
}

const [name, series, n, budget] = process.argv.slice(2);
const prepare = QUANTITIES.find((quantity) => quantity.name === name)!.series[series!]!;

await run(async () => {
  const stack = new AsyncDisposableStack();
  const probe = await prepare(Number(n), stack);
  const seconds = await typicalTime(probe, Number(budget));
  const bytes = await probe.memory();
  await stack.disposeAsync();
  console.log(JSON.stringify({ seconds, bytes }));
  // To end a million tasks one by one is not what is measured.
  process.exit();
});
