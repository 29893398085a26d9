import { writeBufferLimits } from "./transports.ts";

/** The marks of a transport's write buffer, in bytes, and whether its protocol was told to stop writing. */
export class WriteMarks {
  readonly #tell: (method: "pauseWriting" | "resumeWriting") => void;
  #low: number;
  #high: number;
  #paused = false;

  /** `tell` calls that method of the protocol. */
  constructor(tell: (method: "pauseWriting" | "resumeWriting") => void) {
    this.#tell = tell;
    [this.#low, this.#high] = writeBufferLimits({});
  }

  get limits(): [low: number, high: number] {
    return [this.#low, this.#high];
  }

  /** Throws ValueError unless high ≥ low ≥ 0. */
  setLimits(limits: { high?: number; low?: number }): void {
    [this.#low, this.#high] = writeBufferLimits(limits);
  }

  /** The buffer may have grown to `size` bytes, or the marks been set. */
  pauseIfAboveHigh(size: number): void {
    if (this.#paused || size <= this.#high) return;
    this.#paused = true;
    this.#tell("pauseWriting");
  }

  /** The buffer may have shrunk to `size` bytes. */
  resumeIfBelowLow(size: number): void {
    if (!this.#paused || size > this.#low) return;
    this.#paused = false;
    this.#tell("resumeWriting");
  }
}
