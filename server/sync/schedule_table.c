/*
 * Beacons are claims of anybody nearby: what they bring is bounded, falls silent by itself, and
 * never pushes out what the owner named.
 */
#include "sync/schedule_table.h"

#include "sync/schedule_choose.h"

#include <stdlib.h>

enum err candidates_init(struct candidates *candidates, const struct env *env)
{
	candidates->lan_count = 0;
	candidates->table = table_new(env, LIMIT_KNOWN_ADDRESSES);
	return candidates->table == NULL ? ERR_NOMEM : ERR_OK;
}

static void candidate_free(struct candidate *candidate)
{
	while (candidate->ways != NULL) {
		struct way *next = candidate->ways->next;
		free(candidate->ways);
		candidate->ways = next;
	}
	while (candidate->waiters != NULL) {
		struct waiter *next = candidate->waiters->next;
		free(candidate->waiters);
		candidate->waiters = next;
	}
	free(candidate);
}

void candidates_fini(struct candidates *candidates)
{
	struct candidate *candidate;
	for (size_t cursor = 0; candidates->table != NULL &&
				(candidate = candidate_next(candidates, &cursor)) != NULL;) {
		candidate_free(candidate);
	}
	table_free(candidates->table);
	candidates->table = NULL;
}

struct candidate *candidate_get(const struct candidates *candidates, const struct feed_id *id)
{
	return table_get(candidates->table, id->at);
}

struct candidate *candidate_next(const struct candidates *candidates, size_t *cursor)
{
	const uint8_t *id;
	void *value;
	return table_next(candidates->table, cursor, &id, &value) ? value : NULL;
}

static bool is_needed(const struct candidate *candidate)
{
	return candidate->ways != NULL || candidate->is_named || candidate->is_held ||
	       candidate->is_dialling || candidate->is_up || candidate->waiters != NULL ||
	       candidate->shunned_ms != 0;
}

bool candidate_drop_empty(struct candidates *candidates, struct candidate *candidate)
{
	if (is_needed(candidate)) {
		return false;
	}
	(void)table_remove(candidates->table, candidate->id.at);
	candidate_free(candidate);
	return true;
}

struct candidate *candidate_make(struct candidates *candidates, const struct feed_id *id)
{
	struct candidate *candidate = candidate_get(candidates, id);
	if (candidate != NULL) {
		return candidate;
	}
	candidate = calloc(1, sizeof(*candidate));
	if (candidate == NULL || table_put(candidates->table, id->at, candidate) != ERR_OK) {
		free(candidate);
		return NULL;
	}
	candidate->id = *id;
	candidate->turn_ms = CHOOSE_NEVER;
	return candidate;
}

bool way_is_same(const struct address *a, const struct address *b)
{
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

struct way *way_get(const struct candidate *candidate, const struct address *address)
{
	struct way *way = candidate->ways;
	while (way != NULL && !way_is_same(&way->address, address)) {
		way = way->next;
	}
	return way;
}

/* Take out of the chain. */
static void unchain(struct candidate *candidate, const struct way *gone)
{
	for (struct way **at = &candidate->ways; *at != NULL; at = &(*at)->next) {
		if (*at == gone) {
			*at = gone->next;
			return;
		}
	}
}

static void way_drop(struct candidates *candidates, struct candidate *candidate, struct way *gone)
{
	unchain(candidate, gone);
	candidate->way_count--;
	candidates->lan_count -= gone->is_lan ? 1 : 0;
	free(gone);
}

static bool is_only_heard(const struct way *way)
{
	return way->is_lan && !way->is_kept;
}

/* The last way that was only heard, else the last one if `is_any`, else NULL. */
static struct way *way_to_give_up(const struct candidate *candidate, bool is_any)
{
	struct way *found = NULL;
	for (struct way *way = candidate->ways; way != NULL; way = way->next) {
		if (is_only_heard(way) || (is_any && (found == NULL || !is_only_heard(found)))) {
			found = way;
		}
	}
	return found;
}

struct way *way_make(struct candidates *candidates, struct candidate *candidate,
	const struct address *address, bool is_heard)
{
	struct way *way = way_get(candidate, address);
	if (way != NULL) {
		return way;
	}
	if (candidate->way_count == LIMIT_WAYS) {
		struct way *gone = way_to_give_up(candidate, !is_heard);
		if (gone == NULL) {
			return NULL;
		}
		way_drop(candidates, candidate, gone);
	}
	way = calloc(1, sizeof(*way));
	if (way != NULL) {
		way->address = *address;
		way->address.has_seed = false;
		memset(way->address.seed, 0, sizeof(way->address.seed));
		way->next = candidate->ways;
		candidate->ways = way;
		candidate->way_count++;
	}
	return way;
}

void way_rotate(struct candidate *candidate)
{
	struct way *first = candidate->ways;
	if (first == NULL || first->next == NULL) {
		return;
	}
	struct way *last = first;
	while (last->next != NULL) {
		last = last->next;
	}
	candidate->ways = first->next;
	first->next = NULL;
	last->next = first;
}

void way_first(struct candidate *candidate, struct way *way)
{
	unchain(candidate, way);
	way->next = candidate->ways;
	candidate->ways = way;
}

enum err way_heard(struct candidates *candidates, const struct address *address, int64_t now_ms,
	struct candidate **candidate, bool *is_news)
{
	*candidate = candidate_get(candidates, &address->key);
	struct way *way = *candidate == NULL ? NULL : way_get(*candidate, address);
	*is_news = way == NULL || !way->is_lan || now_ms - way->heard_ms > LIMIT_LAN_SILENCE_MS;
	if (way == NULL || !way->is_lan) {
		if (candidates->lan_count >= LIMIT_LAN_PEERS) {
			candidates_forget(candidates, now_ms);
		}
		if (candidates->lan_count >= LIMIT_LAN_PEERS) {
			return ERR_LIMIT;
		}
		*candidate = candidate_make(candidates, &address->key);
		way = *candidate == NULL ? NULL : way_make(candidates, *candidate, address, true);
		if (way == NULL) {
			return ERR_LIMIT; /* a candidate that is new has room */
		}
		way->is_lan = true;
		candidates->lan_count++;
	}
	way->heard_ms = now_ms;
	return ERR_OK;
}

static void forget_ways(struct candidates *candidates, struct candidate *candidate, int64_t now_ms)
{
	struct way *next;
	for (struct way *way = candidate->ways; way != NULL; way = next) {
		next = way->next;
		bool is_silent = way->is_lan && now_ms - way->heard_ms > LIMIT_LAN_SILENCE_MS;
		if (is_silent && way->is_kept) {
			way->is_lan = false;
			candidates->lan_count--;
		} else if (is_silent) {
			way_drop(candidates, candidate, way);
		}
	}
}

void candidates_forget(struct candidates *candidates, int64_t now_ms)
{
	struct candidate *candidate;
	for (size_t cursor = 0; (candidate = candidate_next(candidates, &cursor)) != NULL;) {
		forget_ways(candidates, candidate, now_ms);
		if (candidate->shunned_ms <= now_ms) {
			candidate->shunned_ms = 0;
		}
		(void)candidate_drop_empty(candidates, candidate);
	}
}
