import { load, names } from "./examples.ts";

for (const name of names) {
  const example = await load(name);
  console.log(`\n── ${example.title} (examples/${name}.ts)\n`);
  await example.main();
}
console.log("\nEach of them runs alone too: npm run example NAME");
