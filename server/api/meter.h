/**
 * api/meter: how long requests take, and whether one takes for ever. From its head until its answer
 * is filled; the way over the network does not count.
 */
#ifndef API_METER_H
#define API_METER_H

#include "base/env.h"

#include <pthread.h>
#include <stddef.h>

/* What kind of row was asked for. */
enum meter_kind { METER_PAGE, METER_READ, METER_WRITE, METER_PUBLISH, METER_KINDS };
enum { METER_BUCKETS = 11, METER_SERVING = 32 };

/** Upper ends of the buckets, ms; what is longer is only counted. */
extern const int64_t meter_ends[METER_BUCKETS];

struct meter_row {
	uint64_t buckets[METER_BUCKETS]; /* not added up */
	uint64_t count, sum_ms;
};

struct meter {
	const struct env *env;
	pthread_mutex_t lock; /* everything below */
	struct meter_row rows[METER_KINDS];
	uint64_t failed; /* answered with 5xx */
	/* Since when http threads are at one; 0: nobody is. More threads than places are not
	 * watched. */
	int64_t serving_ms[METER_SERVING];
};

void meter_init(struct meter *meter, const struct env *env);
void meter_fini(struct meter *meter);
/** An http thread is at it; the place for meter_leaves(). */
size_t meter_enters(struct meter *meter);
void meter_leaves(struct meter *meter, size_t place);
/** How long the one has been served that is served the longest; 0: nobody is. */
int64_t meter_longest_ms(struct meter *meter);
/** One was answered that came at `since_ms`. */
void meter_count(struct meter *meter, enum meter_kind kind, int64_t since_ms, unsigned status);
/** The same of an exchange whose answer is filled. */
struct exchange;
void meter_exchange(struct meter *meter, const struct exchange *exchange);
/** A copy, of one moment. */
void meter_read(struct meter *meter, struct meter_row rows[static METER_KINDS], uint64_t *failed);

#endif
