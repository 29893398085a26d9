export const EPOLLIN = 0x1;
export const EPOLLOUT = 0x4;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;

/** `struct epoll_event` in 32-bit words: {events, data}. Only x86_64 packs it (no padding before the 64-bit data). */
export const STRIDE = process.arch === "x64" ? 3 : 4;
export const DATA = STRIDE - 2;
