/**
 * Where a socket is, as in Python: `[host, port]` for IPv4, `[host, port, flowinfo, scopeid]` for IPv6 (the last two
 * may be left out of what is passed in), a string for unix: a path, a name that starts with "\0" (Linux's abstract
 * namespace), or "" for a socket without a name.
 */
export type Address = readonly [string, number] | readonly [string, number, number, number] | string;
