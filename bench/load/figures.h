#pragma once

#include <stdint.h>

/* Begin to measure: this process, and the server's, `pid`. */
void begin_measuring(int pid);

/* A round trip took so many nanoseconds. Counts while this measures. */
void count_trip(uint64_t nanoseconds);

/* End, and print the figures. */
void end_measuring(void);
