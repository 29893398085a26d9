export type { RedisAddress } from "./connection.ts";
export { BullmqExecutor, type BullmqExecutorOptions, type BullmqExecutorView } from "./executor.ts";
export { BullmqFuture } from "./future.ts";
export type { Backoff, BullmqJobOptions } from "./options.ts";
