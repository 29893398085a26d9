#include "figures.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common.h"

/* The latencies are counted by tenths of a microsecond, up to one second. */
#define TENTH 100
#define TENTHS (10 * 1000 * 1000)

static uint32_t latencies[TENTHS];
static uint64_t trips;
static bool measuring;
static int server;
static uint64_t start;
static double server_start, own_start;

/* The processor time of a process, in seconds. */
static double processor_time(int pid)
{
	char path[64], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *file = fopen(path, "r");
	if (file == NULL || fgets(text, sizeof text, file) == NULL)
		fail_errno(path);
	fclose(file);
	unsigned long user, system;
	/* The name, in parentheses, may have spaces. */
	const char *fields = strrchr(text, ')');
	if (fields == NULL ||
	    sscanf(fields, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
		fail("%s is not as expected", path);
	return (double)(user + system) / sysconf(_SC_CLK_TCK);
}

/* In microseconds. */
static double percentile(double fraction)
{
	uint64_t passed = 0;
	int i = 0;
	while (i < TENTHS - 1 && (passed += latencies[i]) < fraction * trips)
		i++;
	return i / 10.0;
}

void begin_measuring(int pid)
{
	server = pid;
	server_start = processor_time(server);
	own_start = processor_time(getpid());
	start = now();
	measuring = true;
}

void count_trip(uint64_t nanoseconds)
{
	if (!measuring)
		return;
	uint64_t tenths = nanoseconds / TENTH;
	latencies[tenths < TENTHS ? tenths : TENTHS - 1]++;
	trips++;
}

void end_measuring(void)
{
	double seconds = (double)(now() - start) / NANOSECONDS;
	measuring = false;
	printf("{\"round trips/s\": %.1f, \"p50 µs\": %.1f, \"p99 µs\": %.1f, ", trips / seconds, percentile(0.5),
	       percentile(0.99));
	printf("\"server busy %%\": %.1f, \"load busy %%\": %.1f}\n",
	       100 * (processor_time(server) - server_start) / seconds,
	       100 * (processor_time(getpid()) - own_start) / seconds);
}
