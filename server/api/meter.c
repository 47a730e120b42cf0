/* Counters under one lock: a request takes it three times, and holds it for some additions. */
#include "api/meter.h"

#include "api/route.h"

#include <string.h>

const int64_t meter_ends[METER_BUCKETS] = {1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10000};

void meter_init(struct meter *meter, const struct env *env)
{
	memset(meter, 0, sizeof(*meter));
	meter->env = env;
	(void)pthread_mutex_init(&meter->lock, NULL);
}

void meter_fini(struct meter *meter)
{
	(void)pthread_mutex_destroy(&meter->lock);
}

size_t meter_enters(struct meter *meter)
{
	int64_t now_ms = env_mono_ms(meter->env);
	size_t place = 0;
	(void)pthread_mutex_lock(&meter->lock);
	while (place < METER_SERVING && meter->serving_ms[place] != 0) {
		place++;
	}
	if (place < METER_SERVING) {
		meter->serving_ms[place] = now_ms == 0 ? 1 : now_ms;
	}
	(void)pthread_mutex_unlock(&meter->lock);
	return place;
}

void meter_leaves(struct meter *meter, size_t place)
{
	if (place < METER_SERVING) {
		(void)pthread_mutex_lock(&meter->lock);
		meter->serving_ms[place] = 0;
		(void)pthread_mutex_unlock(&meter->lock);
	}
}

int64_t meter_longest_ms(struct meter *meter)
{
	int64_t now_ms = env_mono_ms(meter->env);
	int64_t longest_ms = 0;
	(void)pthread_mutex_lock(&meter->lock);
	for (size_t i = 0; i < METER_SERVING; i++) {
		int64_t since_ms = meter->serving_ms[i];
		if (since_ms != 0 && now_ms - since_ms > longest_ms) {
			longest_ms = now_ms - since_ms;
		}
	}
	(void)pthread_mutex_unlock(&meter->lock);
	return longest_ms;
}

void meter_count(struct meter *meter, enum meter_kind kind, int64_t since_ms, unsigned status)
{
	int64_t ms = env_mono_ms(meter->env) - since_ms;
	struct meter_row *row = &meter->rows[kind];
	size_t bucket = 0;
	ms = ms < 0 ? 0 : ms;
	while (bucket < METER_BUCKETS && ms > meter_ends[bucket]) {
		bucket++;
	}
	(void)pthread_mutex_lock(&meter->lock);
	if (bucket < METER_BUCKETS) {
		row->buckets[bucket]++;
	}
	row->count++;
	row->sum_ms += (uint64_t)ms;
	meter->failed += status >= 500 ? 1 : 0;
	(void)pthread_mutex_unlock(&meter->lock);
}

static enum meter_kind kind_of(const struct exchange *exchange)
{
	const struct route *route = exchange->route;
	if (route == NULL) {
		return span_starts_with(exchange->head.path, "/api") ? METER_READ : METER_PAGE;
	}
	return route->may == MAY_PUBLISH ? METER_PUBLISH
	       : route->may == MAY_WRITE ? METER_WRITE
					 : METER_READ;
}

void meter_exchange(struct meter *meter, const struct exchange *exchange)
{
	meter_count(meter, kind_of(exchange), exchange->since_ms, exchange->answer.status);
}

void meter_read(struct meter *meter, struct meter_row rows[static METER_KINDS], uint64_t *failed)
{
	(void)pthread_mutex_lock(&meter->lock);
	memcpy(rows, meter->rows, sizeof(meter->rows));
	*failed = meter->failed;
	(void)pthread_mutex_unlock(&meter->lock);
}
