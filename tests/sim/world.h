/** tests/sim/world: one thread, one clock, one seed. Everything that happens in the simulator is an
 * event of this heap; two events of one time come in the order they were set. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "base/err.h"
#include "base/span.h"

#include <stddef.h>

enum { SECOND_US = 1000000, MILLI_US = 1000 };

/* Embedded in its owner, with `fn` and `ctx` set; clear it before its memory goes. */
struct event {
	void (*fn)(void *ctx);
	void *ctx;
	int64_t at_us;
	uint64_t serial;
	size_t at; /* in the heap, from 1; 0: not set */
};

/* Streams of chance, so that one more draw of one does not move the others. */
enum dice { DICE_PLOT, DICE_NET, DICE_WORK, DICE_OWNER, DICE_LIAR, DICE_SODIUM, DICE_COUNT };

struct world {
	uint64_t seed;
	int64_t now_us;
	uint64_t serial, events;
	struct event **heap;
	size_t count, room;
	uint64_t state[DICE_COUNT];
	uint64_t trace; /* hash of all that happened */
	bool is_verbose;
	unsigned broken; /* promises */
};
extern struct world world;

void world_begin(uint64_t seed, bool is_verbose);
void world_end(void);
/** Run events until `until_us`, then stand there. */
void world_run(int64_t until_us);

/** Due `after_us` from now; replaces an earlier setting. */
void event_set(struct event *event, int64_t after_us);
void event_clear(struct event *event);
static inline bool event_is_set(const struct event *event)
{
	return event->at != 0;
}

uint64_t dice_word(enum dice dice);
/** 0 … count − 1; `count` at least 1. */
uint64_t dice_below(enum dice dice, uint64_t count);
/** from … to, both included. */
int64_t dice_between(enum dice dice, int64_t from, int64_t to);
/** True in `percent` of 100. */
bool dice_percent(enum dice dice, unsigned percent);
void dice_fill(uint64_t *state, uint8_t *out, size_t count);

/** Something worth a line happened: into the hash, and into the lines a failing seed shows. */
void trace(const char *format, ...) PRINTF_LIKE(1, 2);
/** Something small happened: into the hash only. */
void trace_mix(uint64_t value);
/** A promise (I1 … I12, see README.md) was broken: the seed has failed; the run goes on to its end.
 */
void broken(const char *invariant, const char *format, ...) PRINTF_LIKE(2, 3);
/** The newest lines, and how to see this again. */
void world_show(void);

#endif
