/** What all servers answer. */
export const HELLO = Buffer.from("Hello, world!\n");
