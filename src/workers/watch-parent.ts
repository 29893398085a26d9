/** The program of a thread that ends its process when the one that started that is gone. */

import { Socket } from "node:net";

/** A pipe to whoever started us: it ends when they do. */
const LIFELINE = 4;

/** Milliseconds for the process to end by itself. */
const PATIENCE = 1000;

const lifeline = new Socket({ fd: LIFELINE, readable: true });
lifeline.on("error", () => {});
lifeline.on("close", () => setTimeout(() => process.kill(process.pid, "SIGKILL"), PATIENCE));
lifeline.resume();
