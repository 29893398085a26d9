/** A watch that libuv keeps on an fd. `start` after `close` crashes the process: the owner must not. */
export interface PollHandle {
  start(callback: () => void): void;
  stop(): void;
  close(): void;
}

/** The part of koffi that we use. Its own types are not imported: it is optional for our users too. */
export interface Koffi {
  load(path: null): {
    func(definition: string): (...args: unknown[]) => number;
    symbol(name: string): bigint;
  };
  decode(address: bigint, type: string): unknown;
  /** The memory at an address. */
  view(address: bigint, length: number): ArrayBuffer;
  errno(): number;
  address(memory: ArrayBufferView): bigint;
  node: { poll(fd: number, callback: () => void): PollHandle };
}
