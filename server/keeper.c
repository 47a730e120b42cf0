/*
 * Signals are blocked everywhere and taken here by sigtimedwait(), whose time-out is the tick of
 * the watchdog; without a watchdog the thread sleeps until a signal comes. Whoever did not answer
 * is not asked again, so a thread that hangs has one question waiting, not thousands.
 */
#include "keeper.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/notify.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	TICKS_PER_WATCHDOG = 3, /* one lost is no reason to be killed */
	EXIT_LATE = 1,
	EXTEND_S = 120 /* more, each time a start says that it is getting on */
};

struct keeper {
	struct keeper_opts opts;
	struct notify notify;
	pthread_t thread;
	bool is_started;
	int64_t tick_ms; /* 0: there is no watchdog */
	int64_t stop_ms; /* monotonic: then the process ends; 0: nobody asked for it */
	atomic_bool is_over;
	/* Of each part: is a question under way, and was the last one answered? */
	atomic_bool is_asked[KEEPER_PARTS];
	bool is_told[KEEPER_PARTS]; /* that it does not answer: logged once */
};

static const char *const names[KEEPER_PARTS] = {"loop", "writer", "web"};

static void fill_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGHUP);
}

void keeper_block(void)
{
	sigset_t set;
	fill_signals(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void keeper_answered(struct keeper *keeper, enum keeper_part part)
{
	atomic_store(&keeper->is_asked[part], false);
}

void keeper_ready(struct keeper *keeper, const char *status)
{
	notify_say(&keeper->notify, "READY=1\nSTATUS=%s", status);
}

void keeper_is_starting(struct keeper *keeper, const char *status)
{
	notify_say(&keeper->notify, "EXTEND_TIMEOUT_USEC=%d000000\nSTATUS=%s", EXTEND_S, status);
}

/* Has everybody answered? Then say so, and ask anew. */
static void look(struct keeper *keeper)
{
	bool is_well = true;
	for (int part = 0; part < KEEPER_PARTS; part++) {
		bool is_silent = atomic_load(&keeper->is_asked[part]);
		if (is_silent && !keeper->is_told[part]) {
			LOG(keeper->opts.env, LOG_ERROR, "node.stuck",
				LOG_TEXT("what", names[part]));
		}
		keeper->is_told[part] = is_silent;
		is_well = is_well && !is_silent;
	}
	if (is_well) {
		notify_say(&keeper->notify, "WATCHDOG=1");
	}
	for (int part = 0; part < KEEPER_PARTS; part++) {
		/* Before the question: the answer may be quicker than we are. */
		if (!atomic_exchange(&keeper->is_asked[part], true) &&
			!keeper->opts.ask(keeper->opts.ctx, (enum keeper_part)part)) {
			atomic_store(&keeper->is_asked[part], false);
		}
	}
}

static void end_at_once(int number)
{
	sigset_t set;
	fill_signals(&set);
	(void)signal(number, SIG_DFL);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	(void)raise(number);
}

static void on_signal(struct keeper *keeper, int number)
{
	int64_t now_ms = env_mono_ms(keeper->opts.env);
	if (number == SIGHUP) {
		notify_say(&keeper->notify, "RELOADING=1\nMONOTONIC_USEC=%lld",
			(long long)now_ms * 1000);
		keeper->opts.on_hangup(keeper->opts.ctx);
		notify_say(&keeper->notify, "READY=1");
		return;
	}
	if (keeper->stop_ms != 0) {
		end_at_once(number); /* somebody is impatient */
	}
	keeper->stop_ms = now_ms + LIMIT_STOP_MS;
	LOG(keeper->opts.env, LOG_INFO, "node.stopping", LOG_NUM("signal", number));
	notify_say(&keeper->notify, "STOPPING=1\nSTATUS=stopping");
	keeper->opts.on_stop(keeper->opts.ctx, number);
}

/* The next signal; 0 when it is time for something else. */
static int wait_for_signal(const struct keeper *keeper, const sigset_t *set)
{
	int64_t wait_ms = keeper->tick_ms;
	if (keeper->stop_ms != 0) {
		int64_t left_ms = keeper->stop_ms - env_mono_ms(keeper->opts.env);
		left_ms = left_ms < 0 ? 0 : left_ms;
		wait_ms = wait_ms == 0 || left_ms < wait_ms ? left_ms : wait_ms;
	} else if (wait_ms == 0) {
		int number = sigwaitinfo(set, NULL);
		return number < 0 ? 0 : number;
	}
	const struct timespec wait = {
		.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000};
	int number = sigtimedwait(set, NULL, &wait);
	return number < 0 ? 0 : number;
}

static void *keeper_main(void *arg)
{
	struct keeper *keeper = arg;
	sigset_t set;
	fill_signals(&set);
	while (!atomic_load(&keeper->is_over)) {
		int number = wait_for_signal(keeper, &set);
		if (atomic_load(&keeper->is_over)) {
			break;
		}
		if (number != 0) {
			on_signal(keeper, number);
		} else if (keeper->stop_ms != 0 &&
			   env_mono_ms(keeper->opts.env) >= keeper->stop_ms) {
			LOG(keeper->opts.env, LOG_ERROR, "node.too_slow",
				LOG_NUM("ms", LIMIT_STOP_MS));
			_exit(EXIT_LATE);
		} else if (keeper->tick_ms != 0) {
			look(keeper);
		}
	}
	return NULL;
}

enum err keeper_new(const struct keeper_opts *opts, struct keeper **out)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	if (keeper == NULL) {
		return ERR_NOMEM;
	}
	keeper->opts = *opts;
	notify_open(&keeper->notify, getenv("NOTIFY_SOCKET"));
	int64_t watchdog_ms = notify_watchdog_ms(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
	if (keeper->notify.fd >= 0 && watchdog_ms > 0) {
		int64_t tick_ms = watchdog_ms / TICKS_PER_WATCHDOG;
		keeper->tick_ms = tick_ms < LIMIT_ALIVE_MS_MIN ? LIMIT_ALIVE_MS_MIN : tick_ms;
	}
	*out = keeper;
	return ERR_OK;
}

enum err keeper_start(struct keeper *keeper)
{
	keeper->is_started = pthread_create(&keeper->thread, NULL, keeper_main, keeper) == 0;
	return keeper->is_started ? ERR_OK : ERR_NOMEM;
}

void keeper_stop(struct keeper *keeper)
{
	sigset_t set;
	if (keeper == NULL) {
		return;
	}
	atomic_store(&keeper->is_over, true);
	if (keeper->is_started) {
		(void)pthread_kill(keeper->thread, SIGHUP); /* it waits for one of them */
		(void)pthread_join(keeper->thread, NULL);
	}
	notify_close(&keeper->notify);
	free(keeper);
	fill_signals(&set);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
