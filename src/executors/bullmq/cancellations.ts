import type { Redis } from "ioredis";

/** Seconds for which a request is remembered: its job may wait in the queue of workers that are all down. */
const REMEMBERED = 7 * 24 * 60 * 60;

/**
 * What jobs of a queue are to end though they may have begun. A request is a key, so that a worker that takes the job over
 * from one that died knows of it, and a message, so that the one that is at it does not have to ask.
 */
export class Cancellations {
  readonly #redis: Redis;
  readonly #queueKey: string;

  /** `queueKey` is what BullMQ's own keys begin with. */
  constructor(redis: Redis, queueKey: string) {
    this.#redis = redis;
    this.#queueKey = queueKey;
  }

  get channel(): string {
    return `${this.#queueKey}:asyncio:cancel`;
  }

  async request(id: string): Promise<void> {
    await this.#redis.set(this.#key(id), "1", "EX", REMEMBERED);
    await this.#redis.publish(this.channel, id);
  }

  async isRequested(id: string): Promise<boolean> {
    return (await this.#redis.exists(this.#key(id))) === 1;
  }

  /** The job has ended. */
  async forget(id: string): Promise<void> {
    await this.#redis.del(this.#key(id));
  }

  #key(id: string): string {
    return `${this.#queueKey}:asyncio:cancelled:${id}`;
  }
}
