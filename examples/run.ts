import { load, names } from "./examples.ts";

const [name, ...args] = process.argv.slice(2);
if (name === undefined || !(names as readonly string[]).includes(name)) {
  console.error(`usage: npm run example NAME, where NAME is one of: ${names.join(", ")}`);
  process.exit(2);
}
await (await load(name)).main(...args);
