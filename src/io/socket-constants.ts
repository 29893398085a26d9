/**
 * The numbers of Linux's socket API, under their C and Python names. The values are those of x86_64 and arm64.
 */

/** Any address family; for name resolution. */
export const AF_UNSPEC = 0;
/** Unix domain sockets: the address is a path, or a name that starts with "\0". */
export const AF_UNIX = 1;
/** IPv4: the address is `[host, port]`. */
export const AF_INET = 2;
/** IPv6: the address is `[host, port, flowinfo, scopeid]`. */
export const AF_INET6 = 10;

/** A stream of bytes: TCP. */
export const SOCK_STREAM = 1;
/** Datagrams: UDP. */
export const SOCK_DGRAM = 2;
/** Datagrams in order, over a connection. */
export const SOCK_SEQPACKET = 5;

/** Options of the socket itself. */
export const SOL_SOCKET = 1;
/** Bind to an address whose former connections are still in TIME_WAIT. */
export const SO_REUSEADDR = 2;
/** Read-only: SOCK_STREAM, SOCK_DGRAM, … */
export const SO_TYPE = 3;
/** Read-only: the pending error, which reading it clears. */
export const SO_ERROR = 4;
/** Allow datagrams to broadcast addresses. */
export const SO_BROADCAST = 6;
/** The size of the send buffer in bytes; reads as twice what was set. */
export const SO_SNDBUF = 7;
/** The size of the receive buffer in bytes; reads as twice what was set. */
export const SO_RCVBUF = 8;
/** Probe idle connections. */
export const SO_KEEPALIVE = 9;
/** What `close` does with unsent data: `struct linger`, two ints. */
export const SO_LINGER = 13;
/** Let several sockets bind one address; the kernel spreads connections over them. */
export const SO_REUSEPORT = 15;
/** Read-only: 1 if the socket listens. */
export const SO_ACCEPTCONN = 30;
/** Read-only: the protocol number. */
export const SO_PROTOCOL = 38;
/** Read-only: the address family. */
export const SO_DOMAIN = 39;

/** Options of IPv4. */
export const IPPROTO_IP = 0;
/** TCP, and its options. */
export const IPPROTO_TCP = 6;
/** UDP, and its options. */
export const IPPROTO_UDP = 17;
/** Options of IPv6. */
export const IPPROTO_IPV6 = 41;
/** Keep an IPv6 socket from taking IPv4 connections too. */
export const IPV6_V6ONLY = 26;
/** Send at once instead of waiting for more (no Nagle). */
export const TCP_NODELAY = 1;
/** Idle seconds before the first keep-alive probe. */
export const TCP_KEEPIDLE = 4;
/** Seconds between keep-alive probes. */
export const TCP_KEEPINTVL = 5;
/** Unanswered keep-alive probes that end the connection. */
export const TCP_KEEPCNT = 6;

/** `shutdown`: no more reading. */
export const SHUT_RD = 0;
/** `shutdown`: no more writing; the other side reads an end of stream. */
export const SHUT_WR = 1;
/** `shutdown`: neither. */
export const SHUT_RDWR = 2;

/** `recv`: leave the data in the socket. */
export const MSG_PEEK = 0x2;
/** `recv`: give the real length of a datagram that was cut. */
export const MSG_TRUNC = 0x20;
/** `send`: no SIGPIPE, only EPIPE. Every send of asyncio-ts has it. */
export const MSG_NOSIGNAL = 0x4000;

/** Name resolution: addresses to bind to; without a host, the wildcard address. */
export const AI_PASSIVE = 0x1;
/** Name resolution: also the name by which the host is known. */
export const AI_CANONNAME = 0x2;
/** Name resolution: the host is an address; no name is looked up. */
export const AI_NUMERICHOST = 0x4;
/** Name resolution: IPv6 addresses that stand for IPv4 ones, if there are no others. */
export const AI_V4MAPPED = 0x8;
/** Name resolution: with AI_V4MAPPED, these besides the others. */
export const AI_ALL = 0x10;
/** Name resolution: only addresses of a family of which this machine has one, too. */
export const AI_ADDRCONFIG = 0x20;
/** Name resolution: the port is a number; no service is looked up. */
export const AI_NUMERICSERV = 0x400;

/** The name of an address: the address itself, as text. */
export const NI_NUMERICHOST = 0x1;
/** The name of an address: the port as a number, not the service. */
export const NI_NUMERICSERV = 0x2;
/** The name of an address: without the domain, if the host is a local one. */
export const NI_NOFQDN = 0x4;
/** The name of an address: an error if the host has none. */
export const NI_NAMEREQD = 0x8;
/** The name of an address: the service by UDP, where that is another one. */
export const NI_DGRAM = 0x10;

/** The longest backlog that `listen` takes by default on Linux. */
export const SOMAXCONN = 4096;
