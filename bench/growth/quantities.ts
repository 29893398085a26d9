import { connections } from "./connections.ts";
import { messages } from "./messages.ts";
import type { Quantity } from "./quantity.ts";
import { tasks } from "./tasks.ts";
import { timers } from "./timers.ts";
import { waiters } from "./waiters.ts";

export const QUANTITIES: readonly Quantity[] = [connections, tasks, timers, waiters, messages];
