/**
 * base/env: the outside world as the program sees it: two clocks, randomness, and where log lines
 * go. Tests replace it; nothing below `net` asks the system for these by itself.
 */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include "base/err.h"
#include "base/span.h"

enum log_level { LOG_DEBUG = 0, LOG_INFO, LOG_WARN, LOG_ERROR };

struct env {
	int64_t (*mono_ms)(void *ctx);                         /* never goes back */
	int64_t (*wall_ms)(void *ctx);                         /* since 1970; may jump */
	void (*random)(void *ctx, uint8_t *out, size_t count); /* never fails */
	void (*log_line)(
		void *ctx, enum log_level level, const char *line); /* one line, no newline */
	void *ctx;
};

/** The real world: CLOCK_MONOTONIC, CLOCK_REALTIME, libsodium's randombytes, stderr. Static; any
 * thread. */
const struct env *env_system(void);

static inline int64_t env_mono_ms(const struct env *env)
{
	return env->mono_ms(env->ctx);
}

static inline int64_t env_wall_ms(const struct env *env)
{
	return env->wall_ms(env->ctx);
}

#endif
