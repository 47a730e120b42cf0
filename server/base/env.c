/* The real world behind base/env. */
#include "base/env.h"

#include <sodium.h>
#include <stdio.h>
#include <time.h>

static int64_t clock_ms(clockid_t id)
{
	struct timespec now;
	if (clock_gettime(id, &now) != 0) {
		return 0;
	}
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_mono_ms(void *ctx)
{
	(void)ctx;
	return clock_ms(CLOCK_MONOTONIC);
}

static int64_t system_wall_ms(void *ctx)
{
	(void)ctx;
	return clock_ms(CLOCK_REALTIME);
}

static void system_random(void *ctx, uint8_t *out, size_t count)
{
	(void)ctx;
	randombytes_buf(out, count);
}

static void system_log_line(void *ctx, enum log_level level, const char *line)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	(void)ctx;
	/* One call, so that lines of several threads never mix. */
	if (line[0] == '{') {
		(void)fprintf(stderr, "%s\n", line); /* JSON tells its level itself */
	} else {
		(void)fprintf(stderr, "%s %s\n", names[level], line);
	}
}

const struct env *env_system(void)
{
	static const struct env system = {
		.mono_ms = system_mono_ms,
		.wall_ms = system_wall_ms,
		.random = system_random,
		.log_line = system_log_line,
	};
	return &system;
}
