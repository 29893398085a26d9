import { type Logger, setLogger } from "../../src/index.ts";

/** What the library logged, instead of to the console, until the end of the `using` block. */
export class CapturedLog implements Disposable {
  readonly entries: { level: keyof Logger; message: string; details: unknown[] }[] = [];

  constructor() {
    const note =
      (level: keyof Logger) =>
      (message: string, ...details: unknown[]) =>
        this.entries.push({ level, message, details });
    setLogger({ debug: note("debug"), info: note("info"), warn: note("warn"), error: note("error") });
  }

  /** The messages of one level. */
  of(level: keyof Logger): string[] {
    return this.entries.filter((entry) => entry.level === level).map(({ message }) => message);
  }

  [Symbol.dispose](): void {
    setLogger(null);
  }
}
