import { writeBufferLimits } from "./transports.ts";

/** Above the high mark of a buffer, in bytes, its source is paused; at the low mark it goes on. */
export class Watermarks {
  readonly #pause: () => void;
  readonly #resume: () => void;
  readonly #defaultHigh: number | undefined;
  #low: number;
  #high: number;
  #paused = false;

  constructor(pause: () => void, resume: () => void, defaultHigh?: number) {
    this.#pause = pause;
    this.#resume = resume;
    this.#defaultHigh = defaultHigh;
    [this.#low, this.#high] = writeBufferLimits({}, defaultHigh);
  }

  /** Whether the source is paused. */
  get paused(): boolean {
    return this.#paused;
  }

  get limits(): [low: number, high: number] {
    return [this.#low, this.#high];
  }

  /** Throws ValueError unless high ≥ low ≥ 0. */
  setLimits(limits: { high?: number; low?: number }): void {
    [this.#low, this.#high] = writeBufferLimits(limits, this.#defaultHigh);
  }

  /** The buffer may have grown to `size` bytes, or the marks been set. */
  pauseIfAboveHigh(size: number): void {
    if (this.#paused || !this.isTooMuch(size, this.#high)) return;
    this.#paused = true;
    this.#pause();
  }

  /** The buffer may have shrunk to `size` bytes. */
  resumeIfBelowLow(size: number): void {
    if (!this.#paused || size > this.#low) return;
    this.#paused = false;
    this.#resume();
  }

  protected isTooMuch(size: number, high: number): boolean {
    return size > high;
  }
}

/** Those of TLS pause at the high mark already, as in CPython. */
export class TlsWatermarks extends Watermarks {
  protected override isTooMuch(size: number, high: number): boolean {
    return size > 0 && size >= high;
  }
}
