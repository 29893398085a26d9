import { inspect } from "node:util";
import { Redis, type RedisOptions } from "ioredis";
import { ValueError } from "../../core/errors.ts";
import { logger } from "../../core/log.ts";

/** Where Redis is: `redis://user:password@host:6379/0`, `rediss:` for TLS, or options of ioredis. */
export type RedisAddress = string | URL | RedisOptions;

/** Throws TypeError or ValueError for what is no address of a Redis. */
export function assertAddress(address: unknown): asserts address is RedisAddress {
  if (typeof address !== "string" && !(address instanceof URL)) {
    if (typeof address === "object" && address !== null) return;
    throw new TypeError(`redis must be a URL or options, not ${inspect(address)}`);
  }
  const protocol = URL.canParse(address) ? new URL(address).protocol : "";
  // Not the URL itself: there may be a password in it.
  if (!["redis:", "rediss:"].includes(protocol))
    throw new ValueError("redis must be a redis: or rediss: URL");
}

/** A connection to Redis that comes back when it is lost, and keeps the process alive only while it is wanted. */
export class Connection {
  readonly redis: Redis;
  #held = true;

  constructor(address: RedisAddress) {
    // Commands wait for as long as Redis is away: no job is lost by its restart.
    const settings = { maxRetriesPerRequest: null, enableReadyCheck: true } as const;
    this.redis =
      typeof address === "string" || address instanceof URL
        ? new Redis(String(address), settings)
        : new Redis({ ...address, ...settings });
    for (const event of ["connect", "reconnecting"]) this.redis.on(event, () => this.#apply());
    this.#reportOutages();
  }

  hold(held: boolean): void {
    this.#held = held;
    this.#apply();
  }

  /** Wait for nothing that is under way. */
  async disconnect(): Promise<void> {
    const { status } = this.redis;
    const ended = new Promise((resolve) => this.redis.once("end", resolve));
    this.redis.disconnect();
    // One that is between two attempts has nothing to end, and would not say that it has.
    if (!["end", "wait", "reconnecting"].includes(status)) await ended;
  }

  #apply(): void {
    // The timer is none of ioredis' public names; if it were not there, only its wait would keep the process alive.
    const timer: NodeJS.Timeout | null | undefined = Reflect.get(this.redis, "reconnectTimeout");
    for (const handle of [this.redis.stream, timer]) {
      if (this.#held) handle?.ref?.();
      else handle?.unref?.();
    }
  }

  #reportOutages(): void {
    let isAway = false;
    this.redis.on("error", (error) => {
      if (!isAway) logger.warn(`Redis cannot be reached, and is tried again: ${error.message}`);
      isAway = true;
    });
    this.redis.on("ready", () => {
      isAway = false;
    });
  }
}
