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

/** How many bytes of a file are read and sent at once, where the kernel cannot send it by itself. CPython's number. */
export const SENDFILE_FALLBACK_READBUFFER_SIZE = 256 * 1024;

/** Seconds to stop accepting after running out of file descriptors or memory. CPython's number. */
export const ACCEPT_RETRY_DELAY = 1;

/** Seconds for a TLS handshake, unless told otherwise. CPython's number. */
export const SSL_HANDSHAKE_TIMEOUT = 60;

/** Seconds to wait for the other side to end TLS, unless told otherwise. CPython's number. */
export const SSL_SHUTDOWN_TIMEOUT = 30;

/** Encrypted bytes, waiting to be decrypted, at which a TLS transport stops reading. CPython's number. */
export const FLOW_CONTROL_HIGH_WATER_SSL_READ = 256 * 1024;

/** Bytes, waiting to be encrypted, at which a TLS transport pauses its protocol. CPython's number. */
export const FLOW_CONTROL_HIGH_WATER_SSL_WRITE = 512 * 1024;

/** Seconds that `run` waits for the jobs of the default executor to end. CPython's number. */
export const THREAD_JOIN_TIMEOUT = 300;
