import { gather, run, sleep } from "../src/index.ts";

export const title = "gather: three factorials, interleaving";

async function factorial(name: string, number: number): Promise<number> {
  let product = 1;
  for (let factor = 2; factor <= number; factor++) {
    console.log(`Task ${name}: compute factorial(${number}), currently i=${factor}...`);
    await sleep(0.5);
    product *= factor;
  }
  console.log(`Task ${name}: factorial(${number}) = ${product}`);
  return product;
}

export async function main(): Promise<void> {
  await run(async () => {
    const results = await gather(
      () => factorial("A", 2),
      () => factorial("B", 3),
      () => factorial("C", 4),
    );
    console.log(results);
  });
}
