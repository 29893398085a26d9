import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { DiagnosticsMessages } from "../../src/index.ts";

/** What is published on a channel until the end of the `using` block. */
export class Subscription<N extends keyof DiagnosticsMessages> implements Disposable {
  readonly messages: DiagnosticsMessages[N][] = [];
  readonly #name: N;
  readonly #note: (message: unknown) => void;

  constructor(name: N, note: (message: DiagnosticsMessages[N]) => void = () => {}) {
    this.#name = name;
    this.#note = (message) => {
      this.messages.push(message as DiagnosticsMessages[N]);
      note(message as DiagnosticsMessages[N]);
    };
    subscribe(name, this.#note);
  }

  [Symbol.dispose](): void {
    unsubscribe(this.#name, this.#note);
  }
}
