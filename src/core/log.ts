/** What the library logs to: `console`, and most logging libraries, fit. */
export interface Logger {
  debug(message: string, ...details: unknown[]): void;
  info(message: string, ...details: unknown[]): void;
  warn(message: string, ...details: unknown[]): void;
  error(message: string, ...details: unknown[]): void;
}

/** Python: the logger named `asyncio`. */
export const logger: Logger = console;
