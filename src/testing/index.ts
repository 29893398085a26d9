export { Deadlock, VirtualClock } from "./virtual-clock.ts";
