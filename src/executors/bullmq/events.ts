import { setTimeout as delay } from "node:timers/promises";
import { logger } from "../../core/log.ts";
import { Connection, type RedisAddress } from "./connection.ts";

/** What happened to a job, as BullMQ tells it: `event`, `jobId`, and what belongs to the event. */
export type QueueEvent = Readonly<Record<string, string>>;

/** So many events are read at once. */
const BATCH = 1000;

/** Milliseconds before reading is tried again. */
const PAUSE = 1000;

/**
 * Reads the stream of a queue's events. BullMQ's own `QueueEvents` has timers that keep the process alive, and begins at a
 * place that is not known: what happens right after it was made, or while Redis restarts, could be missed.
 */
export class QueueEventReader {
  readonly #connection: Connection;
  readonly #key: string;
  readonly #onEvent: (event: QueueEvent) => void;
  /** Resolves when nothing can be missed from now on. */
  readonly started: Promise<void>;
  #last = "0-0";
  #closed = false;

  constructor(
    address: RedisAddress,
    queueKey: string,
    host: { onEvent(event: QueueEvent): void; onConnected(): void },
  ) {
    this.#connection = new Connection(address);
    this.#key = `${queueKey}:events`;
    this.#onEvent = host.onEvent;
    this.#connection.redis.on("ready", host.onConnected);
    this.started = this.#start();
    this.started.catch(() => {});
  }

  hold(held: boolean): void {
    this.#connection.hold(held);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connection.disconnect();
  }

  async #start(): Promise<void> {
    const [newest] = await this.#connection.redis.xrevrange(this.#key, "+", "-", "COUNT", 1);
    if (newest !== undefined) this.#last = newest[0];
    this.#readAll();
  }

  async #readAll(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#read();
      } catch (error) {
        if (this.#closed) return;
        logger.warn("the events of a queue cannot be read, which is tried again", error);
        await delay(PAUSE, undefined, { ref: false });
      }
    }
  }

  async #read(): Promise<void> {
    const { redis } = this.#connection;
    const streams = await redis.xread("COUNT", BATCH, "BLOCK", 0, "STREAMS", this.#key, this.#last);
    for (const [, entries] of streams ?? []) {
      for (const [id, fields] of entries) {
        this.#last = id;
        this.#onEvent(toRecord(fields));
      }
    }
  }
}

function toRecord(fields: readonly string[]): QueueEvent {
  const record: Record<string, string> = {};
  for (let i = 0; i + 1 < fields.length; i += 2) record[fields[i]!] = fields[i + 1]!;
  return record;
}
