/*
 * One candidate per key, with up to LIMIT_WAYS addresses tried in turn. Nothing here runs on a
 * beat: the timer is set to the next moment somebody is due, and every event (gone, added, reach
 * changed) looks again.
 */
#include "sync/schedule.h"

#include "base/table.h"
#include "sync/peers.h"
#include "sync/recover.h"

#include <stdio.h>
#include <stdlib.h>

enum { STEADY_MS = 10000, LOOK_MS = 20, WHY_BYTES = 96, SENTENCE_BYTES = 512 };

struct way {
	struct way *next;
	struct address address;
	bool is_lan;  /* heard; forgotten when it falls silent */
	bool is_kept; /* in the store, or to be put there when it works */
	int64_t heard_ms;
};

struct waiter {
	struct waiter *next;
	struct address address;
	void (*on_outcome)(void *ctx, const char *why);
	void *ctx;
};

struct candidate {
	struct feed_id id;
	struct way *ways; /* the next to try first */
	size_t way_count;
	bool is_named; /* by the owner: dialled out of reach too */
	bool is_held;
	bool is_dialling; /* by the schedule or for a waiter */
	unsigned failures;
	int64_t due_ms;  /* monotonic */
	int64_t seen_ms; /* wall */
	char why[WHY_BYTES];
	struct waiter *waiters;
};

struct schedule {
	struct sync *sync;
	struct table *candidates;
	size_t lan_count;
	unsigned dialling;
	struct loop_timer *timer;
	bool is_stopped;
};

static void look(struct schedule *schedule);

static int64_t now_ms(const struct schedule *schedule)
{
	return env_mono_ms(schedule->sync->env);
}

static void on_due(void *ctx)
{
	look(ctx);
}

static struct candidate *candidate_get(const struct schedule *schedule, const struct feed_id *id)
{
	return table_get(schedule->candidates, id->at);
}

static struct candidate *candidate_make(struct schedule *schedule, const struct feed_id *id)
{
	struct candidate *candidate = candidate_get(schedule, id);
	if (candidate != NULL) {
		return candidate;
	}
	candidate = calloc(1, sizeof(*candidate));
	if (candidate == NULL || table_put(schedule->candidates, id->at, candidate) != ERR_OK) {
		free(candidate);
		return NULL;
	}
	candidate->id = *id;
	return candidate;
}

