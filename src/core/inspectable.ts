import { inspect } from "node:util";

/** What tells its state as text: `console.log` and `util.inspect` show that, instead of the fields. */
export abstract class Inspectable {
  abstract toString(): string;

  [inspect.custom](): string {
    return this.toString();
  }
}
