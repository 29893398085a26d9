/** Longest single sleep of the loop, in seconds; a later timer only makes it sleep again. A day, as in CPython; far below `setTimeout`'s cap of 24.8 days. */
export const MAXIMUM_SELECT_TIMEOUT = 24 * 3600;

/** How many frames of a creation stack are kept in debug mode. CPython's number. */
export const DEBUG_STACK_DEPTH = 10;

/** With fewer cancelled timers than this the heap is not worth rebuilding. CPython's number. */
export const MIN_SCHEDULED_TIMER_HANDLES = 100;

/** The share of cancelled timers above which the heap is rebuilt without them. CPython's number. */
export const MIN_CANCELLED_TIMER_HANDLES_FRACTION = 0.5;

/** How many writes after a lost connection pass in silence before each further one is logged. CPython's number. */
export const LOG_THRESHOLD_FOR_CONNLOST_WRITES = 5;

/** Seconds to stop accepting after running out of file descriptors or memory. CPython's number. */
export const ACCEPT_RETRY_DELAY = 1;
