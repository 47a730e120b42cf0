/* The heap of events, the streams of chance, and the trace. */
#include "sim/world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_KEPT = 60, LINE_BYTES = 200, BROKEN_SAID_MAX = 3 };

struct world world;
static char lines[LINES_KEPT][LINE_BYTES];
static uint64_t line_count;

/* Chance: splitmix64, enough for choices that nobody attacks. */

static uint64_t next_word(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t dice_word(enum dice dice)
{
	return next_word(&world.state[dice]);
}

uint64_t dice_below(enum dice dice, uint64_t count)
{
	assert(count > 0);
	return dice_word(dice) % count;
}

int64_t dice_between(enum dice dice, int64_t from, int64_t to)
{
	return from + (int64_t)dice_below(dice, (uint64_t)(to - from + 1));
}

bool dice_percent(enum dice dice, unsigned percent)
{
	return dice_below(dice, 100) < percent;
}

void dice_fill(uint64_t *state, uint8_t *out, size_t count)
{
	while (count > 0) {
		uint64_t word = next_word(state);
		size_t part = count < sizeof(word) ? count : sizeof(word);
		memcpy(out, &word, part);
		out += part;
		count -= part;
	}
}

/* The heap. */

static bool is_before(const struct event *a, const struct event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->serial < b->serial;
}

static void place(struct event *event, size_t at)
{
	world.heap[at - 1] = event;
	event->at = at;
}

static void rise(struct event *event)
{
	size_t at = event->at;
	while (at > 1 && is_before(event, world.heap[at / 2 - 1])) {
		place(world.heap[at / 2 - 1], at);
		at /= 2;
	}
	place(event, at);
}

static void sink(struct event *event)
{
	size_t at = event->at;
	for (;;) {
		size_t child = at * 2;
		if (child < world.count && is_before(world.heap[child], world.heap[child - 1])) {
			child++;
		}
		if (child > world.count || is_before(event, world.heap[child - 1])) {
			break;
		}
		place(world.heap[child - 1], at);
		at = child;
	}
	place(event, at);
}

void event_clear(struct event *event)
{
	if (event->at == 0) {
		return;
	}
	size_t at = event->at;
	struct event *last = world.heap[--world.count];
	event->at = 0;
	if (last != event) {
		place(last, at);
		rise(last);
		sink(last);
	}
}

void event_set(struct event *event, int64_t after_us)
{
	event_clear(event);
	if (world.count == world.room) {
		world.room = world.room == 0 ? 256 : world.room * 2;
		world.heap = realloc(world.heap, world.room * sizeof(struct event *));
		assert(world.heap != NULL);
	}
	event->at_us = world.now_us + (after_us < 0 ? 0 : after_us);
	event->serial = ++world.serial;
	world.count++;
	place(event, world.count);
	rise(event);
}

void world_run(int64_t until_us)
{
	while (world.count > 0 && world.heap[0]->at_us <= until_us) {
		struct event *event = world.heap[0];
		event_clear(event);
		world.now_us = event->at_us > world.now_us ? event->at_us : world.now_us;
		world.events++;
		event->fn(event->ctx);
	}
	world.now_us = until_us > world.now_us ? until_us : world.now_us;
}

void world_begin(uint64_t seed, bool is_verbose)
{
	uint64_t state = seed * 0x2545f4914f6cdd1dULL + 1;
	world = (struct world){.seed = seed,
		.is_verbose = is_verbose,
		.trace = 0xcbf29ce484222325ULL,
		.now_us = SECOND_US};
	for (int i = 0; i < DICE_COUNT; i++) {
		world.state[i] = next_word(&state);
	}
	line_count = 0;
}

void world_end(void)
{
	free(world.heap);
	world.heap = NULL;
	world.count = world.room = 0;
}

/* The trace. */

void trace_mix(uint64_t value)
{
	world.trace = (world.trace ^ value) * 0x100000001b3ULL;
	world.trace ^= world.trace >> 29;
}

static void put_line(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
static void put_line(const char *format, va_list args)
{
	char *line = lines[line_count++ % LINES_KEPT];
	int at = snprintf(line, LINE_BYTES, "%10.3f ", (double)world.now_us / SECOND_US);
	(void)vsnprintf(line + at, LINE_BYTES - (size_t)at, format, args);
	for (const char *c = line; *c != '\0'; c++) {
		trace_mix((uint8_t)*c);
	}
	if (world.is_verbose) {
		(void)printf("%s\n", line);
	}
}

void trace(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	put_line(format, args);
	va_end(args);
}

void world_show(void)
{
	uint64_t first = line_count > LINES_KEPT ? line_count - LINES_KEPT : 0;
	for (uint64_t i = first; i < line_count && !world.is_verbose; i++) {
		(void)printf("    %s\n", lines[i % LINES_KEPT]);
	}
	(void)printf("    again: make sim SEED=%llu VERBOSE=1\n", (unsigned long long)world.seed);
	(void)fflush(stdout);
}

void broken(const char *invariant, const char *format, ...)
{
	char text[LINE_BYTES];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	trace("BROKEN %s: %s", invariant, text);
	if (world.broken++ < BROKEN_SAID_MAX) {
		(void)printf("seed %llu: broken %s at %.3f s: %s\n", (unsigned long long)world.seed,
			invariant, (double)world.now_us / SECOND_US, text);
	}
}
