import { AF_INET, AF_INET6 } from "../socket-constants.ts";
import { SOCKADDR_SIZE } from "./address.ts";
import { type Libc, libc } from "./libc.ts";

const MSG_DONTWAIT = 0x40;

/**
 * The memory of a batch. It is 32 times the longest datagram of UDP: so many take an echo server a fifth of a millisecond,
 * and a fast sender does not keep the loop from its other work.
 */
const SIZE = 2 * 1024 * 1024;
const LONGEST_OF_UDP = 64 * 1024;
/** As in CPython. */
const LONGEST = 256 * 1024;

/** `struct mmsghdr`, in steps of 4 bytes, or of 8. */
const HEADER = { words: 16, nameLength: 2, dataLength: 14, quads: 8, name: 0, iovec: 2, iovecs: 3 } as const;

/** What one system call receives: datagrams that were waiting, and their senders. Valid until the next `receive`. */
export class DatagramBatch {
  readonly #libc: Libc = libc();
  readonly #memory = Buffer.allocUnsafeSlow(SIZE);
  readonly #room: number;
  readonly #capacity: number;
  readonly #names: Uint8Array[];
  readonly #iovecs: BigUint64Array;
  readonly #headers: Uint32Array;

  /** @param room For one datagram, in bytes: what is longer is cut off. */
  constructor(room: number) {
    this.#room = room;
    this.#capacity = SIZE / room;
    const names = new Uint8Array(this.#capacity * SOCKADDR_SIZE);
    this.#names = Array.from({ length: this.#capacity }, (_, i) =>
      names.subarray(i * SOCKADDR_SIZE, (i + 1) * SOCKADDR_SIZE),
    );
    this.#iovecs = new BigUint64Array(2 * this.#capacity);
    this.#headers = new Uint32Array(HEADER.words * this.#capacity);
    this.#pointToMemory(names);
  }

  #pointToMemory(names: Uint8Array): void {
    const [memory, name, iovec] = [this.#memory, names, this.#iovecs].map((one) => this.#libc.address(one));
    const quads = new BigUint64Array(this.#headers.buffer);
    for (let i = 0; i < this.#capacity; i++) {
      this.#iovecs[2 * i] = memory! + BigInt(i * this.#room);
      this.#iovecs[2 * i + 1] = BigInt(this.#room);
      quads[i * HEADER.quads + HEADER.name] = name! + BigInt(i * SOCKADDR_SIZE);
      quads[i * HEADER.quads + HEADER.iovec] = iovec! + BigInt(i * 16);
      quads[i * HEADER.quads + HEADER.iovecs] = 1n;
    }
  }

  /** Take what is waiting at `fd`: the number of datagrams, or the negative error number. */
  receive(fd: number): number {
    for (let i = 0; i < this.#capacity; i++) {
      this.#headers[i * HEADER.words + HEADER.nameLength] = SOCKADDR_SIZE;
    }
    return this.#libc.recvmmsg(fd, this.#headers, this.#capacity, MSG_DONTWAIT);
  }

  /** A copy of the datagram: its receiver's to keep. */
  data(index: number): Buffer {
    const start = index * this.#room;
    const length = this.#headers[index * HEADER.words + HEADER.dataLength]!;
    return Buffer.from(this.#memory.subarray(start, start + length));
  }

  /** The memory that the sender's address is in. */
  name(index: number): Uint8Array {
    return this.#names[index]!;
  }

  /** 0 if the sender has none. */
  nameLength(index: number): number {
    return this.#headers[index * HEADER.words + HEADER.nameLength]!;
  }
}

let ofUdp: DatagramBatch | undefined;
let ofOthers: DatagramBatch | undefined;

/** The batch that all sockets of such a family receive with, one after the other. */
export function batchFor(family: number): DatagramBatch {
  if (family === AF_INET || family === AF_INET6) {
    ofUdp ??= new DatagramBatch(LONGEST_OF_UDP);
    return ofUdp;
  }
  ofOthers ??= new DatagramBatch(LONGEST);
  return ofOthers;
}