static bool is_same_place(const struct address *a, const struct address *b)
{
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static struct way *way_get(const struct candidate *candidate, const struct address *address)
{
	struct way *way = candidate->ways;
	while (way != NULL && !is_same_place(&way->address, address)) {
		way = way->next;
	}
	return way;
}

static void way_drop(struct schedule *schedule, struct candidate *candidate, struct way *gone)
{
	for (struct way **at = &candidate->ways; *at != NULL; at = &(*at)->next) {
		if (*at == gone) {
			*at = gone->next;
			candidate->way_count--;
			schedule->lan_count -= gone->is_lan ? 1 : 0;
			free(gone);
			return;
		}
	}
}

/* The last way that was only heard, else the last one if `is_any`, else NULL. */
static struct way *way_to_give_up(const struct candidate *candidate, bool is_any)
{
	struct way *found = NULL;
	for (struct way *way = candidate->ways; way != NULL; way = way->next) {
		bool is_heard = way->is_lan && !way->is_kept;
		if (is_heard || (is_any && (found == NULL || !found->is_lan || found->is_kept))) {
			found = way;
		}
	}
	return found;
}

/*
 * Add a way at the front (it is tried next). At LIMIT_WAYS one that was only heard makes room; what
 * is kept gives way to an address the owner named, but never to one somebody in the local network
 * claims. NULL: no room, or no memory.
 */
static struct way *way_make(struct schedule *schedule, struct candidate *candidate,
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
		way_drop(schedule, candidate, gone);
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

/* The way just tried goes to the end. */
static void rotate(struct candidate *candidate)
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

static void save(struct schedule *schedule, enum change_kind kind, const struct address *address,
	int64_t number)
{
	struct buf text = BUF_INIT(LIMIT_ADDRESS_BYTES);
	if (address_format(address, &text) == ERR_OK) {
		struct change change = {.kind = kind,
			.feed = address->key,
			.text = buf_span(&text),
			.number = number};
		if (writer_change(schedule->sync->writer, &change) != ERR_OK) {
			LOG(schedule->sync->env, LOG_DEBUG, "address.unsaved",
				LOG_SPAN("address", buf_span(&text)));
		}
	}
	buf_fini(&text);
}

static int64_t backoff_ms(const struct schedule *schedule, unsigned failures)
{
	const struct env *env = schedule->sync->env;
	int64_t wait = LIMIT_DIAL_BACKOFF_MS_MIN;
	for (unsigned i = 1; i < failures && wait < LIMIT_DIAL_BACKOFF_MS_MAX; i++) {
		wait *= 2;
	}
	wait = wait < LIMIT_DIAL_BACKOFF_MS_MAX ? wait : LIMIT_DIAL_BACKOFF_MS_MAX;
	uint8_t dice = 0;
	env->random(env->ctx, &dice, 1);
	return wait * 3 / 4 + wait * dice / 512; /* three to five quarters */
}

static bool is_near(const struct schedule *schedule, const struct feed_id *id)
{
	const struct feed *feed = reach_wanted(schedule->sync->reach, id);
	return feed != NULL && feed->hops > 0;
}

/* May the schedule dial it by itself? */
static bool is_wanted(const struct schedule *schedule, const struct candidate *candidate)
{
	const struct sync *sync = schedule->sync;
	/* Who has our feed when it is to be found again, nobody knows: ask all who are near. */
	bool is_asked = candidate->ways != NULL && candidate->ways->is_lan &&
			recover_is_looking(sync->recover);
	return candidate->ways != NULL && !candidate->is_held && !candidate->is_dialling &&
	       (candidate->is_named || is_asked || is_near(schedule, &candidate->id)) &&
	       !reach_is_blocking(sync->reach, &sync->self, &candidate->id) &&
	       !feed_id_equal(&sync->self, &candidate->id);
}

static int hops_of(const struct schedule *schedule, const struct candidate *candidate)
{
	const struct feed *feed = reach_wanted(schedule->sync->reach, &candidate->id);
	return feed == NULL ? LIMIT_HOPS_MAX + 1 : feed->hops;
}

static bool is_before(
	const struct schedule *schedule, const struct candidate *a, const struct candidate *b)
{
	int hops_a = hops_of(schedule, a);
	int hops_b = hops_of(schedule, b);
	return hops_a != hops_b ? hops_a < hops_b : a->due_ms < b->due_ms;
}

/* The best one that is due; `*next_ms` gets the earliest time somebody else will be, or stays. */
static struct candidate *choose(struct schedule *schedule, int64_t now, int64_t *next_ms)
{
	struct candidate *best = NULL;
	const uint8_t *id;
	void *value;
	for (size_t cursor = 0; table_next(schedule->candidates, &cursor, &id, &value);) {
		struct candidate *candidate = value;
		if (!is_wanted(schedule, candidate) ||
			peers_any(schedule->sync, &candidate->id) != NULL) {
			continue;
		}
		if (candidate->due_ms > now) {
			*next_ms = *next_ms < 0 || candidate->due_ms < *next_ms ? candidate->due_ms
										: *next_ms;
		} else if (best == NULL || is_before(schedule, candidate, best)) {
			best = candidate;
		}
	}
	return best;
}

static size_t dialled_count(const struct sync *sync)
{
	size_t count = 0;
	for (const struct partner *partner = sync->partners; partner != NULL;
		partner = partner->next) {
		count += partner->is_dialled_by_us ? 1 : 0;
	}
	return count;
}

static enum err dial(struct schedule *schedule, struct candidate *candidate,
	const struct address *address, bool is_lan)
{
	enum err err =
		peers_dial(schedule->sync, address, is_lan ? PEER_VIA_LAN : PEER_VIA_NET, false);
	if (err == ERR_OK) {
		candidate->is_dialling = true;
		schedule->dialling++;
		sync_changed(schedule->sync);
	}
	return err;
}

static void look(struct schedule *schedule)
{
	struct sync *sync = schedule->sync;
	int64_t now = now_ms(schedule);
	while (!schedule->is_stopped && schedule->dialling < LIMIT_DIALS &&
		dialled_count(sync) < LIMIT_DIALLED_PEERS) {
		int64_t next = -1;
		struct candidate *candidate = choose(schedule, now, &next);
		if (candidate == NULL) {
			if (next >= 0) {
				loop_timer_set(schedule->timer, next - now);
			}
			return;
		}
		if (dial(schedule, candidate, &candidate->ways->address, candidate->ways->is_lan) !=
			ERR_OK) {
			candidate->failures++;
			candidate->due_ms = now + backoff_ms(schedule, candidate->failures);
		}
	}
}

static void take_row(void *ctx, const struct address_row *row)
{
	struct schedule *schedule = ctx;
	struct address address;
	if (address_parse(span_text(row->text), &address) != ERR_OK) {
		return; /* kept by the store, of no use to us */
	}
	struct candidate *candidate = candidate_make(schedule, &address.key);
	struct way *way = candidate == NULL ? NULL : way_make(schedule, candidate, &address, false);
	if (way != NULL) {
		way->is_kept = true;
		candidate->is_named = true;
		candidate->seen_ms =
			row->reached_ms > candidate->seen_ms ? row->reached_ms : candidate->seen_ms;
	}
}

enum err schedule_new(struct sync *sync, struct schedule **out)
{
	struct schedule *schedule = calloc(1, sizeof(*schedule));
	if (schedule == NULL) {
		return ERR_NOMEM;
	}
	struct reader *reader = NULL;
	enum err err = ERR_NOMEM;
	schedule->sync = sync;
	schedule->candidates = table_new(sync->env, LIMIT_KNOWN_ADDRESSES);
	schedule->timer = loop_timer_new(sync->loop, on_due, schedule);
	if (schedule->candidates == NULL || schedule->timer == NULL) {
		goto out;
	}
	reader = readers_take(sync->readers);
	err = reader == NULL ? ERR_IO : reader_addresses(reader, take_row, schedule);
	readers_give(sync->readers, reader);
	if (err == ERR_OK) {
		*out = schedule;
		return ERR_OK;
	}
out:
	schedule_free(schedule);
	return err;
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

void schedule_free(struct schedule *schedule)
{
	if (schedule == NULL) {
		return;
	}
	const uint8_t *id;
	void *value;
	for (size_t cursor = 0; schedule->candidates != NULL &&
				table_next(schedule->candidates, &cursor, &id, &value);) {
		candidate_free(value);
	}
	table_free(schedule->candidates);
	if (schedule->timer != NULL) {
		loop_timer_free(schedule->timer);
	}
	free(schedule);
}

/* One who waits hears how it went; `why` NULL: the connection stands. */
static void tell(struct waiter *waiter, const char *why)
{
	char sentence[SENTENCE_BYTES];
	if (why != NULL) {
		(void)snprintf(sentence, sizeof(sentence), "Could not connect to %s:%u: %s.",
			waiter->address.host, (unsigned)waiter->address.port, why);
	}
	waiter->on_outcome(waiter->ctx, why == NULL ? NULL : sentence);
	free(waiter);
}

/* Tell those who wait for `candidate`, or only for one address of it. */
static void tell_waiters(struct candidate *candidate, const struct address *only, const char *why)
{
	struct waiter *waiters = candidate->waiters;
	candidate->waiters = NULL;
	while (waiters != NULL) {
		struct waiter *next = waiters->next;
		if (only == NULL || is_same_place(only, &waiters->address)) {
			tell(waiters, why);
		} else {
			waiters->next = candidate->waiters;
			candidate->waiters = waiters;
		}
		waiters = next;
	}
}

void schedule_stop(struct schedule *schedule)
{
	const uint8_t *id;
	void *value;
	schedule->is_stopped = true;
	loop_timer_clear(schedule->timer);
	for (size_t cursor = 0; table_next(schedule->candidates, &cursor, &id, &value);) {
		tell_waiters(value, NULL, "the node is stopping");
	}
}

void schedule_touch(struct schedule *schedule)
{
	if (schedule != NULL && !schedule->is_stopped) {
		loop_timer_set(schedule->timer, LOOK_MS);
	}
}

/* Make room among those heard: who has been silent goes. */
static void forget_silent(struct schedule *schedule)
{
	const uint8_t *id;
	void *value;
	int64_t now = now_ms(schedule);
	for (size_t cursor = 0; table_next(schedule->candidates, &cursor, &id, &value);) {
		struct candidate *candidate = value;
		struct way *next;
		for (struct way *way = candidate->ways; way != NULL; way = next) {
			next = way->next;
			bool is_heard = way->is_lan && !way->is_kept;
			if (is_heard && now - way->heard_ms > LIMIT_LAN_SILENCE_MS) {
				way_drop(schedule, candidate, way);
			}
		}
		if (candidate->ways == NULL && !candidate->is_named && !candidate->is_held &&
			!candidate->is_dialling && candidate->waiters == NULL) {
			(void)table_remove(schedule->candidates, candidate->id.at);
			candidate_free(candidate);
		}
	}
}

void schedule_heard(struct schedule *schedule, const struct address *address)
{
	if (feed_id_equal(&address->key, &schedule->sync->self)) {
		return;
	}
	struct candidate *candidate = candidate_get(schedule, &address->key);
	struct way *way = candidate == NULL ? NULL : way_get(candidate, address);
	bool is_news = way == NULL;
	if (is_news) {
		if (schedule->lan_count >= LIMIT_LAN_PEERS) {
			forget_silent(schedule);
		}
		if (schedule->lan_count >= LIMIT_LAN_PEERS) {
			return;
		}
		candidate = candidate_make(schedule, &address->key);
		way = candidate == NULL ? NULL : way_make(schedule, candidate, address, true);
		if (way == NULL) {
			return;
		}
		way->is_lan = true;
		schedule->lan_count++;
		sync_changed(schedule->sync);
	}
	/* Who was silent and is heard again has just started: the wait after failures is over. */
	is_news = is_news || now_ms(schedule) - way->heard_ms > LIMIT_LAN_SILENCE_MS;
	way->heard_ms = now_ms(schedule);
	if (is_news) {
		candidate->due_ms = 0;
		schedule_touch(schedule);
	}
}

void schedule_add(struct schedule *schedule, const struct address *address)
{
	if (feed_id_equal(&address->key, &schedule->sync->self) || address->has_seed) {
		return;
	}
	struct candidate *candidate = candidate_make(schedule, &address->key);
	struct way *way = candidate == NULL ? NULL : way_make(schedule, candidate, address, false);
	if (way == NULL) {
		return;
	}
	way->is_kept = true;
	candidate->is_named = true;
	candidate->is_held = false;
	candidate->due_ms = 0;
	save(schedule, CHANGE_ADDRESS_PUT, address, 0);
	schedule_touch(schedule);
}

/* A sentence when dialling cannot even be tried. */
static const char *objection(const struct schedule *schedule, const struct address *address)
{
	const struct sync *sync = schedule->sync;
	if (schedule->is_stopped) {
		return "The node is stopping.";
	}
	if (feed_id_equal(&address->key, &sync->self)) {
		return "That is this node's own address.";
	}
	if (address->has_seed) {
		return "That is an invite, not an address: it cannot be dialled as it is.";
	}
	if (reach_is_blocking(sync->reach, &sync->self, &address->key)) {
		return "You have blocked this person: unblock them first.";
	}
	return NULL;
}

void schedule_connect(struct schedule *schedule, const struct address *address,
	void (*on_outcome)(void *ctx, const char *why), void *ctx)
{
	const char *why = objection(schedule, address);
	if (why != NULL || peers_ready(schedule->sync, &address->key) != NULL) {
		on_outcome(ctx, why);
		return;
	}
	struct candidate *candidate = candidate_make(schedule, &address->key);
	struct waiter *waiter = calloc(1, sizeof(*waiter));
	if (candidate == NULL || waiter == NULL) {
		free(waiter);
		on_outcome(ctx, "There is no memory for one more address.");
		return;
	}
	*waiter = (struct waiter){.next = candidate->waiters,
		.address = *address,
		.on_outcome = on_outcome,
		.ctx = ctx};
	candidate->waiters = waiter;
	candidate->is_held = false;
	if (!candidate->is_dialling && dial(schedule, candidate, address, false) != ERR_OK) {
		tell_waiters(candidate, NULL, "too many connections are being made");
	}
}

void schedule_hold(struct schedule *schedule, const struct feed_id *id)
{
	struct candidate *candidate = candidate_make(schedule, id);
	if (candidate != NULL) {
		candidate->is_held = true;
	}
}

static void dial_over(struct schedule *schedule, struct candidate *candidate)
{
	if (candidate->is_dialling) {
		candidate->is_dialling = false;
		schedule->dialling--;
	}
}

/* An address the owner dialled and that worked is kept. */
static void keep(
	struct schedule *schedule, struct candidate *candidate, const struct partner *partner)
{
	struct way *way = way_make(schedule, candidate, &partner->address, false);
	if (way == NULL || partner->via == PEER_VIA_LAN) {
		return;
	}
	if (!way->is_kept) {
		way->is_kept = true;
		candidate->is_named = true;
		save(schedule, CHANGE_ADDRESS_PUT, &partner->address, 0);
	}
	save(schedule, CHANGE_ADDRESS_TRIED, &partner->address, 1);
}

void schedule_ready(struct schedule *schedule, struct partner *partner)
{
	struct candidate *candidate = candidate_get(schedule, &partner->id);
	if (candidate == NULL) {
		return;
	}
	if (partner->is_dialled_by_us) {
		dial_over(schedule, candidate);
		keep(schedule, candidate, partner);
	}
	candidate->seen_ms = env_wall_ms(schedule->sync->env);
	candidate->why[0] = '\0';
	tell_waiters(candidate, NULL, NULL);
	schedule_touch(schedule);
}

static void failed(struct schedule *schedule, struct candidate *candidate,
	const struct partner *partner, const char *reason)
{
	struct way *way = way_get(candidate, &partner->address);
	candidate->failures++;
	if (way != NULL && way->is_kept) {
		save(schedule, CHANGE_ADDRESS_TRIED, &partner->address, 0);
	}
	if (way != NULL && way == candidate->ways) {
		rotate(candidate);
	}
	(void)snprintf(candidate->why, sizeof(candidate->why), "%s", reason);
	tell_waiters(candidate, &partner->address, reason);
	/* Somebody named another address while this one was being tried: its turn now. */
	if (candidate->waiters != NULL &&
		dial(schedule, candidate, &candidate->waiters->address, false) != ERR_OK) {
		tell_waiters(candidate, NULL, "too many connections are being made");
	}
}

void schedule_gone(struct schedule *schedule, struct partner *partner, const char *reason)
{
	struct candidate *candidate = candidate_get(schedule, &partner->id);
	if (candidate == NULL || (!partner->is_ready && !partner->is_dialled_by_us)) {
		return;
	}
	bool is_known_dial = partner->is_dialled_by_us && !partner->is_ready;
	if (is_known_dial) {
		dial_over(schedule, candidate);
	}
	if (peers_ready(schedule->sync, &partner->id) != NULL) {
		tell_waiters(
			candidate, NULL, NULL); /* the other of two crossing connections stands */
		return;
	}
	if (is_known_dial) {
		failed(schedule, candidate, partner, reason);
	} else {
		bool was_steady = now_ms(schedule) - partner->ready_ms >= STEADY_MS;
		candidate->failures = was_steady ? 0 : candidate->failures + 1;
		candidate->seen_ms = env_wall_ms(schedule->sync->env);
		(void)snprintf(candidate->why, sizeof(candidate->why), "%s", reason);
	}
	candidate->due_ms = now_ms(schedule) + backoff_ms(schedule, candidate->failures);
	schedule_touch(schedule);
}

static void format_way(const struct candidate *candidate, char text[static LIMIT_ADDRESS_BYTES + 1])
{
	struct buf buf = BUF_INIT(LIMIT_ADDRESS_BYTES + 1);
	text[0] = '\0';
	if (candidate->ways != NULL && address_format(&candidate->ways->address, &buf) == ERR_OK &&
		buf.len <= LIMIT_ADDRESS_BYTES) {
		memcpy(text, buf.at, buf.len);
		text[buf.len] = '\0';
	}
	buf_fini(&buf);
}

void schedule_address(struct schedule *schedule, const struct feed_id *id,
	char text[static LIMIT_ADDRESS_BYTES + 1])
{
	const struct candidate *candidate = candidate_get(schedule, id);
	text[0] = '\0';
	if (candidate != NULL) {
		format_way(candidate, text);
	}
}

bool schedule_may_dial(struct schedule *schedule, const struct feed_id *id)
{
	const struct candidate *candidate = candidate_get(schedule, id);
	return candidate != NULL && is_wanted(schedule, candidate);
}

size_t schedule_count(const struct schedule *schedule)
{
	return table_count(schedule->candidates);
}

size_t schedule_rows(struct schedule *schedule, struct peer_row *rows, size_t max)
{
	const uint8_t *id;
	void *value;
	size_t count = 0;
	forget_silent(schedule);
	for (size_t cursor = 0;
		count < max && table_next(schedule->candidates, &cursor, &id, &value);) {
		const struct candidate *candidate = value;
		if (candidate->ways == NULL || peers_any(schedule->sync, &candidate->id) != NULL) {
			continue;
		}
		struct peer_row *row = &rows[count++];
		*row = (struct peer_row){.id = candidate->id, .seen_ms = candidate->seen_ms};
		row->state = is_wanted(schedule, candidate) ? PEER_STATE_LOOKING : PEER_STATE_AWAY;
		row->via = candidate->ways->is_lan ? PEER_VIA_LAN : PEER_VIA_NET;
		format_way(candidate, row->address);
		memcpy(row->why, candidate->why, sizeof(row->why));
		row->why[sizeof(row->why) - 1] = '\0';
	}
	return count;
}
