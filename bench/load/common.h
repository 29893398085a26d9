#pragma once

#include <stdint.h>

#define NANOSECONDS 1000000000ull

/* End this program with a message, as that of printf. */
__attribute__((format(printf, 1, 2))) _Noreturn void fail(const char *format, ...);

/* End this program with a message and what errno says. */
_Noreturn void fail_errno(const char *what);

/* The time, in nanoseconds. */
uint64_t now(void);
